"""SEARCH as a client sees it, compared with an evaluation of the same keys in plain Python."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from email.header import Header

from hypothesis import given, settings
from hypothesis import strategies as st

from mailhub.model.errors import Unavailable
from tests.harness import message
from tests.imap.harness import ImapClient, World

DAY = 86_400
BASE = 1_600_000_000  # 13 Sep 2020 12:26:40 UTC


@dataclass(frozen=True)
class Mail:
    subject: str
    body: str
    flags: frozenset[str]
    day: int

    @property
    def data(self) -> bytes:
        return message(Header(self.subject).encode(), self.body + "\r\n")


MAILBOX = [
    Mail("Hello", "one", frozenset(("\\Seen",)), 0),
    Mail("Grüße", "zwei", frozenset(("\\Seen", "$Work")), 1),
    Mail("Re: Hello", "drei " * 100, frozenset(), 1),
    Mail("", "Vier", frozenset(("\\Deleted", "\\Flagged")), 2),
    Mail("five", "HELLO inside", frozenset(("$Work", "\\Draft")), 5),
    Mail("six", "one", frozenset(("\\Answered",)), 6),
]
Test = Callable[[int, Mail], bool]
"""Whether the message with a number matches."""


@dataclass(frozen=True)
class Criterion:
    text: str
    test: Test


def leaf(text: str, test: Test) -> Criterion:
    return Criterion(text, test)


def has(flag: str) -> Test:
    return lambda n, m: flag in m.flags


LEAVES = [
    leaf("ALL", lambda n, m: True),
    leaf("SEEN", has("\\Seen")),
    leaf("UNSEEN", lambda n, m: "\\Seen" not in m.flags),
    leaf("deleted", has("\\Deleted")),
    leaf("FLAGGED", has("\\Flagged")),
    leaf("DRAFT", has("\\Draft")),
    leaf("UNANSWERED", lambda n, m: "\\Answered" not in m.flags),
    leaf("KEYWORD $work", has("$Work")),
    leaf("UNKEYWORD $Work", lambda n, m: "$Work" not in m.flags),
    leaf("UNKEYWORD nobody", lambda n, m: True),
    leaf("SUBJECT hello", lambda n, m: "hello" in m.subject.lower()),
    leaf('SUBJECT "GRÜSSE"', lambda n, m: False),
    leaf('SUBJECT "grüß"', lambda n, m: "grüß" in m.subject.lower()),
    leaf('SUBJECT ""', lambda n, m: True),
    leaf('HEADER X-Nothing ""', lambda n, m: False),
    leaf("HEADER message-id @example", lambda n, m: True),
    leaf("FROM ann", lambda n, m: True),
    leaf("TO bob", lambda n, m: False),
    leaf("BODY one", lambda n, m: "one" in m.body.lower()),
    leaf("TEXT hello", lambda n, m: "hello" in (m.subject + m.body).lower()),
    leaf("LARGER 300", lambda n, m: len(m.data) > 300),
    leaf("SMALLER 300", lambda n, m: len(m.data) < 300),
    leaf("BEFORE 15-Sep-2020", lambda n, m: m.day < 2),
    leaf("ON 14-Sep-2020", lambda n, m: m.day == 1),
    leaf("SINCE 15-sep-2020", lambda n, m: m.day >= 2),
    leaf("SENTON 7-Feb-2022", lambda n, m: True),
    leaf("SENTBEFORE 7-Feb-2022", lambda n, m: False),
    leaf("2:4", lambda n, m: 2 <= n <= 4),
    leaf("*", lambda n, m: n == len(MAILBOX)),
    leaf("5:*,1", lambda n, m: n >= 5 or n == 1),
    leaf("UID 11:13", lambda n, m: 2 <= n <= 4),
    leaf("UID 1:9", lambda n, m: False),
    leaf("UID 99:*", lambda n, m: n == len(MAILBOX)),
]


def negated(c: Criterion) -> Criterion:
    return Criterion(f"NOT {c.text}", lambda n, m: not c.test(n, m))


def either(a: Criterion, b: Criterion) -> Criterion:
    return Criterion(f"OR {a.text} {b.text}", lambda n, m: a.test(n, m) or b.test(n, m))


def both(parts: list[Criterion]) -> Criterion:
    text = "(" + " ".join(part.text for part in parts) + ")"
    return Criterion(text, lambda n, m: all(part.test(n, m) for part in parts))


criteria = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        inner.map(negated),
        st.tuples(inner, inner).map(lambda pair: either(*pair)),
        st.lists(inner, min_size=1, max_size=3).map(both),
    ),
    max_leaves=8,
)


def mailbox() -> ImapClient:
    """INBOX with MAILBOX in it; the UIDs are the numbers and nine more."""
    world = World()
    client = world.connect("alice")
    for _ in range(9):
        world.deliver(flags=("\\Deleted",))
    client.select()
    client.ok("EXPUNGE")
    for mail in MAILBOX:
        world.deliver(data=mail.data, flags=tuple(mail.flags), date=BASE + mail.day * DAY)
    client.ok("NOOP")
    return client


CLIENT = mailbox()


@settings(max_examples=200)
@given(criteria)
def test_search_finds_what_its_keys_say(criterion: Criterion) -> None:
    expected = [n for n, mail in enumerate(MAILBOX, 1) if criterion.test(n, mail)]

    assert CLIENT.ok(f"SEARCH {criterion.text}") == [
        "* SEARCH" + "".join(f" {n}" for n in expected)
    ]
    assert CLIENT.ok(f"UID SEARCH {criterion.text}") == [
        "* SEARCH" + "".join(f" {n + 9}" for n in expected)
    ]


def test_a_literal_in_another_charset_is_found() -> None:
    head = b"a SEARCH CHARSET ISO-8859-1 SUBJECT {4}\r\n"

    CLIENT.send_octets(head)
    assert CLIENT.send_octets("Grüß\r\n".encode("latin-1")) == [
        "* SEARCH 2",
        "a OK SEARCH completed",
    ]


def test_text_that_is_not_in_its_charset_is_refused() -> None:
    answer = CLIENT.send_octets(b'a SEARCH CHARSET UTF-8 SUBJECT "\xfc"\r\n')

    assert answer == ["a BAD The search text is not valid in its charset"]


def test_a_search_that_fails_empties_the_saved_result() -> None:  # 9051 6.4.4.1
    client = mailbox()
    client.ok("SEARCH RETURN (SAVE) ALL")

    async def fail(query: object) -> None:
        raise Unavailable

    selected = client.protocol.session.current
    selected.mailbox.search, works = fail, selected.mailbox.search  # type: ignore[method-assign,assignment]
    assert "NO [UNAVAILABLE]" in client.send("a SEARCH RETURN (SAVE) ALL")[-1]
    selected.mailbox.search = works  # type: ignore[method-assign]

    assert client.ok("SEARCH $") == ["* SEARCH"]


def test_a_long_result_is_told_in_pieces_of_one_line() -> None:
    world = World()
    client = world.connect("alice")
    client.select()
    data = message()
    for _ in range(60):
        world.deliver(data=data)
    client.ok("NOOP")
    for number in range(2, 61, 2):
        client.ok(f"STORE {number} +FLAGS.SILENT (\\Seen)")

    odd = ",".join(str(n) for n in range(1, 61, 2))
    assert client.ok("SEARCH RETURN (ALL) UNSEEN") == [f'* ESEARCH (TAG "t") ALL {odd}']


def test_deep_nesting_is_refused_and_the_session_goes_on() -> None:
    deep = "(" * 5_000 + "ALL" + ")" * 5_000

    assert CLIENT.tagged(f"SEARCH {deep}").startswith("BAD ")
    assert CLIENT.tagged("NOOP") == "OK NOOP completed"
