"""The groups of a person, as the directory is set up to find them.

``memberOf`` reads them off the entry, ``search`` asks which groups have it as a member,
``tokenGroups`` is Active Directory's own answer with all nesting resolved: one read of the entry,
security identifiers that are then looked up together and remembered.  Other nesting is followed
level by level: one search for all groups of a level, nothing visited twice, so cycles end; depth
and number are bounded, and reaching a bound is an event, never silence.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from mailhub.config.ldap import GROUP_PLACES
from mailhub.config.options import DirectoryConfig
from mailhub.config.templates import Place, escape_filter_octets, parse_filter_template
from mailhub.directory.people import MEMBER_OF
from mailhub.directory.values import texts
from mailhub.directory.wire import Ask, Entry
from mailhub.model.directory import Group
from mailhub.model.steps import Hearer

_K = TypeVar("_K")
_T = TypeVar("_T")

Search = Callable[[Ask, Hearer], Sequence[Entry]]
"""Runs a search for a person's question; within its deadline."""
Tell = Callable[[str, str], None]
"""Told what kind of thing an administrator should know, and the details; tells it once."""

BATCH = 50
"""Groups asked about by one filter."""
REMEMBERED_SECONDS = 60.0
SIDS_REMEMBERED_SECONDS = 600.0
MAX_REMEMBERED = 10_000
_TOKEN_GROUPS = "tokenGroups"  # noqa: S105 - an attribute
_UNKNOWN_SID = Group("", "")
_FIRST_VALUE = re.compile(r"[^=]+=((?:\\.|[^\\,+])*)")
_ESCAPED = re.compile(r"((?:\\[0-9A-Fa-f]{2})+)|\\(.)")


class _Memory(Generic[_K, _T]):
    """What was found out lately; bounded."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._known: dict[_K, tuple[float, _T]] = {}

    def get(self, key: _K) -> _T | None:
        with self._lock:
            until, value = self._known.get(key, (0.0, None))
        return value if until > time.monotonic() else None

    def put(self, key: _K, value: _T) -> None:
        with self._lock:
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()  # rare, and everything in it can be had again
            self._known[key] = (time.monotonic() + self._seconds, value)


class Groups:
    """Of one directory, which is in full.  Every method may be called from any thread."""

    def __init__(self, directory: DirectoryConfig, tell: Tell) -> None:
        self._config = directory.groups
        self._directory = directory
        self._tell = tell
        self._sids = _Memory[bytes, Group](SIDS_REMEMBERED_SECONDS)
        self._outer = _Memory[frozenset[Group], frozenset[Group]](REMEMBERED_SECONDS)
        self._has_member_of = False
        self._filter = (
            parse_filter_template(self._config.filter, GROUP_PLACES)
            if self._config.filter
            else None
        )

    @property
    def anybody(self) -> str:
        """The filter for groups that have any member at all."""
        parts = self._filter.parts if self._filter is not None else ()
        return "".join("*" if isinstance(part, Place) else part for part in parts)

    def of(self, entry: Entry, search: Search, steps: Hearer) -> frozenset[Group]:
        """All groups of *entry*'s owner.  Raises Trouble."""
        mode = self._config.mode
        if mode == "none":
            return frozenset()
        if mode == "tokenGroups":
            groups = self._by_token(entry, search, steps)
        else:
            direct = (
                self._member_of(entry, search, steps)
                if mode == "memberOf"
                else self._search([self._values(entry.dn, entry)], search, steps)
            )
            groups = self._nested(direct, search, steps)
        steps.add("groups", mode=mode, names=tuple(sorted(group.name for group in groups)))
        return groups

    # --- direct ones ---

    def _member_of(self, entry: Entry, search: Search, steps: Hearer) -> frozenset[Group]:
        dns = texts(entry, MEMBER_OF)
        if dns:
            self._has_member_of = True
        elif not self._has_member_of:
            self._look_for_member_of(search, steps)
        return frozenset(Group(dn, first_value(dn)) for dn in dns)

    def _look_for_member_of(self, search: Search, steps: Hearer) -> None:
        """Nobody in any group may also mean a server that does not keep memberOf."""
        people = self._directory.people_filter
        ask = Ask(self._directory.user_base, f"(&{people}({MEMBER_OF}=*))", ("1.1",), size_limit=2)
        self._has_member_of = bool(search(ask, steps))
        if not self._has_member_of:
            self._tell(
                "groups.memberOf",
                "nobody has the attribute memberOf: the server does not keep it, or "
                'the service account may not read it; groups.mode = "search" needs none',
            )

    def _search(
        self, values: Iterable[dict[str, str]], search: Search, steps: Hearer
    ) -> frozenset[Group]:
        """The groups that the filter finds for any of *values*."""
        found: set[Group] = set()
        for batch in _batches(values):
            assert self._filter is not None
            filters = [self._filter.fill(one) for one in batch]
            text = filters[0] if len(filters) == 1 else f"(|{''.join(filters)})"
            ask = Ask(self._config.base, text, ("cn",), page_size=self._directory.page_size)
            found |= {_group(entry) for entry in search(ask, steps)}
        return frozenset(found)

    def _values(self, dn: str, entry: Entry | None = None) -> dict[str, str]:
        login = self._directory.attributes.login
        names = texts(entry, login) if entry is not None and login else ()
        return {"dn": dn, "name": names[0] if names else ""}

    # --- nested ones ---

    def _nested(self, direct: frozenset[Group], search: Search, steps: Hearer) -> frozenset[Group]:
        if self._config.nested != "yes" or not direct:
            return direct
        known = self._outer.get(direct)
        if known is None:
            known = self._expand(direct, search, steps)
            self._outer.put(direct, known)
        return known

    def _expand(self, direct: frozenset[Group], search: Search, steps: Hearer) -> frozenset[Group]:
        everything = {group.dn.casefold(): group for group in direct}
        level = direct
        for _ in range(self._config.max_depth):
            outer = self._search((self._values(group.dn) for group in level), search, steps)
            fresh = {group.dn.casefold(): group for group in outer}
            level = frozenset(g for dn, g in fresh.items() if dn not in everything)
            everything.update((group.dn.casefold(), group) for group in level)
            if not level or len(everything) > self._config.max_groups:
                break
        if level:
            limits = f"{self._config.max_depth} levels or {self._config.max_groups} groups"
            self._tell(
                "groups.limit", f"somebody is in groups beyond {limits}; the rest is left out"
            )
        return frozenset(everything.values())

    # --- Active Directory ---

    def _by_token(self, entry: Entry, search: Search, steps: Hearer) -> frozenset[Group]:
        ask = Ask(entry.dn, "(objectClass=*)", (_TOKEN_GROUPS,), scope="base")
        read = search(ask, steps)
        sids = read[0].values.get(_TOKEN_GROUPS.lower(), ()) if read else ()
        if not sids:  # everybody is at least in the primary group
            self._tell(
                "groups.tokenGroups",
                "tokenGroups is empty: the service account may not read it "
                "(group Windows Authorization Access Group), or this is no Active Directory",
            )
        groups = (self._by_sid(batch, search, steps) for batch in _batches(sids))
        return frozenset(group for found in groups for group in found if group != _UNKNOWN_SID)

    def _by_sid(self, sids: Sequence[bytes], search: Search, steps: Hearer) -> Sequence[Group]:
        missing = [sid for sid in sids if self._sids.get(sid) is None]
        if missing:
            text = "".join(f"(objectSid={escape_filter_octets(sid)})" for sid in missing)
            ask = Ask(self._config.base, f"(|{text})", ("cn", "objectSid"))
            found = {
                sid: _group(entry)
                for entry in search(ask, steps)
                for sid in entry.values.get("objectsid", ())
            }
            for sid in missing:  # built-in groups lie elsewhere
                self._sids.put(sid, found.get(sid, _UNKNOWN_SID))
        return [self._sids.get(sid) or _UNKNOWN_SID for sid in sids]


def first_value(dn: str) -> str:
    """The value of the first part of a DN: what a group is called."""  # 4514 3
    found = _FIRST_VALUE.match(dn)
    return _ESCAPED.sub(_unescaped, found[1]).strip() if found else dn


def _unescaped(found: re.Match[str]) -> str:
    if found[1]:
        return bytes.fromhex(found[1].replace("\\", "")).decode("utf-8", "replace")
    return str(found[2])


def _group(entry: Entry) -> Group:
    names = texts(entry, "cn")
    return Group(entry.dn, names[0] if names else first_value(entry.dn))


def _batches(items: Iterable[_T]) -> Iterator[list[_T]]:
    batch: list[_T] = []
    for item in items:
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
