"""SEARCH and UID SEARCH.  RFC 9051 6.4.4, RFC 3501 6.4.4, RFC 4731, RFC 5182, RFC 7162 3.1.5.

The keys are rows of :mod:`mailhub.imap.search_keys`.  A result speaks of messages that the client
has been told of, no others.  rev2 sessions and RETURN get ESEARCH, others SEARCH.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mailhub.imap.errors import Done, No
from mailhub.imap.registry import command
from mailhub.imap.search_charsets import SUPPORTED, decoder
from mailhub.imap.search_keys import Key, KeyParser, Scene
from mailhub.imap.search_results import Return, esearch_line, saved, search_line
from mailhub.imap.session import Session, State
from mailhub.imap.wire.reader import Reader
from mailhub.imap.wire.writer import Code
from mailhub.model.errors import Refusal
from mailhub.model.mail import Found
from mailhub.model.numbers import NumberSet
from mailhub.model.search import And, UidIn

CAPABILITIES = ("ESEARCH", "SEARCHRES", "WITHIN")
NUMBERS_PER_SLICE = 5_000
NOTHING = Found(array("I"), 0)
ALL = frozenset((Return.ALL,))
ONLY_SAVE = frozenset((Return.SAVE,))


@dataclass(frozen=True, slots=True)
class Search:
    """``returns`` None: no RETURN was given.  ``charset`` is set when it is not supported."""

    key: Key
    returns: frozenset[Return] | None = None
    charset: str | None = None
    by_modseq: bool = False
    by_number: bool = False
    uid: bool = False

    @property
    def saves(self) -> bool:
        return self.returns is not None and Return.SAVE in self.returns


def parse_search(r: Reader) -> Search:
    returns = _parse_returns(r) if r.accept(b" RETURN ") else None
    charset = None
    decode = decoder("UTF-8")
    if r.accept(b" CHARSET "):
        charset = r.astring()
        decode = decoder(charset)
    r.sp()
    keys = KeyParser(r, decode or _latin1)
    key = keys.keys()
    r.end()
    unsupported = charset if decode is None else None
    return Search(key, returns, unsupported, keys.uses_modseq, keys.uses_numbers)


def parse_uid_search(r: Reader) -> Search:
    return replace(parse_search(r), uid=True)


def _latin1(data: bytes) -> str:
    """For the text of a search that will be refused because of its charset."""
    return data.decode("latin-1")


def _parse_returns(r: Reader) -> frozenset[Return]:
    names = tuple(option.value for option in Return)
    found = frozenset(r.items(lambda: Return(r.one_of(names)), may_be_empty=True))
    return found or ALL  # 9051 6.4.4: "()" means ALL


@command("SEARCH", parse_search, state=State.SELECTED, capabilities=CAPABILITIES, expunge_ok=False)
@command("UID SEARCH", parse_uid_search, state=State.SELECTED)
async def search(session: Session, cmd: Search) -> Done | None:
    try:
        await _search(session, cmd)
    except (Refusal, No):
        if cmd.saves:  # 9051 6.4.4.1: a NO empties $, a BAD leaves it
            session.current.saved = NumberSet()
        raise
    # 7162 3.2.10.2: message numbers in a UID SEARCH must not change under it.
    return Done(expunge_ok=False) if cmd.by_number else None


async def _search(session: Session, cmd: Search) -> None:
    if cmd.charset is not None:
        raise No(f"{cmd.charset} is not supported", Code("BADCHARSET", list(SUPPORTED)))
    if cmd.by_modseq:
        session.enable_condstore()
    found = await _find(session, cmd)
    if cmd.returns is not None and cmd.saves:
        session.current.saved = NumberSet.of_sorted(saved(found.uids, cmd.returns))
    if cmd.returns != ONLY_SAVE:
        await _tell(session, cmd, found)


async def _find(session: Session, cmd: Search) -> Found:
    """What matches among the messages that the client knows."""
    selected = session.current
    scene = Scene(
        numbers=selected.matching,
        uids=lambda wanted: selected.resolve(wanted, uid=True),
        recent=selected.recent,
        now=int(session.now()),
    )
    query = cmd.key(scene)
    if not selected.view.uids:
        return NOTHING
    last = selected.view.uids[-1]
    if cmd.by_modseq:
        # Messages the client has not been told of would raise the highest modseq.
        query = And((UidIn(NumberSet(((1, last),))), query))
    found = await selected.mailbox.search(query)
    return Found(found.uids[: bisect_right(found.uids, last)], found.highest_modseq)


async def _tell(session: Session, cmd: Search, found: Found) -> None:
    returns = cmd.returns
    if returns is None and session.rev2:
        returns = ALL
    modseq = await _modseq(session, found, returns or ALL) if cmd.by_modseq else None
    numbers = found.uids if cmd.uid else await _numbers(session, found.uids)
    if returns is None:
        lines = search_line(numbers, modseq)
    else:
        tag = session.tag.encode()
        lines = esearch_line(tag, numbers, returns, uid=cmd.uid, modseq=modseq)
    for piece in lines:
        session.write(piece)
        await session.ready()


async def _numbers(session: Session, uids: array[int]) -> Sequence[int]:
    """The sequence numbers of *uids*, without blocking others for long."""
    view = session.current.view
    if len(uids) == len(view):
        return view.numbers(uids)
    found = array("I")
    for start in range(0, len(uids), NUMBERS_PER_SLICE):
        found.extend(filter(None, view.numbers(uids[start : start + NUMBERS_PER_SLICE])))
        await session.ready()
    return found


async def _modseq(session: Session, found: Found, returns: frozenset[Return]) -> int | None:
    """The highest modseq of the messages that are told (RFC 4731 3.2)."""
    ends = saved(found.uids, returns)
    if len(ends) == len(found.uids):
        return found.highest_modseq
    rows = await session.current.mailbox.flags(NumberSet.of_sorted(ends))
    return max(rows.modseqs, default=found.highest_modseq)
