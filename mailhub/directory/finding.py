"""Finding entries and making people of them: the searches behind every question.

Nothing here is asked for a password.  What an administrator should know is told to the watcher, the
same thing not again for ten minutes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from mailhub.config.options import DirectoryConfig
from mailhub.directory import codes, standing
from mailhub.directory.groups import Groups
from mailhub.directory.people import id_of, person_of, wanted
from mailhub.directory.ranges import completed as with_all_ranges
from mailhub.directory.receiving import TOO_LARGE
from mailhub.directory.servers import Deadline, Servers
from mailhub.directory.troubles import Kind, Refused, Trouble, Verdict
from mailhub.directory.values import number
from mailhub.directory.watching import Watcher
from mailhub.directory.wire import Answer, Ask, Entry, Wire, is_administrative
from mailhub.model.directory import Person
from mailhub.model.steps import Hearer

TELL_AGAIN_SECONDS = 600.0
MAX_TOLD = 1000
MAX_ENTRIES = 10_000
"""Found by one question; reading everybody has no such limit."""


class Finder:
    """Of one directory, which is in full; every method may be called from any thread."""

    def __init__(self, directory: DirectoryConfig, servers: Servers, watcher: Watcher) -> None:
        self._config = directory
        self._servers = servers
        self._watcher = watcher
        self._groups = Groups(directory, self._tell)
        self._told: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()
        self.wanted = wanted(directory)
        """The attributes that are asked for."""
        own = (directory.attributes.id, directory.attributes.disabled)
        self._least = (*filter(None, own), *standing.ATTRIBUTES[directory.standing])

    def search(self, ask: Ask, deadline: Deadline, steps: Hearer) -> Sequence[Entry]:
        """Everything that matches: page after page if the question is to be paged."""

        def whole(wire: Wire) -> Sequence[Entry]:
            entries: list[Entry] = []
            part = ask
            while True:
                answer = self.answer(wire, part, deadline, steps)
                entries += answer.entries
                if answer.result.code == codes.SIZE_LIMIT and len(entries) < 2:
                    raise _trouble(ask, answer)
                if len(entries) > MAX_ENTRIES:
                    raise Trouble(Kind.LIMIT, f"more than {MAX_ENTRIES} entries match")
                if not answer.cookie or not ask.page_size:
                    return [self.completed(wire, entry, deadline) for entry in entries]
                part = replace(part, cookie=answer.cookie)

        return self._servers.ask("search", whole, deadline, steps)

    def only(self, entries: Sequence[Entry], who: str) -> Entry | None:
        """The entry, or None.  Raises Refused, and writes an event, when there are several."""
        if len(entries) > 1:
            dns = "; ".join(entry.dn for entry in entries)
            self._tell("ambiguous", f"{who} is more than one entry: {dns}")
            raise Refused(Verdict.UNCLEAR, f"several entries match {who}: {dns}")
        return entries[0] if entries and entries[0].dn else None

    def answer(self, wire: Wire, ask: Ask, deadline: Deadline, steps: Hearer) -> Answer:
        """One search on a connection.  Raises Trouble, also when only a part was found."""
        started = time.monotonic()
        outcome = "failed"
        try:
            answer = wire.search(ask, deadline.left(self._config.operation_timeout))
            outcome = "ok"
        except Trouble as trouble:
            outcome = trouble.kind.value
            raise
        finally:
            seconds = time.monotonic() - started
            self._watcher.measured(wire.url, "search", outcome, seconds)
        steps.add(
            "search",
            server=wire.url,
            base=ask.base,
            filter=ask.filter,
            entries=len(answer.entries),
            dns=tuple(entry.dn for entry in answer.entries[:3]),
            result=str(answer.result),
            ms=round(seconds * 1000, 1),
        )
        self._refuse_referrals(wire, answer)
        if answer.result.code not in (codes.SUCCESS, codes.SIZE_LIMIT):
            raise _trouble(ask, answer)
        if answer.result.code == codes.SIZE_LIMIT and not ask.size_limit:
            raise _trouble(ask, answer)  # part of the truth is none
        return answer

    def completed(self, wire: Wire, entry: Entry, deadline: Deadline) -> Entry:
        """With all ranges of its attributes; of one that is too large, who it is and its standing.

        So its owner is not taken for gone, and a disabled one is seen to be.
        """

        def search(ask: Ask) -> Answer:
            return wire.search(ask, deadline.left(self._config.operation_timeout))

        if octets := number(entry, TOO_LARGE):
            self._tell("too large", f"{entry.dn} is an entry of {octets:,} octets, and not read")
            found = search(Ask(entry.dn, "(objectClass=*)", self._least, scope="base")).entries
            entry = found[0] if found and not number(found[0], TOO_LARGE) else Entry(entry.dn, {})
        return with_all_ranges(entry, search)

    def _refuse_referrals(self, wire: Wire, answer: Answer) -> None:
        for target in answer.referrals:
            if not is_administrative(target):
                where = target.split("?")[0]
                self._tell("referral", f"{wire.url} refers to {where}, which is never followed")

    def person(self, entry: Entry, deadline: Deadline, steps: Hearer) -> Person | None:
        """None, and an event, for an entry without a usable id."""
        person_id = id_of(entry, self._config)
        if person_id is None:
            attribute = self._config.attributes.id
            self._tell("no id", f"{entry.dn} has no {attribute} that the service account may read")
            steps.add("no id", dn=entry.dn, attribute=attribute)
            return None
        groups = self._groups.of(
            entry, lambda ask, hearer: self.search(ask, deadline, hearer), steps
        )
        person = person_of(entry, person_id, groups, self._config, steps, self._tell)
        steps.add(
            "person",
            dn=person.dn,
            id=str(person.id),
            addresses=person.addresses,
            standing=person.standing.value,
            attributes=dict(person.attributes),
        )
        return person

    def tell_once(self, what: str, text: str) -> None:
        """An event that is not written again: it will not change by itself."""
        with self._lock:
            if (what, text) in self._told:
                return
            self._told[what, text] = float("inf")
        self._event(what, text)

    def _tell(self, what: str, text: str) -> None:
        """An event, the same one not again for ten minutes."""
        now = time.monotonic()
        with self._lock:
            if self._told.get((what, text), 0.0) > now:
                return
            if len(self._told) >= MAX_TOLD:
                self._told.clear()
            self._told[what, text] = now + TELL_AGAIN_SECONDS
        self._event(what, text)

    def _event(self, what: str, text: str) -> None:
        fields = {"directory": self._config.name, "what": what, "reason": text}
        self._watcher.event("directory.notice", "warn", fields)


def _trouble(ask: Ask, answer: Answer) -> Trouble:
    """Which search failed: a base, a limit or a right is the matter, and there are several."""
    trouble = codes.trouble(answer.result)
    return Trouble(trouble.kind, f"{trouble} (searching {ask.base or 'the root entry'})")
