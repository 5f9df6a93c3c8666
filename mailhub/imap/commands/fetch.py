"""FETCH and UID FETCH.  RFC 9051 6.4.5, RFC 3501 6.4.5, RFC 3516, RFC 7162 3.1.4, 3.2.6.

The items are rows of :mod:`mailhub.imap.fetch_items`.  Messages that another session has expunged
while this client has not been told are still answered, as long as the store keeps them
(RFC 2180 4.1.1); if it no longer does, FETCH by sequence number says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from mailhub.imap.errors import Done, No
from mailhub.imap.fetch import flagrows
from mailhub.imap.fetch.plan import Plan
from mailhub.imap.fetch.run import Answer
from mailhub.imap.fetch_items import FLAGS, MODSEQ, UID, parse_items
from mailhub.imap.registry import command
from mailhub.imap.resync import require_qresync, tell_vanished
from mailhub.imap.session import Session, State
from mailhub.imap.updates import tell_flags
from mailhub.imap.wire.events import Framed
from mailhub.imap.wire.reader import Reader
from mailhub.imap.wire.sequence import SequenceSet
from mailhub.model.errors import Unavailable
from mailhub.model.flags import FlagChange
from mailhub.model.mail import Stored
from mailhub.model.numbers import ModSeq, NumberSet


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be told of each message."""

    plan: Plan
    sets_seen: bool = False
    enables_condstore: bool = False
    changed_since: ModSeq | None = None
    vanished: bool = False


@dataclass(frozen=True, slots=True)
class Fetch:
    messages: SequenceSet
    wanted: Wanted
    uid: bool = False


def parse_fetch(r: Reader) -> Fetch:
    return _parse(r, uid=False)


def parse_uid_fetch(r: Reader) -> Fetch:
    return _parse(r, uid=True)


def _parse(r: Reader, *, uid: bool) -> Fetch:
    r.sp()
    messages = r.sequence_set()
    text = r.remaining
    if len(text) > MAX_REMEMBERED or b"{" in text:  # a literal is not in the text
        return Fetch(messages, _parse_wanted(r, uid), uid)
    return Fetch(messages, _remembered(text, uid), uid)


MAX_REMEMBERED = 500  # octets


@lru_cache(maxsize=256)
def _remembered(text: bytes, uid: bool) -> Wanted:
    """Clients that fetch message by message always ask in the same words."""
    return _parse_wanted(Reader(Framed(text)), uid)


def _parse_wanted(r: Reader, uid: bool) -> Wanted:
    r.sp()
    asked = parse_items(r)
    modifiers: dict[str, int] = {}
    if r.more():
        modifiers = dict(r.items(lambda: _parse_modifier(r, MODIFIERS[uid])))
    r.end()
    since = modifiers.get("CHANGEDSINCE")
    if since is None and modifiers:
        raise r.refused("VANISHED needs CHANGEDSINCE")  # 7162 3.2.6
    items = tuple([each.item for each in asked])
    if uid:  # 9051 6.4.9: UID is in every answer
        items = (UID, *items)
    if since is not None:
        items = (*items, MODSEQ)
    return Wanted(
        Plan.of(items),
        sets_seen=any(each.seen for each in asked),
        enables_condstore=MODSEQ in items,  # 7162 3.1
        changed_since=None if since is None else ModSeq(since),
        vanished="VANISHED" in modifiers,
    )


MODIFIERS = {False: ("CHANGEDSINCE",), True: ("CHANGEDSINCE", "VANISHED")}
"""Of FETCH and of UID FETCH (7162 3.1.4.1, 3.2.6)."""


def _parse_modifier(r: Reader, names: tuple[str, ...]) -> tuple[str, int]:
    name = r.one_of(names)
    if name == "VANISHED":
        return name, 0
    r.sp()
    # 7162 7 wants 1 at least; Apple's clients send 0, which means everything.
    return name, r.number64()


@command("FETCH", parse_fetch, state=State.SELECTED, capabilities=("BINARY",), expunge_ok=False)
@command("UID FETCH", parse_uid_fetch, state=State.SELECTED)
async def fetch(session: Session, cmd: Fetch) -> Done | None:
    selected = session.current
    if cmd.wanted.vanished:
        require_qresync(session)
    if cmd.wanted.enables_condstore:
        session.enable_condstore()
    if cmd.wanted.vanished:
        await _tell_vanished(session, cmd)
    wanted = selected.resolve(cmd.messages, uid=cmd.uid)
    if not wanted:
        return None
    if cmd.wanted.changed_since:
        await _fetch_changed(session, cmd, wanted, cmd.wanted.changed_since)
        return None
    stored = await _set_seen(session, cmd, wanted)
    answer = _answer(session, cmd, stored)
    await answer.send(wanted)
    known = len(wanted.select(selected.view.uids))
    if answer.answered < known and answer.flags_only:
        gone = (await selected.mailbox.changes(selected.modseq)).vanished & wanted
        await answer.send_rows(gone)
    await _told(session, stored)
    if answer.answered < known and not cmd.uid:
        raise No("Some of the messages no longer exist", code="EXPUNGEISSUED")  # 2180 4.1.2
    return None


async def _tell_vanished(session: Session, cmd: Fetch) -> None:
    """7162 3.2.6: before the FETCH responses, also of UIDs higher than all there are."""
    selected = session.current
    assert cmd.wanted.changed_since is not None
    changes = await selected.mailbox.changes(cmd.wanted.changed_since)
    asked = cmd.messages.resolve(max(selected.uidnext - 1, 1))
    await tell_vanished(session, changes.vanished & asked)


async def _fetch_changed(session: Session, cmd: Fetch, wanted: NumberSet, since: ModSeq) -> None:
    """7162 3.1.4.1: only messages with a modseq above *since*."""
    changed = flagrows.within((await session.current.mailbox.changes(since)).changed, wanted)
    uids = NumberSet.of_sorted(changed.uids)
    stored = await _set_seen(session, cmd, uids)
    answer = _answer(session, cmd, stored)
    if answer.flags_only:
        await answer.send_changed(changed)
    else:
        await answer.send_rows(uids)
    await _told(session, stored)


def _answer(session: Session, cmd: Fetch, stored: Stored | None) -> Answer:
    """With the flags of messages that are \\Seen from now on."""
    plan = cmd.wanted.plan
    if stored is None:
        return Answer(session, plan)
    # 7162 3.2.4: a FETCH that has set \Seen tells UID and modseq as well.
    told = (UID, FLAGS, MODSEQ) if session.condstore else (FLAGS,)
    return Answer(session, plan, Plan.of((*told, *plan.items)), stored.changed)


async def _set_seen(session: Session, cmd: Fetch, wanted: NumberSet) -> Stored | None:
    selected = session.current
    if not cmd.wanted.sets_seen or selected.read_only or not wanted:
        return None
    try:
        stored = await selected.mailbox.store(wanted, FlagChange.ADD, frozenset(("\\Seen",)))
    except Unavailable:
        # Mail must be readable when nothing can be written.  \Seen is only a SHOULD.
        return None
    selected.watch.stale = True
    if stored.keywords != selected.keywords:
        # The answers show flags that will not be told again: all their names must be known.
        selected.keywords = stored.keywords
        tell_flags(session, selected)
    return stored


async def _told(session: Session, stored: Stored | None) -> None:
    """The client has seen the new \\Seen flags in the answers."""
    if stored is not None and stored.modseq is not None:
        await session.catch_up(told=stored.modseq)
