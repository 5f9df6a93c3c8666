"""Content-Transfer-Encoding undone, in pieces of any size (RFC 2045 6).

Decoders never fail: characters that have no place in base64 are skipped, an ``=`` in
quoted-printable that encodes nothing stays.  An encoding that is not known cannot be undone, and
whoever asks is told so (RFC 3516 4.3: UNKNOWN-CTE).
"""

from __future__ import annotations

import binascii
import string
from typing import Protocol


class UnknownEncoding(Exception):
    """The name of a Content-Transfer-Encoding that RFC 2045 does not define."""


class _Codec(Protocol):
    def feed(self, data: bytes) -> bytes: ...

    def finish(self) -> bytes: ...


class Decoder:
    """:meth:`feed` encoded octets and take what is decoded so far; :meth:`finish` at the end."""

    def __init__(self, encoding: str) -> None:
        try:
            self._codec: _Codec = _CODECS[encoding.strip().lower()]()
        except KeyError:
            raise UnknownEncoding(encoding) from None

    def feed(self, data: bytes) -> bytes:
        return self._codec.feed(data)

    def finish(self) -> bytes:
        return self._codec.finish()


def decode(data: bytes, encoding: str) -> bytes:
    """All of *data* decoded.  Raises UnknownEncoding."""
    decoder = Decoder(encoding)
    return decoder.feed(data) + decoder.finish()


class _Identity:
    def feed(self, data: bytes) -> bytes:
        return data

    def finish(self) -> bytes:
        return b""


_DIGITS = (string.ascii_letters + string.digits + "+/=").encode()
_NOT_DIGITS = bytes(set(range(256)) - set(_DIGITS))


class _Base64:
    """Padding ends a group; digits after it start anew (several encoded texts in a row)."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        digits = self._held + data.translate(None, _NOT_DIGITS)
        if b"=" not in digits:
            return self._whole(digits)
        *padded, rest = digits.split(b"=")
        return b"".join([*map(_end_of_base64, padded), self._whole(rest)])

    def _whole(self, digits: bytes) -> bytes:
        end = len(digits) & ~3
        self._held = digits[end:]
        return binascii.a2b_base64(digits[:end])

    def finish(self) -> bytes:
        rest, self._held = self._held, b""
        return _end_of_base64(rest)


def _end_of_base64(digits: bytes) -> bytes:
    if len(digits) & 3 == 1:  # six bits are no octet
        digits = digits[:-1]
    return binascii.a2b_base64(digits + b"=" * (-len(digits) & 3))


class _QuotedPrintable:
    """Whole lines are decoded at once, of an endless line all that is certain."""

    MAX_LINE = 4096

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        data = self._held + data
        end = data.rfind(b"\n") + 1
        if len(data) - end > self.MAX_LINE:
            end = len(data) - 3
            cut = data.rfind(b"=", end - 3, end)
            end = cut if cut >= 0 else end
        self._held = data[end:]
        return _unquote_printable(data[:end])

    def finish(self) -> bytes:
        rest, self._held = self._held, b""
        return _unquote_printable(rest)


_PADDED_LINES = (b" \n", b" \r\n", b"\t\n", b"\t\r\n")


def _unquote_printable(data: bytes) -> bytes:
    if any(end in data for end in _PADDED_LINES):  # 2045 6.7 (3): added on the way
        data = b"\n".join(map(_unpadded, data.split(b"\n")))
    return binascii.a2b_qp(data)


def _unpadded(line: bytes) -> bytes:
    """Of several CRs only the last one ends the line, whether other lines are padded or not."""
    if line.endswith(b"\r"):
        return line[:-1].rstrip(b" \t") + b"\r"
    return line.rstrip(b" \t")


_CODECS: dict[str, type[_Identity] | type[_Base64] | type[_QuotedPrintable]] = {
    "": _Identity,
    "7bit": _Identity,
    "8bit": _Identity,
    "binary": _Identity,
    "base64": _Base64,
    "quoted-printable": _QuotedPrintable,
}
