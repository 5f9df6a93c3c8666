"""On well-formed mail mailhub reads what the standard library's email package reads."""

from __future__ import annotations

import datetime
import email
import email.header
import email.policy
import email.utils
from email.message import EmailMessage, Message
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mailhub.mime.charset import decode as decode_charset
from mailhub.mime.parts import Part
from mailhub.mime.scanner import analyse
from mailhub.mime.transfer import decode as decode_transfer
from mailhub.mime.words import decode_parameter
from tests.mime import imap_grammar
from tests.mime.reading import table

# Without folding, and names without punctuation: what the library makes of encoded names in
# long lists, or with a comma in them, it cannot read itself.
POLICY = email.policy.SMTP.clone(max_line_length=990)
letters = st.text("abcxyz ÄÖÜäöüß.,-_你好Привет0123456789", min_size=1, max_size=30).map(
    lambda text: " ".join(text.split()) or "x"
)
paragraphs = st.lists(letters, min_size=1, max_size=5).map(lambda lines: "\n".join(lines) + "\n")
local_parts = st.from_regex(r"[a-z][a-z0-9]{0,8}(\.[a-z]{1,5})?", fullmatch=True)
names = letters.map(lambda text: "".join(c for c in text if c.isalnum() or c == " "))
mailboxes = st.tuples(names, local_parts).map(
    lambda pair: email.utils.formataddr((pair[0], f"{pair[1]}@example.org"))
)
dates = st.datetimes(
    datetime.datetime(1990, 1, 2),
    datetime.datetime(2040, 1, 1),
    timezones=st.integers(-12, 14).map(lambda h: datetime.timezone(datetime.timedelta(hours=h))),
)
file_names = letters.map(lambda text: text.replace(".", "") + ".bin")


@st.composite
def messages(draw: st.DrawFn, depth: int = 2) -> EmailMessage:
    message = EmailMessage(policy=POLICY)
    message["From"] = draw(mailboxes)
    message["To"] = ", ".join(draw(st.lists(mailboxes, min_size=1, max_size=4)))
    message["Subject"] = draw(letters)
    message["Date"] = email.utils.format_datetime(draw(dates))
    message["Message-ID"] = f"<{draw(local_parts)}@example.org>"
    encoding = draw(st.sampled_from([None, "base64", "quoted-printable"]))
    message.set_content(draw(paragraphs), cte=encoding)
    if draw(st.booleans()):
        message.add_alternative(f"<p>{draw(letters)}</p>\n", subtype="html")
    for _ in range(draw(st.integers(0, 2))):
        message.add_attachment(
            draw(st.binary(max_size=200)),
            maintype="application",
            subtype="x-test",
            filename=draw(file_names),
        )
    if depth and draw(st.booleans()):
        message.add_attachment(draw(messages(depth=depth - 1)))
    return message


def parsed(data: bytes) -> Message:
    return email.message_from_bytes(data, policy=email.policy.compat32)


@given(messages())
@settings(max_examples=60, deadline=None)
def test_structure_and_bodies(message: EmailMessage) -> None:
    data = message.as_bytes()
    compare_part(data, table(data).root, parsed(data))


def compare_part(data: bytes, part: Part, theirs: Message) -> None:
    assert part.media == theirs.get_content_type()
    payload = theirs.get_payload()
    if theirs.is_multipart():
        assert isinstance(payload, list)
        assert part.is_message or part.is_multipart
        assert len(part.children) == len(payload)
        for child, their_child in zip(part.children, payload, strict=True):
            assert isinstance(their_child, Message)
            compare_part(data, child, their_child)
        return
    assert part.is_leaf
    raw = data[part.body_offset : part.body_offset + part.body_octets]
    decoded = theirs.get_payload(decode=True)
    assert isinstance(decoded, bytes)
    assert decode_transfer(raw, part.encoding) == decoded
    if part.media.startswith("text/"):
        charset = theirs.get_content_charset() or ""
        assert part.charset == charset
        assert decode_charset(decoded, part.charset) == decoded.decode(charset)


@given(messages())
@settings(max_examples=60, deadline=None)
def test_parameters_and_file_names(message: EmailMessage) -> None:
    data = message.as_bytes()
    structure = imap_grammar.bodystructure(analyse(data).bodystructure)
    compare_parameters(structure, parsed(data))


def compare_parameters(body: list[Any], theirs: Message) -> None:
    payload = theirs.get_payload()
    if isinstance(body[0], list):
        assert isinstance(payload, list)
        for child, their_child in zip(body, payload, strict=False):
            assert isinstance(their_child, Message)
            compare_parameters(child, their_child)
        return
    assert body[5].decode() == theirs.get("Content-Transfer-Encoding", "7bit")
    if body[0] == b"message":
        assert isinstance(payload, list)
        assert isinstance(payload[0], Message)
        compare_parameters(body[8], payload[0])
    if body[-3] is not None:
        kind, pairs = body[-3]
        found = list(zip(pairs[::2], pairs[1::2], strict=True)) if pairs else []
        assert kind.decode() == theirs.get_content_disposition()
        assert decode_parameter(found, b"filename") == theirs.get_filename()


@given(messages())
@settings(max_examples=60, deadline=None)
def test_envelope(message: EmailMessage) -> None:
    data = message.as_bytes()
    analysis = analyse(data)
    theirs = parsed(data)
    fields = imap_grammar.envelope(analysis.envelope)
    for at, name in ((0, "Date"), (1, "Subject"), (9, "Message-ID")):
        assert fields[at].decode() == str(theirs[name]).replace("\r\n", "")
    for at, name in ((2, "From"), (5, "To")):
        pairs = email.utils.getaddresses([str(theirs[name]).replace("\r\n", "")])
        assert [(a[0] or b"", b"%b@%b" % (a[2], a[3])) for a in fields[at]] == [
            (shown.encode(), address.encode()) for shown, address in pairs
        ]
    date = email.utils.parsedate_to_datetime(str(theirs["Date"]))
    assert analysis.sent_seconds == int(date.timestamp())
    subject = email.header.make_header(email.header.decode_header(fields[1].decode()))
    assert analysis.subject == str(subject)
