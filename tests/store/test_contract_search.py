"""SEARCH on every engine, compared with a search that knows no index and no SQL."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailhub.interfaces import IMailbox
from mailhub.mime.analysis import Analysis
from mailhub.mime.scanner import analyse
from mailhub.model.errors import MailboxGone
from mailhub.model.mail import Field, InternalDate
from mailhub.model.names import mailbox_name
from mailhub.model.numbers import EVERYTHING, MAX_UID, NumberSet
from mailhub.model.search import (
    And,
    BodyContains,
    DateField,
    EmailIdIs,
    Everything,
    HasFlag,
    HeaderContains,
    ModSeqAtLeast,
    Not,
    OnDays,
    Or,
    Query,
    ReceivedBetween,
    SizeAbove,
    SizeBelow,
    TextContains,
    ThreadIdIs,
    UidIn,
)
from tests.harness import run
from tests.naive_search import matches
from tests.store.contract import World

DAY = datetime.date(2024, 2, 29)
NOON = int(datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.UTC).timestamp())


@dataclass
class Sample:
    """What the naive search looks at."""

    uid: int
    data: bytes
    flags: int
    date: InternalDate
    modseq: int = 0
    saved: int = 0
    content: int = 0
    analysis: Analysis = field(init=False)

    def __post_init__(self) -> None:
        self.analysis = analyse(self.data)


def letter(subject: str, body: str, date: str = "") -> bytes:
    lines = [f"Subject: {subject}", "From: Ann <ann@example.org>"]
    lines += [f"Date: {date}"] if date else []
    return ("\r\n".join(lines) + "\r\n\r\n" + body + "\r\n").encode()


SAMPLES = [
    Sample(1, letter("tea", "Earl Grey", "Thu, 29 Feb 2024 23:30:00 -0500"), 0, InternalDate(NOON)),
    Sample(2, letter("coffee", "no tea today"), 1, InternalDate(NOON + 86_400)),
    Sample(3, letter("=?utf-8?q?caf=C3=A9?=", "GREY"), 2 | 32, InternalDate(NOON + 40_000, 600)),
    Sample(
        4,
        letter("TEA time", "x" * 900, "Fri, 1 Mar 2024 00:30:00 +0200"),
        1 | 8,
        InternalDate(-10, -300),
    ),
    Sample(5, letter("", ""), 64, InternalDate(NOON - 50_000, -720)),
    Sample(6, b"no header at all", 1 | 32, InternalDate(NOON)),
]
NAMES = [(1, "\\Seen"), (2, "\\Answered"), (8, "\\Deleted"), (32, "Red"), (64, "Blue")]


def flag_names(mask: int) -> list[str]:
    return [name for bit, name in NAMES if mask & bit]


@pytest.fixture
def box(world: World) -> IMailbox:
    # Red has the first place and Blue the second, as the masks above have it.
    world.append(world.incoming(b"x", "Red"), world.incoming(b"y", "Blue"))
    run(world.mailbox().remove(EVERYTHING))
    world.append(
        *(world.incoming(s.data, *flag_names(s.flags), date=s.date) for s in SAMPLES), to="INBOX"
    )
    return world.mailbox()


def found(box: IMailbox, query: Query) -> list[int]:
    """The numbers of the samples found."""
    return [uid - 2 for uid in run(box.search(query)).uids]


def expected(query: Query) -> list[int]:
    return [s.uid for s in SAMPLES if matches(query, s, ["Red", "Blue"])]


texts = st.sampled_from(["tea", "Grey", "CAFÉ", "x", "", "nowhere", "today"])
dates = st.none() | st.dates(DAY - datetime.timedelta(3), DAY + datetime.timedelta(3))
sizes = st.integers(0, 1200)
instants = st.none() | st.integers(NOON - 100_000, NOON + 100_000)
leaves = st.one_of(
    st.just(Everything()),
    st.builds(HasFlag, st.sampled_from(["\\Seen", "\\Deleted", "\\Draft", "red", "Blue", "Green"])),
    st.builds(SizeAbove, sizes),
    st.builds(SizeBelow, sizes),
    st.builds(OnDays, st.sampled_from([DateField.INTERNAL, DateField.SENT]), dates, dates),
    st.builds(ReceivedBetween, instants, instants),
    st.builds(HeaderContains, st.sampled_from(["Subject", "from", "X-None"]), texts),
    st.builds(BodyContains, texts),
    st.builds(TextContains, texts),
)
queries: st.SearchStrategy[Query] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.lists(inner, max_size=3).map(lambda q: And(tuple(q))),
        st.lists(inner, max_size=3).map(lambda q: Or(tuple(q))),
    ),
    max_leaves=5,
)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(query=queries)
def test_every_query_finds_what_looking_at_each_message_finds(box: IMailbox, query: Query) -> None:
    assert found(box, query) == expected(query)


def test_uids_are_found_in_sets_of_any_form(box: IMailbox) -> None:
    assert found(box, UidIn(NumberSet.of_ranges([(4, 5), (8, 8), (100, MAX_UID)]))) == [2, 3, 6]
    assert found(box, UidIn(NumberSet())) == []
    assert found(box, Not(UidIn(NumberSet.of(3)))) == [2, 3, 4, 5, 6]


def test_the_highest_modseq_of_the_found_is_told_if_it_is_asked_for(
    world: World, box: IMailbox
) -> None:  # 7162 3.1.5
    before = run(box.status()).highest_modseq
    world.append(b"Subject: newest\r\n\r\n")
    newest = run(box.status()).highest_modseq

    tea = And((ModSeqAtLeast(1), HeaderContains("subject", "tea")))
    assert run(box.search(tea)).highest_modseq == before
    assert run(box.search(ModSeqAtLeast(newest))).highest_modseq == newest
    assert found(box, ModSeqAtLeast(newest)) == [7]
    assert run(box.search(And((ModSeqAtLeast(1), HasFlag("Green"))))).highest_modseq == 0


def test_object_ids_are_found(world: World, box: IMailbox) -> None:
    rows = run(box.rows([Field.EMAILID, Field.THREADID], EVERYTHING)).rows
    (email, thread) = {row[0]: row[1:] for row in rows}[5]
    assert isinstance(email, str)
    assert isinstance(thread, str)

    assert found(box, EmailIdIs(email)) == [3]
    assert found(box, ThreadIdIs(thread)) == [3]
    for other in ("", "M", "Mxyz", email + "0", email.lower() + "x", "M" + "f" * 200, "é"):
        assert found(box, EmailIdIs(other)) == []


def test_saved_dates_are_days_of_utc(world: World, box: IMailbox) -> None:
    today = datetime.datetime.fromtimestamp(world.clock.now, datetime.UTC).date()
    tomorrow = today + datetime.timedelta(1)

    assert found(box, OnDays(DateField.SAVED, today, tomorrow)) == [1, 2, 3, 4, 5, 6]
    assert found(box, OnDays(DateField.SAVED, tomorrow, None)) == []


def test_a_text_beyond_the_first_chunks_of_a_long_message_is_found(world: World) -> None:
    body = b"filler line\r\n" * 60_000
    world.append(b"Subject: long\r\n\r\n" + body + b"needle\r\n", b"Subject: s\r\n\r\n" + body)

    assert list(run(world.mailbox().search(BodyContains("NEEDLE"))).uids) == [1]
    assert list(run(world.mailbox().search(Not(TextContains("needle")))).uids) == [2]


def test_expunged_messages_are_not_found(box: IMailbox) -> None:
    run(box.remove(NumberSet.of(3)))

    assert found(box, BodyContains("grey")) == [3]


def test_searching_in_a_deleted_mailbox_tells_so(world: World) -> None:
    box = world.create("work")
    run(world.account.delete(mailbox_name("work")))

    with pytest.raises(MailboxGone):
        run(box.search(Everything()))


def test_each_field_of_a_name_is_looked_through_and_none_together_with_the_next(
    world: World,
) -> None:
    twice = b"Subject: green tea\r\nSubject: black\r\nFrom: ann@x\r\nFrom: bob@x\r\n\r\n"
    world.append(twice, b"Subject: =?utf-8?q?Gr=C3=BCner_Tee?=\r\n\r\n", b"\r\n")
    box = world.mailbox()

    def found(name: str, text: str) -> list[int]:
        return list(run(box.search(HeaderContains(name, text))).uids)

    assert found("Subject", "BLACK") == found("from", "bob@X") == [1]
    assert found("SUBJECT", "gr\xfcner t") == [2]
    assert found("subject", "tea\nblack") == found("subject", "tea\x1e") == []
    assert found("subject", "") == [1, 2]


def test_what_folding_leaves_is_found_by_one_blank_and_as_it_is(world: World) -> None:
    folded = "Subject: first\r\n\t \tsecond\r\nX-Note: one\r\n    two\r\n\r\n"
    world.append(folded.encode(), b"Subject: =?utf-8?q?firs=C3=BC=C2=A0_second?=\r\n\r\n")
    box = world.mailbox()

    def found(query: Query) -> list[int]:
        return list(run(box.search(query)).uids)

    assert found(HeaderContains("Subject", "first second")) == [1]
    assert found(HeaderContains("Subject", "first   second")) == [1]
    assert found(HeaderContains("Subject", "first  second")) == []
    assert found(HeaderContains("Subject", "FIRS\u00fc second")) == [2]
    assert found(HeaderContains("X-Note", "one two")) == [1]
    assert found(TextContains("one two")) == [1]


def test_a_word_in_most_texts_and_a_rare_one_are_found(world: World) -> None:
    subjects = ["tea and tea", "", "teapot", "=?utf-8?q?caf=C3=A9_tea?=", "milk", "TEA"]
    world.append(*(f"Subject: {subject}\r\n\r\n".encode() for subject in subjects))
    box = world.mailbox()

    def found(text: str) -> list[int]:
        return list(run(box.search(HeaderContains("subject", text))).uids)

    assert found("tea") == [1, 3, 4, 6]
    assert found("milk") == [5]
    assert found("CAF\u00c9") == [4]
    assert found("tea\u0000") == found("xx") == []
