"""BINARY[...]: a part with its content-transfer-encoding undone (RFC 3516, RFC 9051 6.4.5).

Only leaf parts are encoded; the whole message, multiparts and messages come as they are.  Text is
not converted: what a sender put into base64 is canonical already, or was never text (2045 6.8).
"""

from __future__ import annotations

from mailhub.imap.errors import No
from mailhub.imap.fetch.sections import Section
from mailhub.mime.parts import PartTable
from mailhub.mime.transfer import Decoder, UnknownEncoding


def decoder_for(section: Section, parts: bytes) -> Decoder | None:
    """What undoes the encoding of the section, None when there is nothing to undo.

    Raises No [UNKNOWN-CTE] (9051 6.4.5).
    """
    part = PartTable.decode(parts).find(section.path) if section.path else None
    if part is None or not part.is_leaf:
        return None
    try:
        return Decoder(part.encoding)
    except UnknownEncoding:
        raise No("A part has an encoding that is unknown here", code="UNKNOWN-CTE") from None


def decoded(data: bytes, section: Section, parts: bytes) -> bytes:
    decoder = decoder_for(section, parts)
    return data if decoder is None else decoder.feed(data) + decoder.finish()
