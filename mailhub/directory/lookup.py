"""The questions a directory is asked, as plain blocking code.

Finding a person is one search that must match exactly one entry; proving a password is a bind with
that entry's name on another connection.  Every question has a deadline, tells its steps, and
raises Refused (about the person) or Trouble (about the servers), never one for the other.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from mailhub.config.ldap import ADDRESS_PLACES, LOGIN_PLACES
from mailhub.config.options import DirectoryConfig
from mailhub.config.presets import in_full
from mailhub.config.templates import (
    FilterTemplate,
    Place,
    parse_dn_template,
    parse_filter_template,
)
from mailhub.directory import codes
from mailhub.directory.groups import Groups
from mailhub.directory.ids import in_filter
from mailhub.directory.pages import Pages
from mailhub.directory.people import id_of, person_of, wanted
from mailhub.directory.ranges import completed
from mailhub.directory.servers import Deadline, Servers
from mailhub.directory.standing import standing_of
from mailhub.directory.troubles import Kind, Refused, Trouble, Verdict
from mailhub.directory.watching import Watcher
from mailhub.directory.wire import Answer, Ask, Entry, Wire, is_administrative
from mailhub.model.directory import People, Person, PersonId, Standing
from mailhub.model.steps import Hearer

TELL_AGAIN_SECONDS = 600.0
MAX_TOLD = 1000
MAX_ENTRIES = 10_000
"""Found by one question; reading everybody has no such limit."""
MAX_NAME = 1024
"""Characters of a log-in name or address; longer ones are nobody's."""
_VERDICTS: Mapping[Standing, tuple[Verdict, str]] = {
    Standing.DISABLED: (Verdict.DISABLED, "the account is disabled"),
    Standing.EXPIRED: (Verdict.DISABLED, "the account has expired"),
    Standing.PASSWORD_EXPIRED: (Verdict.EXPIRED, "the password has expired"),
    Standing.PASSWORD_MUST_CHANGE: (Verdict.EXPIRED, "the password must be changed"),
}


class Lookup:
    """Asks one directory; every method may be called from any thread."""

    def __init__(self, directory: DirectoryConfig, watcher: Watcher) -> None:
        self.config = in_full(directory)
        self.servers = Servers(self.config, watcher)
        self._watcher = watcher
        self._groups = Groups(self.config, self._tell)
        self._pages = Pages()
        self._wanted = wanted(self.config)
        self._filters = {
            "user_filter": _filter(self.config.user_filter, LOGIN_PLACES),
            "address_filter": _filter(self.config.address_filter, ADDRESS_PLACES),
        }
        self._told: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        self._pages.close()
        self.servers.close()

    def deadline(self) -> Deadline:
        """Of a question asked now."""
        return Deadline(time.monotonic() + self.config.request_timeout)

    # --- questions ---

    def prove(self, login: str, password: str, deadline: Deadline, steps: Hearer) -> Person:
        """Whoever *login* is, if *password* is theirs.  Raises Refused, Trouble."""
        if not password:
            raise Refused(Verdict.WRONG, "an empty password is an anonymous bind; not sent")
        names = self._names(login, steps)
        if self.config.mode == "template-bind":
            entry = self._bind_by_template(names, password, deadline, steps)
        else:
            found = self._one("user_filter", names, deadline, steps)
            if found is None:
                raise Refused(Verdict.NOBODY, f"no entry for {login}")
            entry = found
            self._bind_entry(entry, password, deadline, steps)
        person = self._person(entry, deadline, steps)
        if person is None:
            raise Refused(Verdict.WRONG, f"{entry.dn} has no usable {self.config.attributes.id}")
        return _let_in(person, steps)

    def by_login(self, login: str, deadline: Deadline, steps: Hearer) -> Person | None:
        try:
            names = self._names(login, steps)
        except Refused:
            return None
        return self._by("user_filter", names, deadline, steps)

    def by_address(self, address: str, deadline: Deadline, steps: Hearer) -> Person | None:
        local, _, domain = address.rpartition("@")
        if not local or _impossible(address):
            return None
        names = {"address": address, "local": local, "domain": domain}
        return self._by("address_filter", names, deadline, steps)

    def by_id(self, person: PersonId, deadline: Deadline, steps: Hearer) -> Person | None:
        """None: gone.  Raises Trouble, for only an answer may say so."""
        self._must_be_searchable()
        comparison = in_filter(self.config.attributes.id, person)
        if comparison is None:
            return None
        ask = Ask(self.config.user_base, comparison, self._wanted, size_limit=2)
        try:
            entry = self._only(self._search(ask, deadline, steps), str(person))
        except Refused as several:
            raise Trouble(Kind.REFUSED, str(several)) from several
        return None if entry is None else self._person(entry, deadline, steps)

    def page(self, cookie: bytes | None, deadline: Deadline, steps: Hearer) -> People:
        """Everybody, a page at a time.  Raises Trouble, also when a cookie is too old."""
        self._must_be_searchable()
        wire, theirs = self._pages.resume(cookie)
        if wire is None:
            wire = self.servers.take(deadline, steps)
        try:
            answer = self._answer(wire, self._everybody(theirs), deadline, steps)
            entries = [self._completed(wire, entry, deadline) for entry in answer.entries]
        except BaseException:
            wire.close()
            raise
        token = self._pages.keep(wire, answer.cookie)
        people = (self._person(entry, deadline, steps) for entry in entries)
        return People(tuple(person for person in people if person is not None), token)

    def _must_be_searchable(self) -> None:
        """Nobody found where nobody can be looked for is not nobody there."""
        if not self.config.user_base:
            raise Trouble(Kind.REFUSED, "the directory has no user_base, it only proves passwords")

    def _everybody(self, cookie: bytes) -> Ask:
        config = self.config
        return Ask(
            config.user_base,
            config.people_filter,
            self._wanted,
            page_size=config.page_size,
            cookie=cookie,
        )

    # --- finding entries ---

    def _names(self, login: str, steps: Hearer) -> Mapping[str, str]:
        """What goes into the places of a template.  Raises Refused."""
        if not login.strip() or _impossible(login):
            raise Refused(Verdict.NOBODY, "no possible log-in name")
        if self.config.preset == "active-directory" and "\\" in login:
            netbios, _, name = login.partition("\\")
            ours = self.config.netbios_domain
            if not name or (ours and netbios.casefold() != ours.casefold()):
                raise Refused(Verdict.NOBODY, f"{netbios} is not this domain")
            if "\\" in name:
                raise Refused(Verdict.NOBODY, "no possible log-in name")
            steps.add("log-in name", given=login, account=name)
            bind_name = login if self.config.mode == "template-bind" else name
            return {"login": bind_name, "local": name, "domain": netbios}
        local, at, domain = login.rpartition("@")
        if not at:
            local, domain = login, ""
        return {"login": login, "local": local, "domain": domain}

    def _by(
        self, key: str, names: Mapping[str, str], deadline: Deadline, steps: Hearer
    ) -> Person | None:
        if not self.config.user_base:
            steps.add("not looked up", reason="the directory has no user_base")
            return None
        try:
            entry = self._one(key, names, deadline, steps)
        except Refused:
            return None  # several; the event has been written
        return None if entry is None else self._person(entry, deadline, steps)

    def _one(
        self, key: str, names: Mapping[str, str], deadline: Deadline, steps: Hearer
    ) -> Entry | None:
        """The only entry that matches, or None.  Raises Refused when there are several."""
        template = self._filters[key]
        if template is None:
            raise Trouble(Kind.REFUSED, f"the directory has no {key}")
        ask = Ask(self.config.user_base, template.fill(names), self._wanted, size_limit=2)
        who = names.get("address") or names["login"]
        return self._only(self._search(ask, deadline, steps), who)

    def _only(self, entries: Sequence[Entry], who: str) -> Entry | None:
        if len(entries) > 1:
            dns = "; ".join(entry.dn for entry in entries)
            self._tell("ambiguous", f"{who} is more than one entry: {dns}")
            raise Refused(Verdict.WRONG, f"several entries match {who}: {dns}")
        return entries[0] if entries and entries[0].dn else None

    def _search(self, ask: Ask, deadline: Deadline, steps: Hearer) -> Sequence[Entry]:
        """Everything that matches: page after page if the question is to be paged."""

        def whole(wire: Wire) -> Sequence[Entry]:
            entries: list[Entry] = []
            part = ask
            while True:
                answer = self._answer(wire, part, deadline, steps)
                entries += answer.entries
                if answer.result.code == codes.SIZE_LIMIT and len(entries) < 2:
                    raise codes.trouble(answer.result)
                if len(entries) > MAX_ENTRIES:
                    raise Trouble(Kind.LIMIT, f"more than {MAX_ENTRIES} entries match")
                if not answer.cookie or not ask.page_size:
                    return [self._completed(wire, entry, deadline) for entry in entries]
                part = replace(part, cookie=answer.cookie)

        return self.servers.ask("search", whole, deadline, steps)

    def _answer(self, wire: Wire, ask: Ask, deadline: Deadline, steps: Hearer) -> Answer:
        started = time.monotonic()
        outcome = "failed"
        try:
            answer = wire.search(ask, deadline.left(self.config.operation_timeout))
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
            raise codes.trouble(answer.result)
        if answer.result.code == codes.SIZE_LIMIT and not ask.size_limit:
            raise codes.trouble(answer.result)  # part of the truth is none
        return answer

    def _completed(self, wire: Wire, entry: Entry, deadline: Deadline) -> Entry:
        return completed(
            entry, lambda ask: wire.search(ask, deadline.left(self.config.operation_timeout))
        )

    def _refuse_referrals(self, wire: Wire, answer: Answer) -> None:
        for target in answer.referrals:
            if not is_administrative(target):
                where = target.split("?")[0]
                self._tell("referral", f"{wire.url} refers to {where}, which is never followed")

    # --- proving ---

    def _bind_entry(self, entry: Entry, password: str, deadline: Deadline, steps: Hearer) -> None:
        """Raises Refused, with what the entry itself says of the reason; Trouble."""
        try:
            self._bind(entry.dn, password, deadline, steps)
        except Refused as refused:
            standing = standing_of(entry, self.config)
            if standing is Standing.ACTIVE:
                raise
            raise Refused(refused.verdict, f"{refused}; it is {standing.value}") from refused

    def _bind(self, dn: str, password: str, deadline: Deadline, steps: Hearer) -> None:
        self.servers.ask(
            "bind", lambda wire: self._bound(wire, dn, password, deadline, steps), deadline, steps
        )

    def _bound(self, wire: Wire, dn: str, password: str, deadline: Deadline, steps: Hearer) -> None:
        """Bind as a person.  Raises Refused, Trouble."""
        started = time.monotonic()
        outcome = "failed"
        try:
            result = wire.bind(dn, password, deadline.left(self.config.operation_timeout))
            outcome = "ok" if result.code == codes.SUCCESS else "refused"
        except Trouble as trouble:
            outcome = trouble.kind.value
            raise
        finally:
            seconds = time.monotonic() - started
            self._watcher.measured(wire.url, "bind", outcome, seconds)
        ms = round(seconds * 1000, 1)
        steps.add("bind", server=wire.url, dn=dn, result=str(result), ms=ms)
        codes.refuse_person(result)

    def _bind_by_template(
        self, names: Mapping[str, str], password: str, deadline: Deadline, steps: Hearer
    ) -> Entry:
        template = parse_dn_template(self.config.dn_template, LOGIN_PLACES)
        dn = template.fill(names)
        if template.parts == (Place("login"),):
            user = parse_filter_template(self.config.user_filter, LOGIN_PLACES)
            alone = {**names, "login": names["local"] if "\\" in names["login"] else dn}
            ask = Ask(self.config.user_base, user.fill(alone), self._wanted, size_limit=2)
        else:
            ask = Ask(dn, "(objectClass=*)", self._wanted, scope="base")

        def bind_and_read(wire: Wire) -> Entry:
            self._bound(wire, dn, password, deadline, steps)
            answer = self._answer(wire, ask, deadline, steps)
            entry = self._only(answer.entries, dn)
            if entry is None:
                raise Trouble(Kind.RIGHTS, f"{dn} may not read its own entry")
            return self._completed(wire, entry, deadline)

        return self.servers.ask("bind", bind_and_read, deadline, steps)

    # --- people ---

    def _person(self, entry: Entry, deadline: Deadline, steps: Hearer) -> Person | None:
        """None, and an event, for an entry without a usable id."""
        person_id = id_of(entry, self.config)
        if person_id is None:
            attribute = self.config.attributes.id
            self._tell("no id", f"{entry.dn} has no {attribute} that the service account may read")
            steps.add("no id", dn=entry.dn, attribute=attribute)
            return None
        groups = self._groups.of(
            entry, lambda ask, hearer: self._search(ask, deadline, hearer), steps
        )
        person = person_of(entry, person_id, groups, self.config, steps)
        steps.add(
            "person",
            dn=person.dn,
            id=str(person.id),
            addresses=person.addresses,
            standing=person.standing.value,
            attributes=dict(person.attributes),
        )
        return person

    def _tell(self, what: str, text: str) -> None:
        """An event, the same one not again for ten minutes."""
        now = time.monotonic()
        with self._lock:
            if self._told.get((what, text), 0.0) > now:
                return
            if len(self._told) >= MAX_TOLD:
                self._told.clear()
            self._told[what, text] = now + TELL_AGAIN_SECONDS
        fields = {"directory": self.config.name, "what": what, "reason": text}
        self._watcher.event("directory.notice", "warn", fields)


def _let_in(person: Person, steps: Hearer) -> Person:
    """The person, whose bind succeeded.  Raises Refused if it must stay outside all the same."""
    if person.standing is Standing.LOCKED:  # the server has just shown that this has passed
        return replace(person, standing=Standing.ACTIVE)
    if person.standing is not Standing.ACTIVE:
        verdict, text = _VERDICTS[person.standing]
        steps.add("standing", standing=person.standing.value)
        raise Refused(verdict, text)
    return person


def _filter(text: str, places: Sequence[str]) -> FilterTemplate | None:
    return parse_filter_template(text, places) if text else None


def _impossible(name: str) -> bool:
    return len(name) > MAX_NAME or not name.isprintable()
