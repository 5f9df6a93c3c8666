"""Messages too long to come in a row: read in pieces and written as they come.

At most one piece is in memory, and the next one is not read before the client has taken enough
of those before it (``ready``).  BINARY is decoded twice, once to count: a literal must begin with
its length.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from mailhub.imap.fetch.binary import decoder_for
from mailhub.imap.fetch.plan import Batch, Plan
from mailhub.imap.fetch.sections import Coding, Extent, Partial, Section, extent_of
from mailhub.interfaces import IMailbox
from mailhub.model.errors import MessageGone
from mailhub.model.mail import Field
from mailhub.model.numbers import Uid

PIECE_OCTETS = 64 * 1024
EVERYTHING = Partial(0, 2**63)


class Output(Protocol):
    """The part of a session that an answer is written to."""

    def write(self, data: bytes) -> None: ...

    async def ready(self) -> None: ...


@dataclass(frozen=True, slots=True)
class LongMessage:
    mailbox: IMailbox
    uid: Uid
    header: bytes
    size: int
    parts: bytes

    @classmethod
    def of(cls, mailbox: IMailbox, batch: Batch) -> LongMessage:
        """The one message of *batch*."""
        columns = batch.columns
        parts = columns[Field.PARTS][0] if Field.PARTS in columns else b""
        return cls(
            mailbox, Uid(batch.uids[0]), columns[Field.HEADER][0], columns[Field.SIZE][0], parts
        )

    def extent(self, section: Section) -> Extent | None:
        return extent_of(section, len(self.header), self.size, self.parts)


async def read_pieces(
    message: LongMessage, extent: Extent, take: Callable[[bytes], Awaitable[bool]]
) -> None:
    """Give *take* the octets of *extent* until it returns False."""
    at, end = extent.start, extent.start + extent.octets
    while at < end:
        piece = await message.mailbox.read(message.uid, at, min(PIECE_OCTETS, end - at))
        if not piece:
            raise MessageGone
        at += len(piece)
        if not await take(piece):
            return


async def send_long(out: Output, mailbox: IMailbox, plan: Plan, number: int, batch: Batch) -> None:
    """The FETCH response of a message whose REST did not come in its row."""
    message = LongMessage.of(mailbox, batch)
    out.write(b"* %d FETCH (" % number)
    between = b""
    for item in plan.items:
        out.write(between)
        between = b" "
        if item.section is not None and Field.REST in item.fields:
            await send_section(out, message, item.name, item.section)
        else:
            out.write(item.wire % tuple(value for column in item.values(batch) for value in column))
    out.write(b")\r\n")


async def send_section(out: Output, message: LongMessage, name: bytes, section: Section) -> None:
    extent = message.extent(section)
    if section.coding is Coding.DECODED_SIZE:
        size = 0 if extent is None else (await count(out, message, section, extent)).octets
        out.write(b"%b %d" % (name, size))
    elif extent is None:
        out.write(name + b" NIL")
    elif section.picks_fields:
        await _send_picked(out, message, name, section, extent)
    elif section.coding is Coding.DECODED:
        await _send_decoded(out, message, name, section, extent)
    else:
        await _send_raw(out, message, name, extent.narrowed(section.partial))


async def _send_raw(out: Output, message: LongMessage, name: bytes, extent: Extent) -> None:
    async def take(piece: bytes) -> bool:
        out.write(piece)
        await out.ready()
        return True

    out.write(b"%b {%d}\r\n" % (name, extent.octets))
    await read_pieces(message, extent, take)


async def _send_picked(
    out: Output, message: LongMessage, name: bytes, section: Section, extent: Extent
) -> None:
    """A header is held whole: the scanner limits its length."""
    pieces: list[bytes] = []

    async def take(piece: bytes) -> bool:
        pieces.append(piece)
        await out.ready()
        return True

    await read_pieces(message, extent, take)
    data = section.picked(b"".join(pieces))
    if section.partial is not None:
        data = section.partial.of(data)
    out.write(b"%b {%d}\r\n%b" % (name, len(data), data))


# --- BINARY -------------------------------------------------------------------------------


@dataclass(slots=True)
class Counted:
    octets: int = 0
    has_nul: bool = False


async def count(out: Output, message: LongMessage, section: Section, extent: Extent) -> Counted:
    """The decoded octets that the section's partial leaves."""
    counted = Counted()

    async def take(data: bytes) -> None:
        counted.octets += len(data)
        counted.has_nul = counted.has_nul or b"\0" in data

    await _decode(out, message, section, extent, take)
    return counted


async def _send_decoded(
    out: Output, message: LongMessage, name: bytes, section: Section, extent: Extent
) -> None:
    counted = await count(out, message, section, extent)

    async def take(data: bytes) -> None:
        out.write(data)

    tilde = b"~" if counted.has_nul else b""  # 9051 7.5.2: literal8 only where it is needed
    out.write(b"%b %b{%d}\r\n" % (name, tilde, counted.octets))
    await _decode(out, message, section, extent, take)


async def _decode(
    out: Output,
    message: LongMessage,
    section: Section,
    extent: Extent,
    take: Callable[[bytes], Awaitable[None]],
) -> None:
    """Give *take* the decoded octets within the section's partial, a piece at a time."""
    decoder = decoder_for(section, message.parts)
    wanted = section.partial or EVERYTHING
    start, end = wanted.origin, wanted.origin + wanted.octets
    at = 0

    async def pass_on(data: bytes) -> None:
        nonlocal at
        await take(data[max(start - at, 0) : max(end - at, 0)])
        at += len(data)

    async def take_raw(piece: bytes) -> bool:
        await pass_on(piece if decoder is None else decoder.feed(piece))
        await out.ready()
        return at < end

    await read_pieces(message, extent, take_raw)
    if decoder is not None:
        await pass_on(decoder.finish())
