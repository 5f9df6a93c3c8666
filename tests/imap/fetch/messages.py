"""Messages with known sections, put together from their pieces."""

from __future__ import annotations

import base64
from dataclasses import dataclass

CRLF = b"\r\n"


@dataclass(frozen=True, slots=True)
class Known:
    """A message and what each section of it must be."""

    data: bytes
    sections: dict[str, bytes]


PLAIN_HEADER = (
    b"From: a@example.org\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\nX-Odd:\tfolded\r\n line\r\n\r\n"
)
PLAIN_BODY = b"Hello\r\n.\r\n\xc3\xa9\r\n"
PLAIN = Known(
    PLAIN_HEADER + PLAIN_BODY,
    {
        "": PLAIN_HEADER + PLAIN_BODY,
        "HEADER": PLAIN_HEADER,
        "TEXT": PLAIN_BODY,
        "1": PLAIN_BODY,
        "1.MIME": PLAIN_HEADER,
        "HEADER.FIELDS (Subject)": b"Subject: =?utf-8?q?caf=C3=A9?=\r\n\r\n",
        "HEADER.FIELDS (x-odd FROM)": (b"From: a@example.org\r\nX-Odd:\tfolded\r\n line\r\n\r\n"),
        "HEADER.FIELDS (Nothing)": b"\r\n",
        "HEADER.FIELDS.NOT (Subject X-Odd)": b"From: a@example.org\r\n\r\n",
    },
)

OCTETS = bytes(range(256)) * 3
ENCODED = CRLF.join(base64.encodebytes(OCTETS).splitlines())
QUOTED = b"caf=C3=A9 =\r\nau lait"

TEXT_MIME = (
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
)
FILE_MIME = b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: BASE64\r\n\r\n"
ODD_MIME = b"Content-Type: text/plain\r\nContent-Transfer-Encoding: x-odd\r\n\r\n"
INNER_MIME = b"Content-Type: message/rfc822\r\n\r\n"
INNER_HEADER = b"Subject: inner\r\nContent-Type: multipart/mixed; boundary=in\r\nDate: now\r\n\r\n"


def multipart(boundary: bytes, *parts: bytes) -> bytes:
    lines = [b"--" + boundary + CRLF + part + CRLF for part in parts]
    return b"".join(lines) + b"--" + boundary + b"--\r\n"


INNER_FIRST = b"\r\ninner one"
INNER_BODY = multipart(b"in", INNER_FIRST, FILE_MIME + ENCODED)
OUTER_HEADER = b"From: b@example.org\r\nContent-Type: multipart/mixed; boundary=out\r\n\r\n"
OUTER_BODY = multipart(
    b"out",
    TEXT_MIME + QUOTED,
    FILE_MIME + ENCODED,
    INNER_MIME + INNER_HEADER + INNER_BODY,
    ODD_MIME + b"?",
)
NESTED = Known(
    OUTER_HEADER + OUTER_BODY,
    {
        "": OUTER_HEADER + OUTER_BODY,
        "HEADER": OUTER_HEADER,
        "TEXT": OUTER_BODY,
        "1": QUOTED,
        "1.MIME": TEXT_MIME,
        "2": ENCODED,
        "2.MIME": FILE_MIME,
        "3": INNER_HEADER + INNER_BODY,
        "3.MIME": INNER_MIME,
        "3.HEADER": INNER_HEADER,
        "3.TEXT": INNER_BODY,
        "3.HEADER.FIELDS (SUBJECT date)": b"Subject: inner\r\nDate: now\r\n\r\n",
        "3.HEADER.FIELDS.NOT (content-type)": b"Subject: inner\r\nDate: now\r\n\r\n",
        "3.1": b"inner one",
        "3.1.MIME": CRLF,
        "3.2": ENCODED,
        "3.2.MIME": FILE_MIME,
        "4": b"?",
    },
)

MISSING = {
    "plain": ["2", "1.1", "1.HEADER", "1.TEXT", "2.MIME", "1.HEADER.FIELDS (X)"],
    "nested": ["5", "1.1", "1.HEADER", "2.TEXT", "3.3", "3.1.1", "3.3.MIME", "2.HEADER.FIELDS (X)"],
}
