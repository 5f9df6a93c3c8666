from __future__ import annotations

from array import array

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mailhub.imap.errors import No
from mailhub.imap.fetch.plan import Batch, Plan, columns_of
from mailhub.imap.fetch.stream import PIECE_OCTETS, LongMessage, send_section
from mailhub.imap.fetch_items import parse_item
from mailhub.imap.wire.events import Framed
from mailhub.imap.wire.reader import Reader
from mailhub.mime.commonfields import as_it_is, pack
from mailhub.mime.scanner import analyse
from mailhub.model.errors import MessageGone
from mailhub.model.mail import Field, Rows
from mailhub.model.numbers import Uid
from tests.harness import run
from tests.imap.fetch.messages import ENCODED, MISSING, NESTED, OCTETS, PLAIN, Known

KNOWN = {"plain": PLAIN, "nested": NESTED}
ALL_SECTIONS = [
    pytest.param(message, section, id=f"{name} [{section}]")
    for name, message in KNOWN.items()
    for section in message.sections
]


def item(text: str) -> Plan:
    return Plan([parse_item(Reader(Framed(text.encode()))).item])


def batch_of(data: bytes, plan: Plan) -> Batch:
    analysis = analyse(data)
    header = data[: analysis.header_octets]
    values: dict[Field, object] = {
        Field.HEADER: header,
        Field.FIELDS: pack(header) or as_it_is(header),
        Field.REST: data[len(header) :],
        Field.SIZE: len(data),
        Field.PARTS: analysis.parts,
    }
    columns = [[values[field]] for field in plan.fields]
    return columns_of(Rows(array("I", [1]), columns, None), plan.fields)


def short(data: bytes, text: str) -> bytes:
    """The answer for a message that comes in a row."""
    plan = item(text)
    line = plan.lines([1], batch_of(data, plan))
    assert line.startswith(b"* 1 FETCH (")
    assert line.endswith(b")\r\n")
    return line[len(b"* 1 FETCH (") : -len(b")\r\n")]


class Collected:
    """An output that remembers, and a mailbox of one message that is read in pieces."""

    def __init__(self, data: bytes, *, lost_from: int | None = None) -> None:
        self.data = data
        self.written = b""
        self.largest = 0
        self._available = data if lost_from is None else data[:lost_from]

    def write(self, data: bytes) -> None:
        self.written += data
        self.largest = max(self.largest, len(data))

    async def ready(self) -> None:
        pass

    async def read(self, uid: Uid, start: int, octets: int) -> bytes:
        return self._available[start : start + octets]


def streamed(data: bytes, text: str, out: Collected | None = None) -> bytes:
    """The answer for the same message when it is too long for a row."""
    out = out or Collected(data)
    (found,) = item(text).items
    assert found.section is not None
    analysis = analyse(data)
    header = data[: analysis.header_octets]
    message = LongMessage(out, Uid(1), header, len(data), analysis.parts)  # type: ignore[arg-type]
    run(send_section(out, message, found.name, found.section))
    return out.written


def literal(data: bytes) -> bytes:
    return b"{%d}\r\n%b" % (len(data), data)


@pytest.mark.parametrize("answer", [short, streamed])
@pytest.mark.parametrize(
    ("name", "section"), [(name, s) for name, sections in MISSING.items() for s in sections]
)
def test_a_section_that_a_message_does_not_have_is_nil(answer, name: str, section: str) -> None:  # type: ignore[no-untyped-def]
    text = f"BODY[{section}]"

    assert answer(KNOWN[name].data, text) == text.encode() + b" NIL"


@pytest.mark.parametrize("answer", [short, streamed])
@pytest.mark.parametrize(("message", "section"), ALL_SECTIONS)
def test_sections_are_the_message_s_own_bytes(answer, message: Known, section: str) -> None:  # type: ignore[no-untyped-def]
    text = f"BODY[{section}]"

    assert answer(message.data, text) == text.encode() + b" " + literal(message.sections[section])


@pytest.mark.parametrize("answer", [short, streamed])
@pytest.mark.parametrize(("message", "section"), ALL_SECTIONS)
@given(origin=st.integers(0, 5000), octets=st.integers(1, 5000))
def test_partials_are_python_slices(  # type: ignore[no-untyped-def]
    answer, message: Known, section: str, origin: int, octets: int
) -> None:
    expected = message.sections[section][origin : origin + octets]

    found = answer(message.data, f"BODY[{section}]<{origin}.{octets}>")

    assert found == f"BODY[{section}]<{origin}> ".encode() + literal(expected)


@pytest.mark.parametrize("answer", [short, streamed])
def test_a_partial_past_the_end_is_empty_and_keeps_its_origin(answer) -> None:  # type: ignore[no-untyped-def]
    size = len(PLAIN.data)

    assert answer(PLAIN.data, f"BODY[]<{size}.10>") == b"BODY[]<%d> {0}\r\n" % size
    assert answer(PLAIN.data, "BODY[]<999999999999.10>") == b"BODY[]<999999999999> {0}\r\n"
    assert answer(PLAIN.data, "BODY[]<0.999999>") == b"BODY[]<0> " + literal(PLAIN.data)


@pytest.mark.parametrize("message", [PLAIN, NESTED], ids=["plain", "nested"])
def test_header_and_text_join_to_the_message(message: Known) -> None:
    """fetchmail fetches them apart and delivers them joined."""
    sections = message.sections

    assert sections["HEADER"] + sections["TEXT"] == message.data
    assert short(message.data, "RFC822.HEADER") == b"RFC822.HEADER " + literal(sections["HEADER"])
    assert short(message.data, "RFC822.TEXT") == b"RFC822.TEXT " + literal(sections["TEXT"])
    assert short(message.data, "RFC822") == b"RFC822 " + literal(message.data)


@given(st.binary(max_size=400))
def test_any_bytes_come_back_as_they_are(data: bytes) -> None:
    assert short(data, "BODY[]") == b"BODY[] " + literal(data)
    header, text = short(data, "BODY[HEADER]"), short(data, "BODY[TEXT]")
    joined = header.partition(b"\r\n")[2] + text.partition(b"\r\n")[2]
    assert joined == data


@given(
    st.sampled_from([PLAIN.data, NESTED.data]),
    st.sampled_from(["BODY", "BINARY"]),
    st.lists(st.integers(1, 4), max_size=3).map(lambda path: ".".join(map(str, path))),
    st.sampled_from(["", "HEADER", "TEXT", "MIME", "HEADER.FIELDS (Subject)"]),
    st.sampled_from(["", "<0.3>", "<2.100>", "<900.1>"]),
)
def test_streaming_answers_the_same_as_rows(
    data: bytes, kind: str, path: str, text: str, partial: str
) -> None:
    assume(kind == "BODY" or (not text and path != "4"))  # 4 has an unknown encoding
    assume(path or text != "MIME")
    section = ".".join(filter(None, [path, text]))
    asked = f"{kind}[{section}]{partial}"

    assert streamed(data, asked) == short(data, asked)


# --- BINARY -------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [short, streamed])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("BINARY[1]", literal(b"caf\xc3\xa9 au lait"), id="quoted-printable"),
        pytest.param("BINARY[2]", b"~" + literal(OCTETS), id="base64 with NUL: literal8"),
        pytest.param("BINARY[2]<1.9>", literal(OCTETS[1:10]), id="a part without NUL: string"),
        pytest.param("BINARY[2]<0.2>", b"~" + literal(OCTETS[:2]), id="a part with NUL"),
        pytest.param("BINARY[2]<768.1>", literal(b""), id="past the end"),
        pytest.param("BINARY[3.2]", b"~" + literal(OCTETS), id="in a nested message"),
        pytest.param("BINARY[3]", literal(NESTED.sections["3"]), id="a message as it is"),
        pytest.param("BINARY[]", literal(NESTED.data), id="all as it is"),
        pytest.param("BINARY[9]", b"NIL", id="a missing part"),
        pytest.param("BINARY.SIZE[1]", b"13", id="size of text"),
        pytest.param("BINARY.SIZE[2]", b"768", id="size of a file"),
        pytest.param("BINARY.SIZE[9]", b"0", id="size of a missing part"),
    ],
)
def test_binary_undoes_the_transfer_encoding(answer, text: str, expected: bytes) -> None:  # type: ignore[no-untyped-def]
    found = answer(NESTED.data, text)

    assert found.partition(b" ")[2] == expected


@pytest.mark.parametrize("answer", [short, streamed])
@pytest.mark.parametrize("text", ["BINARY[4]", "BINARY[4]<0.1>", "BINARY.SIZE[4]"])
def test_an_unknown_transfer_encoding_is_refused(answer, text: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(No) as refused:  # 9051 6.4.5
        answer(NESTED.data, text)

    assert refused.value.code is not None
    assert refused.value.code.items == ("UNKNOWN-CTE",)


# --- long messages ------------------------------------------------------------------------

LONG_BODY = b"".join(b"%07d\r\n" % n for n in range(60_000))
LONG = PLAIN.sections["HEADER"] + LONG_BODY


def test_a_long_message_is_written_in_pieces() -> None:
    out = Collected(LONG)

    assert streamed(LONG, "BODY[]", out) == b"BODY[] " + literal(LONG)
    assert out.largest <= PIECE_OCTETS


def test_a_long_file_is_decoded_in_pieces() -> None:
    encoded = (ENCODED + b"\r\n") * 1000
    header = b"Content-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    out = Collected(header + encoded)

    found = streamed(header + encoded, "BINARY[1]", out)

    assert found == b"BINARY[1] ~" + literal(OCTETS * 1000)
    assert out.largest <= PIECE_OCTETS


def test_only_what_a_partial_needs_is_read_of_a_long_message() -> None:
    out = Collected(LONG, lost_from=100_000)

    assert streamed(LONG, "BODY[]<90000.10>", out) == b"BODY[]<90000> " + literal(
        LONG[90_000:90_010]
    )


def test_content_that_is_no_longer_kept_is_noticed() -> None:
    with pytest.raises(MessageGone):
        streamed(LONG, "BODY[]", Collected(LONG, lost_from=100_000))
