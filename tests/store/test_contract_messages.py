"""APPEND, reading, COPY, MOVE and EXPUNGE on every engine."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailhub.interfaces import IMailbox
from mailhub.mime.commonfields import pick
from mailhub.mime.fields import select_fields
from mailhub.mime.scanner import analyse
from mailhub.model.errors import InUse, MessageGone, NoSuchMailbox
from mailhub.model.flags import FlagChange
from mailhub.model.mail import Field, InternalDate
from mailhub.model.names import mailbox_name
from mailhub.model.numbers import EVERYTHING, NumberSet, Uid
from tests.harness import run
from tests.store.contract import MESSAGE, World, contents, flags_of, modseq, numbers, uids

N = mailbox_name
HEADER, REST = MESSAGE[: MESSAGE.index(b"\r\n\r\n") + 4], b"How about tea?\r\n"


def delete(box: IMailbox, *gone: int) -> None:
    run(box.store(NumberSet.of(*gone), FlagChange.ADD, frozenset({"\\Deleted"})))


def test_uids_ascend_and_uidnext_follows(world: World) -> None:
    first = world.append(MESSAGE, MESSAGE)
    second = world.append(MESSAGE)

    assert (str(first.uids), str(second.uids)) == ("1:2", "3")
    status = run(world.mailbox().status())
    assert (status.uidnext, status.exists, status.uidvalidity) == (4, 3, first.uidvalidity)


def test_uids_are_not_reused(world: World) -> None:
    inbox = world.fill(3)
    run(inbox.remove(numbers((2, 3))))

    assert list(world.append(MESSAGE).uids) == [4]


def test_what_is_filed_is_counted(world: World) -> None:
    world.append(
        world.incoming(MESSAGE, "\\Seen"), world.incoming(MESSAGE, "\\Deleted", "Later"), MESSAGE
    )

    status = run(world.mailbox().status())

    assert (status.exists, status.unseen, status.deleted) == (3, 2, 1)
    assert (status.octets, status.deleted_octets) == (3 * len(MESSAGE), len(MESSAGE))
    assert (status.recent, status.keywords) == (3, ("Later",))
    usage = run(world.account.usage())
    assert (usage.octets, usage.messages) == (3 * len(MESSAGE), 3)


def test_bytes_come_back_exactly(world: World) -> None:
    data = bytes(range(256)) * 3 + b"\r\n\r\n\x00\xff" + b"no line end"
    world.append(data)

    assert contents(world.mailbox(), 1) == data
    rows = run(world.mailbox().rows([Field.HEADER, Field.REST, Field.SIZE], EVERYTHING)).rows
    (_, header, rest, size) = rows[0]
    assert isinstance(header, bytes)
    assert isinstance(rest, bytes)
    assert (header + rest, size) == (data, len(data))


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 262_144, 262_145, 1_000_000])
def test_a_message_of_any_size_comes_back_exactly(world: World, size: int) -> None:
    body = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    data = b"Subject: big\r\n\r\n" + body
    world.append(data)
    box = world.mailbox()

    assert contents(box, 1) == data
    assert contents(box, 1, piece=100_000) == data
    rest = run(box.rows([Field.REST], EVERYTHING)).rows[0][1]
    assert rest == (body if size <= 262_144 else None)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(start=st.integers(0, 400_050), octets=st.integers(1, 300_000))
def test_any_stretch_of_a_message_can_be_read(world: World, start: int, octets: int) -> None:
    data = b"Subject: x\r\n\r\n" + b"0123456789abcdef" * 25_000
    box = world.mailbox()
    if not uids(box):
        world.append(data)

    piece = run(box.read(Uid(1), start, octets))

    assert data[start : start + octets].startswith(piece)
    assert piece or start >= len(data)


def test_the_analysis_comes_back_as_it_was_found(world: World) -> None:
    world.append(MESSAGE)
    found = analyse(MESSAGE)

    fields = [Field.ENVELOPE, Field.BODYSTRUCTURE, Field.PREVIEW, Field.PARTS, Field.HEADER]
    rows = run(world.mailbox().rows(fields, EVERYTHING)).rows

    assert list(rows) == [
        (1, found.envelope, found.bodystructure, found.preview, found.parts, HEADER)
    ]


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(b"Received: x\r\nFROM: a\r\n b\r\nX: y\r\nSubject: c\r\n\r\n", id="as usual"),
        pytest.param(b"From: a\0\xff\xc3\r\n\r\n", id="octets that are no text"),
        pytest.param(b"From: a\n\n", id="bare LF"),
        pytest.param(b"From: %b\r\nSubject: c\r\n\r\n" % (b"a" * 20_000), id="long"),
        pytest.param(b"\r\n", id="none"),
    ],
)
def test_common_fields_are_those_of_the_header(world: World, header: bytes) -> None:
    world.append(header + b"body", MESSAGE)
    inbox = world.mailbox()
    alone = run(inbox.rows([Field.FIELDS], numbers((1, 1)))).rows
    many = run(inbox.rows([Field.FIELDS], EVERYTHING)).rows
    run(inbox.remove(numbers((2, 2))))  # still readable for those who have not been told
    merged = run(inbox.rows([Field.FIELDS], EVERYTHING)).rows

    wanted = frozenset((b"from", b"subject"))
    for rows in (alone, many, merged):
        assert pick([fields for _, fields in rows[:1]], wanted) == [select_fields(header, wanted)]
    assert [uid for uid, _ in many] == [uid for uid, _ in merged] == [1, 2]


def test_a_date_keeps_its_zone_and_none_means_now(world: World) -> None:
    world.append(world.incoming(date=InternalDate(-86_400, -330)), MESSAGE)

    rows = run(world.mailbox().rows([Field.DATE, Field.ZONE, Field.SAVED], EVERYTHING)).rows

    now = int(world.clock.now)
    assert list(rows) == [(1, -86_400, -330, now), (2, now, 0, now)]


def test_a_uidl_is_unique_and_stays(world: World) -> None:
    inbox = world.fill(3)
    before = run(inbox.rows([Field.UIDL], EVERYTHING)).rows
    run(inbox.remove(numbers((1, 1))))

    after = run(inbox.rows([Field.UIDL], numbers((2, 3)))).rows

    assert list(after) == list(before)[1:]
    assert len({uidl for _, uidl in before}) == 3


def test_a_staged_message_can_be_filed_twice_and_with_a_prefix(world: World) -> None:
    staged = world.staged(MESSAGE)
    prefixed = staged.with_prefix(b"Return-Path: <x@example.org>\r\n")
    from mailhub.interfaces import Incoming

    world.append(Incoming(staged), Incoming(prefixed), Incoming(staged))
    staged.release()
    prefixed.release()

    box = world.mailbox()
    assert contents(box, 1) == contents(box, 3) == MESSAGE
    assert contents(box, 2) == b"Return-Path: <x@example.org>\r\n" + MESSAGE


def test_a_prefix_that_matters_is_analysed(world: World) -> None:
    staged = world.staged(MESSAGE).with_prefix(b"To: bob@example.org\r\n")

    assert staged.analysis == analyse(b"To: bob@example.org\r\n" + MESSAGE)


# --- slices -------------------------------------------------------------------------------


def test_rows_come_in_slices_that_join_up(world: World) -> None:
    inbox = world.fill(7)
    seen: list[object] = []
    after = None
    while True:
        part = run(inbox.rows([Field.SIZE], numbers((2, 100)), after, limit=2))
        seen += [uid for uid, _ in part.rows]
        if part.resume is None:
            break
        after = part.resume

    assert seen == [2, 3, 4, 5, 6, 7]


def test_a_slice_stops_after_enough_octets_but_holds_one_row(world: World) -> None:
    world.append(*[b"Subject: x\r\n\r\n" + b"y" * 1000] * 5)
    inbox = world.mailbox()

    part = run(inbox.rows([Field.REST], EVERYTHING, octets=10))
    assert ([row[0] for row in part.rows], part.resume) == ([1], 1)

    part = run(inbox.rows([Field.REST], EVERYTHING, after=Uid(1), octets=2500))
    assert 1 <= len(part.rows) <= 3
    assert part.rows[0][0] == 2


def test_a_slice_of_headers_is_whole_whatever_their_length(world: World) -> None:
    lengths = [10, 20_000, 10, 10, 300_000, 20_000, 20_000]
    world.append(*[b"Subject: %b\r\n\r\nbody" % (b"x" * length) for length in lengths])
    inbox = world.mailbox()
    run(inbox.remove(numbers((3, 3))))  # still readable for those who have not been told
    seen: list[tuple[Any, ...]] = []
    after = None
    while True:
        part = run(inbox.rows([Field.SIZE, Field.HEADER], EVERYTHING, after, limit=4))
        assert 1 <= len(part.uids) <= 16
        seen += part.rows
        if part.resume is None:
            break
        after = part.resume

    assert [(uid, size, len(header)) for uid, size, header in seen] == [
        (uid, length + 17, length + 13) for uid, length in enumerate(lengths, 1)
    ]


def test_common_fields_come_in_slices_whatever_the_length_of_headers(world: World) -> None:
    lengths = [10, 20_000, 10, 10, 300_000, 20_000]
    headers = [b"Subject: %b\r\n\r\n" % (b"x" * length) for length in lengths]
    world.append(*[header + b"body" for header in headers])
    inbox = world.mailbox()
    seen: list[tuple[Any, ...]] = []
    after = None
    while True:
        part = run(inbox.rows([Field.FIELDS], EVERYTHING, after, limit=4))
        seen += part.rows
        if part.resume is None:
            break
        after = part.resume

    assert [uid for uid, _ in seen] == [1, 2, 3, 4, 5, 6]
    assert pick([fields for _, fields in seen], frozenset((b"subject",))) == headers


def test_sets_with_many_holes_are_read_like_others(world: World) -> None:
    inbox = world.fill(20)
    odd = NumberSet.of(*range(1, 9_000, 2))

    assert [row[0] for row in run(inbox.rows([Field.SIZE], odd)).rows] == list(range(1, 20, 2))
    assert list(run(inbox.flags(odd)).uids) == list(range(1, 20, 2))
    assert list(run(inbox.rows([Field.SIZE], NumberSet.of(500, 600))).rows) == []
    assert list(run(inbox.flags(NumberSet())).uids) == []


def test_flags_come_in_slices(world: World) -> None:
    inbox = world.fill(5)

    part = run(inbox.flags(EVERYTHING, limit=2))
    assert (list(part.uids), part.resume) == ([1, 2], 2)
    part = run(inbox.flags(EVERYTHING, after=Uid(2), limit=3))
    assert (list(part.uids), part.resume) == ([3, 4, 5], None)
    assert len(part.flags) == len(part.modseqs) == 3


# --- copy and move ------------------------------------------------------------------------


def test_a_copy_has_new_uids_and_the_old_everything_else(world: World) -> None:
    world.create("work")
    world.append(MESSAGE, to="work")
    world.append(
        world.incoming(MESSAGE, "\\Flagged", "Red", date=InternalDate(5, 60)),
        world.incoming(b"Subject: other\r\n\r\n", "Blue"),
    )

    copied = run(world.mailbox().copy(EVERYTHING, N("work")))

    assert (str(copied.source), str(copied.target)) == ("1:2", "2:3")
    work = world.mailbox("work")
    assert copied.uidvalidity == run(work.status()).uidvalidity
    assert flags_of(work, 2) == {"\\Flagged", "Red"}
    assert flags_of(work, 3) == {"Blue"}
    fields = [Field.DATE, Field.ZONE, Field.EMAILID, Field.SIZE]
    there = run(work.rows(fields, numbers((2, 3)))).rows
    here = run(world.mailbox().rows(fields, EVERYTHING)).rows
    assert [row[1:] for row in there] == [row[1:] for row in here]
    assert contents(work, 2) == MESSAGE


def test_keywords_keep_their_names_where_the_target_orders_them_otherwise(world: World) -> None:
    world.create("work")
    world.append(world.incoming(MESSAGE, "Blue"), to="work")
    world.append(world.incoming(MESSAGE, "Red"))
    world.append(world.incoming(MESSAGE, "blue", "Green"))
    world.append(world.incoming(MESSAGE, "Red", "Green", "\\Seen"))

    run(world.mailbox().copy(EVERYTHING, N("work")))

    work = world.mailbox("work")
    assert [flags_of(work, uid) for uid in (2, 3, 4)] == [
        {"Red"},
        {"Blue", "Green"},
        {"Red", "Green", "\\Seen"},
    ]


def test_a_copy_counts_in_target_and_account(world: World) -> None:
    world.create("work")
    world.append(world.incoming(MESSAGE, "\\Seen"), world.incoming(MESSAGE, "\\Deleted"))

    run(world.mailbox().copy(EVERYTHING, N("work")))

    status = run(world.account.status(N("work")))
    assert (status.exists, status.unseen, status.deleted, status.recent) == (2, 1, 1, 2)
    assert (status.octets, status.deleted_octets) == (2 * len(MESSAGE), len(MESSAGE))
    assert run(world.account.usage()).messages == 4
    assert status.first_unseen == 2


@pytest.mark.parametrize("method", ["copy", "move"])
def test_the_target_must_exist(world: World, method: str) -> None:
    inbox = world.fill(1)

    with pytest.raises(NoSuchMailbox):
        run(getattr(inbox, method)(EVERYTHING, N("nowhere")))

    assert uids(inbox) == [1]


@pytest.mark.parametrize("method", ["copy", "move"])
def test_uids_that_do_not_exist_are_ignored(world: World, method: str) -> None:
    work = world.create("work")
    inbox = world.fill(2)

    copied = run(getattr(inbox, method)(NumberSet.of(2, 7, 9), N("work")))
    nothing = run(getattr(inbox, method)(NumberSet.of(7), N("work")))

    assert (str(copied.source), str(copied.target)) == ("2", "1")
    assert not nothing.source
    assert not nothing.target
    assert uids(work) == [1]


def test_a_move_is_a_copy_and_an_expunge(world: World) -> None:
    work = world.create("work")
    inbox = world.fill(4)
    before = modseq(inbox)

    moved = run(inbox.move(NumberSet.of(1, 3), N("work")))

    assert (str(moved.source), str(moved.target)) == ("1,3", "1:2")
    assert (uids(inbox), uids(work)) == ([2, 4], [1, 2])
    assert list(run(inbox.changes(before)).vanished) == [1, 3]
    assert run(world.account.usage()).messages == 4


def test_moving_into_the_same_mailbox_gives_new_uids(world: World) -> None:
    inbox = world.fill(3)

    moved = run(inbox.move(numbers((1, 2)), N("INBOX")))

    assert (str(moved.target), uids(inbox)) == ("4:5", [3, 4, 5])
    assert run(inbox.status()).exists == 3


def test_copying_into_the_same_mailbox_doubles(world: World) -> None:
    inbox = world.fill(2)

    run(inbox.copy(EVERYTHING, N("INBOX")))

    assert uids(inbox) == [1, 2, 3, 4]
    uidls = {uidl for _, uidl in run(inbox.rows([Field.UIDL], EVERYTHING)).rows}
    assert len(uidls) == 4


# --- expunge ------------------------------------------------------------------------------


def test_only_deleted_messages_are_expunged(world: World) -> None:
    inbox = world.fill(5)
    delete(inbox, 2, 3, 5)

    assert list(run(inbox.expunge(NumberSet.of(3, 4)))) == [3]
    assert uids(inbox) == [1, 2, 4, 5]
    assert list(run(inbox.expunge())) == [2, 5]
    assert list(run(inbox.expunge())) == []
    assert run(world.account.usage()).messages == 2


def test_remove_asks_for_no_flag(world: World) -> None:
    inbox = world.fill(3)

    assert list(run(inbox.remove(NumberSet.of(1, 3, 9)))) == [1, 3]
    assert list(run(inbox.remove(NumberSet()))) == []
    assert uids(inbox) == [2]


def test_counters_follow_an_expunge(world: World) -> None:
    world.append(*[world.incoming(MESSAGE, "\\Seen")] * 2, MESSAGE, MESSAGE)
    inbox = world.mailbox()
    assert run(inbox.claim_recent()) == 1
    world.append(MESSAGE)
    delete(inbox, 1, 3)

    run(inbox.expunge())

    status = run(inbox.status())
    assert (status.exists, status.unseen, status.deleted, status.recent) == (3, 2, 0, 1)
    assert (status.octets, status.deleted_octets) == (3 * len(MESSAGE), 0)
    assert status.first_unseen == 4


def test_expunged_messages_can_still_be_read_for_a_while_but_have_no_flags(world: World) -> None:
    inbox = world.fill(3)
    run(inbox.remove(NumberSet.of(2)))

    assert contents(inbox, 2) == MESSAGE
    rows = run(inbox.rows([Field.SIZE, Field.HEADER, Field.REST], EVERYTHING)).rows
    assert [row[0] for row in rows] == [1, 2, 3]
    assert rows[1] == (2, len(MESSAGE), HEADER, REST)
    assert list(run(inbox.flags(EVERYTHING)).uids) == [1, 3]


def test_what_never_was_cannot_be_read(world: World) -> None:
    with pytest.raises(MessageGone):
        run(world.mailbox().read(Uid(7), 0, 10))
    assert list(run(world.mailbox().rows([Field.SIZE], NumberSet.of(7))).rows) == []


# --- recent, locks, news ------------------------------------------------------------------


def test_recent_is_claimed_once(world: World) -> None:  # 3501 2.3.2
    inbox = world.fill(2)

    assert run(inbox.claim_recent()) == 1
    assert run(inbox.status()).recent == 0
    assert run(inbox.claim_recent()) == 3
    world.append(MESSAGE)
    assert run(inbox.status()).recent == 1
    assert run(inbox.claim_recent()) == 3


def test_the_maildrop_is_locked_by_one(world: World) -> None:
    release = run(world.account.lock_maildrop())

    with pytest.raises(InUse):
        run(world.account.lock_maildrop())
    release()
    run(world.account.lock_maildrop())()


def test_watchers_are_told_until_they_stop(world: World) -> None:
    told: list[object] = []
    undo = world.account.watch(told.append)
    inbox = world.fill(1)
    assert told == [inbox.id]

    delete(inbox, 1)
    run(inbox.expunge())
    assert told == [inbox.id] * 3
    undo()
    undo()
    world.append(MESSAGE)
    assert len(told) == 3


def test_creating_a_mailbox_is_told(world: World) -> None:
    told: list[object] = []
    world.account.watch(told.append)

    world.create("work")
    run(world.account.subscribe(N("work")))

    assert None in told
