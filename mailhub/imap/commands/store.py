"""STORE and UID STORE.  RFC 9051 6.4.6, RFC 3501 6.4.6, RFC 7162 3.1.3.

What has changed is told as every change is, by ``session.catch_up``; this command adds what that
leaves out: messages that had the flags already, and those that failed UNCHANGEDSINCE.  There is
one modseq per message, so a conditional STORE also fails when only another flag has changed,
against the SHOULD of RFC 7162 3.1.12: what a client believes of each flag is not kept.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass

from mailhub.imap.errors import Done, No
from mailhub.imap.fetch import flagrows
from mailhub.imap.fetch.flaglines import flag_lines
from mailhub.imap.registry import command
from mailhub.imap.session import Session, State
from mailhub.imap.wire.reader import Reader
from mailhub.imap.wire.sequence import SequenceSet
from mailhub.imap.wire.writer import Code
from mailhub.model.flags import FlagChange
from mailhub.model.mail import Stored
from mailhub.model.numbers import ModSeq, NumberSet, Uid

FLAGS_PER_SLICE = 5_000
SILENT = ".SILENT"
ITEMS = tuple(change.value + silent for change in FlagChange for silent in ("", SILENT))


@dataclass(frozen=True, slots=True)
class Store:
    messages: SequenceSet
    change: FlagChange
    flags: frozenset[str]
    silent: bool = False
    unchanged_since: ModSeq | None = None
    uid: bool = False

    @property
    def tells_all(self) -> bool:
        """Whether messages that did not change are answered as well."""
        return not self.silent or self.unchanged_since is not None


def parse_store(r: Reader) -> Store:
    return _parse(r, uid=False)


def parse_uid_store(r: Reader) -> Store:
    return _parse(r, uid=True)


def _parse(r: Reader, *, uid: bool) -> Store:
    r.sp()
    messages = r.sequence_set()
    unchanged_since = None
    if r.accept(b" ("):  # 7162 7: store-modifiers
        r.expect(b"UNCHANGEDSINCE")
        r.sp()
        unchanged_since = ModSeq(r.number64())
        r.close()
    r.sp()
    name, silent, _ = r.one_of(ITEMS).partition(SILENT)
    r.sp()
    flags = r.flags()
    r.end()
    return Store(messages, FlagChange(name), flags, bool(silent), unchanged_since, uid)


@command("STORE", parse_store, state=State.SELECTED, capabilities=("CONDSTORE",), expunge_ok=False)
@command("UID STORE", parse_uid_store, state=State.SELECTED)
async def store(session: Session, cmd: Store) -> Done | None:
    selected = session.current
    if cmd.unchanged_since is not None:
        session.enable_condstore()
    if selected.read_only:
        raise No("The mailbox is selected read-only")
    wanted = selected.resolve(cmd.messages, uid=cmd.uid)
    if not wanted:
        return None
    told_up_to = selected.modseq
    stored = await selected.mailbox.store(wanted, cmd.change, cmd.flags, cmd.unchanged_since)
    selected.watch.stale = True
    await session.catch_up(quiet=_known_to_client(cmd, stored, told_up_to))
    if cmd.tells_all:
        await _tell_others(session, cmd, wanted - stored.changed, told_up_to)
    return _modified(session, cmd, stored.refused)


def _known_to_client(cmd: Store, stored: Stored, told_up_to: ModSeq) -> ModSeq | None:
    """The modseq of changes that the client need not be told of, having asked for silence.

    If another session changed one of these messages just before, the client does not know what
    its flags have become, and is told in spite of .SILENT (9051 6.4.6).
    """
    knew_all = stored.before is not None and stored.before <= told_up_to
    return stored.modseq if cmd.silent and knew_all else None


async def _tell_others(session: Session, cmd: Store, others: NumberSet, told_up_to: ModSeq) -> None:
    """Flags of messages that did not change, except those that catch_up has just told of."""
    selected = session.current
    after: Uid | None = None
    while others:
        slice_ = await selected.mailbox.flags(others, after, FLAGS_PER_SLICE)
        rows = flagrows.up_to(slice_, told_up_to)
        lines = flag_lines(
            selected.view.numbers(rows.uids),
            rows,
            selected.keywords,
            selected.recent,
            uid=cmd.uid or session.rev2 or session.condstore,
            modseq=session.condstore,
        )
        session.write(lines)
        await session.ready()
        if slice_.resume is None:
            return
        after = slice_.resume


def _modified(session: Session, cmd: Store, refused: NumberSet) -> Done | None:
    """7162 3.1.3: which messages had changed since UNCHANGEDSINCE."""
    known = session.current.view.known(refused)
    if not known:
        return None
    if not cmd.uid:
        known = NumberSet.of_sorted(session.current.view.numbers(array("I", known)))
    return Done("Conditional STORE failed for some messages", Code("MODIFIED", str(known)))
