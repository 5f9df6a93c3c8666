"""QRESYNC: what a client has missed since it last knew a mailbox.  RFC 7162 3.2.5, 3.2.6.

Used by SELECT (QRESYNC ...) and by UID FETCH (... VANISHED).  The store remembers every expunge
for ever, so that the sample of numbers and UIDs that a client may send (3.2.5.2) only shortens
the answer.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass

from mailhub.imap.errors import Bad
from mailhub.imap.fetch import flagrows
from mailhub.imap.fetch.flaglines import flag_lines
from mailhub.imap.session import Session
from mailhub.imap.wire.reader import Reader
from mailhub.model.mail import FlagRows
from mailhub.model.numbers import EVERYTHING, MAX_UID, ModSeq, NumberSet

SLICE = 2_000
MAX_SAMPLE = 10_000
"""A longer one is ignored: it would cost more than it saves."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the client says it knows: ``(uidvalidity modseq [uids] [(numbers uids)])``."""

    uidvalidity: int
    modseq: ModSeq
    uids: NumberSet = EVERYTHING
    sample: tuple[tuple[int, int], ...] = ()
    """Message numbers and their UIDs, ascending."""


def require_qresync(session: Session) -> None:
    if not session.qresync:  # 7162 3.2.3
        raise Bad("ENABLE QRESYNC first")


def parse_known(r: Reader) -> Known:
    r.expect(b"(")
    uidvalidity = r.nz_number()
    r.sp()
    modseq = ModSeq(r.number64())
    uids = EVERYTHING
    sample: tuple[tuple[int, int], ...] = ()
    if r.next_is(b" ") and not r.next_is(b" ("):
        r.sp()
        uids = _parse_fixed(r)
    if r.more():
        sample = _parse_sample(r)
    r.close()
    return Known(uidvalidity, modseq, uids, sample)


def _parse_fixed(r: Reader) -> NumberSet:
    """A sequence-set without ``*`` and ``$``."""
    written = r.sequence_set()
    if written.is_saved or any(0 in ends for ends in written.ranges):
        raise r.refused("Numbers expected")
    return written.fixed


def _parse_sample(r: Reader) -> tuple[tuple[int, int], ...]:
    r.expect(b"(")
    numbers = _parse_fixed(r)
    r.sp()
    uids = _parse_fixed(r)
    r.expect(b")")
    if len(numbers) != len(uids):
        raise r.refused("As many UIDs as message numbers expected")
    if len(numbers) > MAX_SAMPLE:
        return ()
    return tuple(zip(numbers, uids, strict=True))


async def tell_missed(session: Session, known: Known) -> None:
    """Everything that happened to the messages the client knows, in a mailbox just selected."""
    selected = session.current
    if known.uidvalidity != selected.uidvalidity or known.modseq >= selected.modseq:
        return
    changes = await selected.mailbox.changes(known.modseq)
    if not changes.vanished and not changes.changed.uids:
        return
    await selected.load()
    first = _first_unsure(selected.view.uids, known.sample)
    unsure = NumberSet(((first, MAX_UID),))
    await tell_vanished(session, changes.vanished & known.uids & unsure)
    await _tell_flags(session, flagrows.within(changes.changed, known.uids))


def _first_unsure(uids: array[int], sample: tuple[tuple[int, int], ...]) -> int:
    """Below this UID the client knows what has gone: it counts as many messages as there are."""
    for number, uid in reversed(sample):
        if number <= len(uids) and uids[number - 1] == uid:
            return uid + 1
    return 1


async def tell_vanished(session: Session, uids: NumberSet) -> None:
    """VANISHED (EARLIER), without messages that the client still has numbers for."""
    uids = uids - session.current.view.known(uids)
    for start in range(0, len(uids.ranges), SLICE):
        part = NumberSet(uids.ranges[start : start + SLICE])
        session.untagged("VANISHED", ["EARLIER"], str(part))
        await session.ready()


async def _tell_flags(session: Session, rows: FlagRows) -> None:
    selected = session.current
    for start in range(0, len(rows.uids), SLICE):
        part = slice(start, start + SLICE)
        piece = FlagRows(rows.uids[part], rows.flags[part], rows.modseqs[part])
        numbers = selected.view.numbers(piece.uids)
        session.write(
            flag_lines(numbers, piece, selected.keywords, selected.recent, uid=True, modseq=True)
        )
        await session.ready()
