"""STORE, modseqs and what sessions are told, on every engine."""

from __future__ import annotations

import pytest

from mailhub.interfaces import IMailbox
from mailhub.model.errors import LimitReached
from mailhub.model.flags import MAX_KEYWORDS, FlagChange
from mailhub.model.mail import Stored
from mailhub.model.names import mailbox_name
from mailhub.model.numbers import EVERYTHING, ModSeq, NumberSet
from tests.harness import run
from tests.store.contract import MESSAGE, World, flags_of, listed, modseq, numbers, uids

N = mailbox_name
ADD, REMOVE, REPLACE = FlagChange.ADD, FlagChange.REMOVE, FlagChange.REPLACE


def store(box: IMailbox, uid_set: NumberSet, change: FlagChange, *names: str) -> Stored:
    return run(box.store(uid_set, change, frozenset(names)))


@pytest.mark.parametrize(
    ("change", "result"),
    [
        pytest.param(ADD, {"\\Seen", "\\Flagged", "Red"}, id="added"),
        pytest.param(REMOVE, {"\\Seen"}, id="removed"),
        pytest.param(REPLACE, {"\\Flagged", "Red"}, id="replaced"),
    ],
)
def test_flags_can_be(world: World, change: FlagChange, result: set[str]) -> None:
    world.append(world.incoming(MESSAGE, "\\Seen", "\\Flagged"))
    inbox = world.mailbox()

    store(inbox, EVERYTHING, change, "\\Flagged", "Red")

    assert flags_of(inbox, 1) == result


def test_counters_follow_flags(world: World) -> None:
    inbox = world.fill(4)
    store(inbox, numbers((1, 3)), ADD, "\\Seen", "\\Deleted")
    store(inbox, numbers((2, 2)), REMOVE, "\\Seen", "\\Deleted")
    store(inbox, numbers((4, 4)), REPLACE, "\\Deleted")

    status = run(inbox.status())

    assert (status.unseen, status.deleted, status.deleted_octets) == (2, 3, 3 * len(MESSAGE))


def test_the_first_unseen_message_is_known(world: World) -> None:
    inbox = world.fill(4)
    found = []
    for uid_set, change in (
        (numbers((1, 1)), ADD),
        (numbers((2, 3)), ADD),
        (numbers((2, 2)), REMOVE),
        (numbers((1, 4)), ADD),
        (numbers((3, 3)), REMOVE),
        (numbers((1, 1)), REMOVE),
    ):
        store(inbox, uid_set, change, "\\Seen")
        found.append(run(inbox.status()).first_unseen)

    assert found == [2, 4, 2, None, 3, 1]


def test_nothing_happens_when_nothing_changes(world: World) -> None:
    inbox = world.fill(2)
    store(inbox, EVERYTHING, ADD, "\\Seen")
    before = modseq(inbox)

    stored = store(inbox, EVERYTHING, ADD, "\\Seen")

    assert (list(stored.changed), stored.modseq, modseq(inbox)) == ([], None, before)


def test_only_what_changes_gets_a_new_modseq(world: World) -> None:
    inbox = world.fill(3)
    store(inbox, NumberSet.of(2), ADD, "\\Seen")
    before = modseq(inbox)

    stored = store(inbox, EVERYTHING, ADD, "\\Seen")

    assert list(stored.changed) == [1, 3]
    assert stored.modseq is not None
    assert stored.modseq > before
    rows = run(inbox.flags(EVERYTHING))
    assert [m == stored.modseq for m in rows.modseqs] == [True, False, True]


def test_messages_changed_since_are_refused(world: World) -> None:  # 7162 3.1.3
    inbox = world.fill(3)
    before = modseq(inbox)
    store(inbox, NumberSet.of(2), ADD, "\\Flagged")

    stored = run(inbox.store(EVERYTHING, ADD, frozenset({"\\Seen"}), unchanged_since=before))

    assert (list(stored.changed), list(stored.refused)) == ([1, 3], [2])
    assert "\\Seen" not in flags_of(inbox, 2)


def test_a_mailbox_has_room_for_so_many_keywords(world: World) -> None:
    inbox = world.fill(1)
    store(inbox, EVERYTHING, ADD, *(f"k{i}" for i in range(MAX_KEYWORDS)))

    with pytest.raises(LimitReached):
        store(inbox, EVERYTHING, ADD, "one more")

    assert len(flags_of(inbox, 1)) == MAX_KEYWORDS
    store(inbox, EVERYTHING, ADD, "K7", "\\Seen")
    assert "\\Seen" in flags_of(inbox, 1)


def test_removing_an_unknown_keyword_creates_none(world: World) -> None:
    inbox = world.fill(1)

    assert store(inbox, EVERYTHING, REMOVE, "never").keywords == ()


def test_modseqs_grow_over_all_mailboxes(world: World) -> None:
    work = world.create("work")
    inbox = world.fill(1)
    world.append(MESSAGE, to="work")
    first = modseq(work)
    store(inbox, EVERYTHING, ADD, "\\Seen")

    assert modseq(inbox) > first
    assert modseq(work) == first


# --- changes ------------------------------------------------------------------------------


def test_who_asks_again_since_the_same_modseq_hears_what_has_happened_meanwhile(
    world: World,
) -> None:
    inbox = world.fill(1)
    since = run(inbox.status()).highest_modseq
    world.append(MESSAGE)
    assert list(run(inbox.changes(since)).changed.uids) == [2]
    world.append(MESSAGE)

    assert list(run(inbox.changes(since)).changed.uids) == [2, 3]
    assert list(run(world.create("work").changes(since)).changed.uids) == []


def test_changes_are_what_came_changed_and_went(world: World) -> None:
    inbox = world.fill(4)
    since = modseq(inbox)
    store(inbox, NumberSet.of(2, 3), ADD, "\\Flagged", "Red")
    run(inbox.remove(NumberSet.of(1, 3)))
    world.append(MESSAGE)

    changes = run(inbox.changes(since))

    assert list(changes.changed.uids) == [2, 5]
    assert set(changes.vanished) == {1, 3}
    assert changes.highest_modseq == modseq(inbox) == max(changes.changed.modseqs)
    assert (changes.keywords, changes.uidnext) == (("Red",), 6)
    assert list(run(inbox.changes(changes.highest_modseq)).changed.uids) == []


def test_what_came_and_went_in_between_has_vanished(world: World) -> None:
    inbox = world.fill(1)
    since = modseq(inbox)
    world.append(MESSAGE)
    run(inbox.remove(NumberSet.of(2)))

    changes = run(inbox.changes(since))

    assert (list(changes.changed.uids), list(changes.vanished)) == ([], [2])


def test_a_view_can_be_built_as_of_any_modseq(world: World) -> None:
    inbox = world.mailbox()
    views: list[tuple[ModSeq, list[int]]] = [(modseq(inbox), [])]

    def note() -> None:
        views.append((modseq(inbox), uids(inbox)))

    world.fill(3)
    note()
    run(inbox.remove(NumberSet.of(2)))
    note()
    store(inbox, EVERYTHING, ADD, "\\Deleted")
    note()
    world.append(MESSAGE, MESSAGE)
    note()
    run(inbox.expunge())
    note()
    world.append(MESSAGE)
    note()

    assert [list(run(inbox.uids(at))) for at, _ in views] == [then for _, then in views]


def test_a_view_is_the_callers_to_change(world: World) -> None:
    inbox = world.fill(2)
    view = run(inbox.uids(modseq(inbox)))
    view.pop()

    assert uids(inbox) == [1, 2]


def test_two_thousand_changes_are_all_told(world: World) -> None:
    inbox = world.fill(1)
    for _ in range(11):  # 2048
        run(inbox.copy(EVERYTHING, N("INBOX")))
    since = modseq(inbox)
    store(inbox, EVERYTHING, ADD, "\\Seen")
    run(inbox.remove(NumberSet.of(*range(1, 2048, 2))))

    changes = run(inbox.changes(since))

    assert list(changes.changed.uids) == list(range(2, 2049, 2))
    assert list(changes.vanished) == list(range(1, 2048, 2))
    assert uids(inbox) == list(range(2, 2049, 2))


@pytest.mark.parametrize("keywords", [1, 27, 28, 40])
def test_flags_without_modseqs_are_the_same_flags(world: World, keywords: int) -> None:
    names = [f"k{n}" for n in range(keywords)]
    box = world.fill(3)
    run(box.store(NumberSet.of(2), FlagChange.ADD, frozenset(names)))
    run(box.store(NumberSet.of(3), FlagChange.ADD, frozenset((names[-1], "\\Deleted"))))

    brief, full = run(box.flags(EVERYTHING, modseqs=False)), run(box.flags(EVERYTHING))

    assert (listed(brief.uids), listed(brief.flags)) == (listed(full.uids), listed(full.flags))
    assert listed(run(box.flags(EVERYTHING, None, 2, modseqs=False)).uids) == [1, 2]
