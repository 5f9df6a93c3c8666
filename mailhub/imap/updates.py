"""Telling a client what happened in its mailbox: EXPUNGE, EXISTS, RECENT, FLAGS, FETCH.

One way for all causes, this session's own commands included: ask the mailbox what changed since
the modseq that the client has been told of (RFC 9051 7.4, 7.5).  That happens before the tagged
reply of every command and, while the client idles, whenever the account says so.

Message numbers change only with EXPUNGE, which waits while a command with message numbers runs
(9051 7.5.1); what has gone meanwhile is kept in ``Selected.gone``.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from mailhub.imap.fetch.flaglines import flag_lines, modseq_lines
from mailhub.imap.selected import Selected
from mailhub.imap.wire import writer
from mailhub.imap.wire.writer import Code, Text
from mailhub.model.errors import Refusal, Unavailable
from mailhub.model.flags import MAX_KEYWORDS, SYSTEM_FLAGS
from mailhub.model.mail import Changes, FlagRows
from mailhub.model.numbers import ModSeq, NumberSet, Uid

if TYPE_CHECKING:
    from mailhub.imap.session import Session

SLICE = 2_000  # lines between two looks at the clock
EXISTS = b"* %d EXISTS\r\n"
RECENT = b"* %d RECENT\r\n"
RETRY_SECONDS = 1.0  # when the mailbox could not be read just now


async def catch_up(
    session: Session,
    selected: Selected,
    *,
    expunge: bool,
    quiet: ModSeq | None = None,
    told: ModSeq | None = None,
) -> None:
    """Tell everything that may be told now.

    Flag changes with the modseq *quiet* are the client's own doing and known to it; it is told
    no more than their MODSEQ, and that only if it cares (RFC 7162 3.1.3).  Of changes with the
    modseq *told* it has been told all.
    """
    delayed = bool(selected.gone)
    changes = await _changes(session, selected)
    if changes is not None and changes.vanished:
        selected.note_gone(changes.vanished)
    if expunge and selected.gone:
        await _tell_expunged(session, selected)
    if changes is not None:
        await _tell_changes(session, selected, changes, quiet=quiet, told=told)
    if session.qresync and selected.gone and changes is not None:
        # 7162 3.2, 6: a client that has seen higher modseqs must not believe that it knows all
        # up to them; if the connection broke now, it would never hear of what has gone.
        _tell_modseq(session, selected.modseq_before_gone, "Something that has gone is not told")
    elif session.qresync and delayed and not selected.gone:
        _tell_modseq(session, selected.modseq, "All is told")


async def _tell_changes(
    session: Session,
    selected: Selected,
    changes: Changes,
    *,
    quiet: ModSeq | None,
    told: ModSeq | None,
) -> None:
    """Everything but what has gone."""
    changed = _known(changes, selected.uidnext, told)
    if changes.keywords != selected.keywords:
        selected.keywords = changes.keywords
        tell_flags(session, selected)
    await _tell_arrived(session, selected, changes)
    await _tell_changed(session, selected, changed, quiet=quiet)
    selected.modseq = changes.highest_modseq


async def _changes(session: Session, selected: Selected) -> Changes | None:
    if not selected.watch.stale:
        return None
    selected.watch.stale = False
    try:
        changes = await selected.mailbox.changes(selected.modseq)
        # To give a changed or vanished message its number, the numbers as told must be known.
        if changes.vanished or any(uid < selected.uidnext for uid in changes.changed.uids[:1]):
            await selected.load()
    except Unavailable:
        session.connection.call_later(RETRY_SECONDS, lambda: selected.watch(None))
        return None
    except Refusal as error:
        # Deleted or damaged.  RFC 2180 3.3: there is no other way to tell.
        session.bye(str(error))
        return None
    return changes


async def _tell_expunged(session: Session, selected: Selected) -> None:
    numbers, uids = selected.tell_gone()
    if session.qresync:  # 7162 3.2.10.2
        for start in range(0, len(uids.ranges), SLICE):
            session.untagged("VANISHED", str(NumberSet(uids.ranges[start : start + SLICE])))
            await session.ready()
        return
    for start in range(0, len(numbers), SLICE):
        piece = numbers[start : start + SLICE]
        session.write(b"".join([b"* %d EXPUNGE\r\n" % number for number in piece]))
        await session.ready()


def _tell_modseq(session: Session, modseq: ModSeq, text: str) -> None:
    session.untagged("OK", Code("HIGHESTMODSEQ", modseq), Text(text))


async def _tell_arrived(session: Session, selected: Selected, changes: Changes) -> None:
    uids = changes.changed.uids
    arrived = uids[bisect_left(uids, selected.uidnext) :]
    selected.tell_arrived(arrived, changes.uidnext)
    if not arrived:
        return
    session.lines(EXISTS % selected.exists)
    if not session.rev2:  # 3501 7.3.2, gone in 9051
        told = selected.recent_count
        await claim_recent(selected, NumberSet.of_sorted(arrived))
        if selected.recent_count != told:
            session.lines(RECENT % selected.recent_count)


async def claim_recent(selected: Selected, arrived: NumberSet) -> None:
    """Make those of *arrived* \\Recent here that no other session has claimed (3501 2.3.2).

    EXAMINE must not take the flag away from others, so it only looks.  When nothing can be
    claimed now (the disk is full), they are \\Recent here and perhaps elsewhere as well.
    """
    if not selected.read_only:
        try:
            first = await selected.mailbox.claim_recent()
        except Refusal:
            first = Uid(0)
        arrived = arrived & NumberSet(((first, selected.uidnext),))
    selected.recent |= arrived
    selected.recent_count += len(arrived)


async def _tell_changed(
    session: Session, selected: Selected, rows: FlagRows, *, quiet: ModSeq | None
) -> None:
    # 7162 3.2.3.4 wants the UID beside the MODSEQ only with QRESYNC; it never hurts.
    uid = session.by_uid or session.rev2 or session.condstore
    modseq = session.condstore
    for piece in _slices(rows):
        numbers = selected.view.numbers(piece.uids)
        news = _only(numbers, piece, lambda at: at != quiet)
        session.write(
            flag_lines(news, piece, selected.keywords, selected.recent, uid=uid, modseq=modseq)
        )
        if modseq and quiet is not None:
            own = _only(numbers, piece, lambda at: at == quiet)
            session.write(modseq_lines(own, piece, uid=uid))
        await session.ready()


def _only(numbers: Sequence[int], rows: FlagRows, wanted: Callable[[int], bool]) -> Sequence[int]:
    """*numbers*, 0 where the row's modseq is not *wanted*."""
    return [
        number if wanted(modseq) else 0
        for number, modseq in zip(numbers, rows.modseqs, strict=True)
    ]


def _known(changes: Changes, uidnext: Uid, told: ModSeq | None) -> FlagRows:
    """The changes to messages that are not new, those that were *told* left out."""
    rows = changes.changed
    end = bisect_left(rows.uids, uidnext)
    if told is None:
        return FlagRows(rows.uids[:end], rows.flags[:end], rows.modseqs[:end])
    kept = [i for i in range(end) if rows.modseqs[i] != told]
    return FlagRows(
        array("I", [rows.uids[i] for i in kept]),
        [rows.flags[i] for i in kept],
        [rows.modseqs[i] for i in kept],
    )


def _slices(rows: FlagRows) -> Iterator[FlagRows]:
    for start in range(0, len(rows.uids), SLICE):
        piece = slice(start, start + SLICE)
        yield FlagRows(rows.uids[piece], rows.flags[piece], rows.modseqs[piece])


def tell_flags(session: Session, selected: Selected) -> None:
    session.lines(flags_lines(selected.keywords, selected.read_only))


@lru_cache(256)
def flags_lines(keywords: tuple[str, ...], read_only: bool) -> bytes:
    """FLAGS and PERMANENTFLAGS (9051 7.3.5, 7.1)."""
    words = [word for word in keywords if word]
    names = [*SYSTEM_FLAGS, *words]
    free = ["\\*"] if len(words) < MAX_KEYWORDS else []
    kept = Code("PERMANENTFLAGS", [] if read_only else [*names, *free])
    why = Text("Nothing can be changed" if read_only else "Flags that are kept")
    return writer.line("*", "FLAGS", names) + writer.line("*", "OK", kept, why)
