"""The questions a directory is asked, as plain blocking code.

Finding a person is one search that must match exactly one entry; proving a password is a bind with
that entry's name on another connection.  Every question has a deadline, tells its steps, and
raises Refused (about the person) or Trouble (about the servers), never one for the other.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from mailhub.config.ldap import ADDRESS_PLACES, LOGIN_PLACES, PAGE_SECONDS
from mailhub.config.options import DirectoryConfig
from mailhub.config.presets import in_full
from mailhub.config.templates import (
    FilterTemplate,
    Place,
    parse_dn_template,
    parse_filter_template,
)
from mailhub.directory import codes
from mailhub.directory.attempts import Attempts
from mailhub.directory.counting import Limits
from mailhub.directory.finding import Finder
from mailhub.directory.ids import in_filter
from mailhub.directory.lockout import Attempt, Lockout
from mailhub.directory.pages import Pages
from mailhub.directory.servers import Deadline, Servers
from mailhub.directory.standing import standing_of
from mailhub.directory.troubles import Kind, Refused, Trouble, Verdict
from mailhub.directory.watching import Watcher
from mailhub.directory.wire import Ask, Entry, Wire
from mailhub.model.directory import Past, People, Person, PersonId, Standing
from mailhub.model.steps import Hearer

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

    def __init__(
        self, directory: DirectoryConfig, watcher: Watcher, attempts: Attempts | None = None
    ) -> None:
        self.config = in_full(directory)
        self.servers = Servers(self.config, watcher)
        self._watcher = watcher
        self._finder = Finder(self.config, self.servers, watcher)
        self._lockout = Lockout(self.config, self._finder, attempts or Attempts())
        self._pages = Pages()
        self._filters = {
            "user_filter": _filter(self.config.user_filter, LOGIN_PLACES),
            "address_filter": _filter(self.config.address_filter, ADDRESS_PLACES),
        }

    def close(self) -> None:
        self._pages.close()
        self.servers.close()

    def deadline(self) -> Deadline:
        """Of a question about one person, asked now."""
        return Deadline(time.monotonic() + self.config.request_timeout)

    def page_deadline(self) -> Deadline:
        return Deadline(time.monotonic() + PAGE_SECONDS)

    # --- questions ---

    def prove(
        self, login: str, password: str, past: Past, deadline: Deadline, steps: Hearer
    ) -> Person:
        """Whoever *login* is, if *password* is theirs.  Raises Refused, Trouble."""
        if not password:
            raise Refused(Verdict.WRONG, "an empty password is an anonymous bind; not sent")
        names = self._names(login, steps)
        if self.config.mode == "template-bind":
            entry = self._prove_by_template(names, password, past, deadline, steps)
        else:
            asked = time.monotonic()
            found = self._one("user_filter", names, deadline, steps, self._lockout.counters)
            if found is None:
                raise Refused(Verdict.NOBODY, f"no entry for {login}")
            with self._lockout.attempt(found, asked, past, deadline, steps) as attempt:
                entry = attempt.entry
                self._bind_entry(attempt, password, deadline, steps)
        return _let_in(self._known(entry, deadline, steps), steps)

    def recognise(self, login: str, deadline: Deadline, steps: Hearer) -> Person:
        """As :meth:`prove`, with a password that is taken to be right."""
        names = self._names(login, steps)
        if self.config.mode == "template-bind":
            entry = self._seen_by_others(names, deadline, steps)
        else:
            entry = self._one("user_filter", names, deadline, steps, self._lockout.counters)
        if entry is None:
            raise Refused(Verdict.NOBODY, f"no entry for {login}")
        self._lockout.explain(entry, deadline, steps)
        steps.add("password", outcome="not given, taken to be right")
        return _let_in(self._known(entry, deadline, steps), steps)

    def lockout_policy(self, login: str, deadline: Deadline, steps: Hearer) -> Limits | None:
        """That of whoever *login* is; None: this product counts nothing.

        Raises Unreadable, Refused, Trouble.
        """
        names = self._names(login, steps)
        entry = self._one("user_filter", names, deadline, steps, self._lockout.counters)
        if entry is None:
            raise Refused(Verdict.NOBODY, f"no entry for {login}")
        return self._lockout.policy_for(entry, deadline, steps)

    def by_login(self, login: str, deadline: Deadline, steps: Hearer) -> Person | None:
        try:
            names = self._names(login, steps)
        except Refused:
            return None
        try:
            return self._by("user_filter", names, deadline, steps)
        except Refused:
            return None  # the event has been written

    def by_address(self, address: str, deadline: Deadline, steps: Hearer) -> Person | None:
        """Raises Refused when it is not clear whose it is."""
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
        ask = Ask(self.config.user_base, comparison, self._finder.wanted, size_limit=2)
        try:
            entry = self._finder.only(self._finder.search(ask, deadline, steps), str(person))
        except Refused as several:
            raise Trouble(Kind.REFUSED, str(several)) from several
        return None if entry is None else self._finder.person(entry, deadline, steps)

    def page(self, cookie: bytes | None, deadline: Deadline, steps: Hearer) -> People:
        """Everybody, a page at a time.  Raises Trouble, also when a cookie is too old."""
        self._must_be_searchable()
        wire, theirs = self._pages.resume(cookie)
        if wire is None:
            wire = self.servers.take(deadline, steps)
        try:
            answer = self._finder.answer(wire, self._everybody(theirs), deadline, steps)
            entries = [self._finder.completed(wire, entry, deadline) for entry in answer.entries]
        except BaseException:
            wire.close()
            raise
        token = self._pages.keep(wire, answer.cookie)
        people = (self._finder.person(entry, deadline, steps) for entry in entries)
        return People(tuple(person for person in people if person is not None), token)

    def _known(self, entry: Entry, deadline: Deadline, steps: Hearer) -> Person:
        """Raises Refused: it has no id."""
        person = self._finder.person(entry, deadline, steps)
        if person is None:
            raise Refused(Verdict.UNCLEAR, f"{entry.dn} has no usable {self.config.attributes.id}")
        return person

    def _must_be_searchable(self) -> None:
        """Nobody found where nobody can be looked for is not nobody there."""
        if not self.config.user_base:
            raise Trouble(Kind.REFUSED, "the directory has no user_base, it only proves passwords")

    def _everybody(self, cookie: bytes) -> Ask:
        config = self.config
        return Ask(
            config.user_base,
            config.people_filter,
            self._finder.wanted,
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
        entry = self._one(key, names, deadline, steps)
        return None if entry is None else self._known(entry, deadline, steps)

    def _one(
        self,
        key: str,
        names: Mapping[str, str],
        deadline: Deadline,
        steps: Hearer,
        besides: Sequence[str] = (),
    ) -> Entry | None:
        """The only entry that matches, or None.  Raises Refused when there are several."""
        template = self._filters[key]
        if template is None:
            raise Trouble(Kind.REFUSED, f"the directory has no {key}")
        wanted = (*self._finder.wanted, *besides)
        ask = Ask(self.config.user_base, template.fill(names), wanted, size_limit=2)
        who = names.get("address") or names["login"]
        return self._finder.only(self._finder.search(ask, deadline, steps), who)

    # --- proving ---

    def _bind_entry(
        self, attempt: Attempt, password: str, deadline: Deadline, steps: Hearer
    ) -> None:
        """Raises Refused, with what the entry itself says of the reason; Trouble."""
        try:
            self._bind(attempt.entry.dn, password, deadline, steps)
        except Refused as refused:
            raise self._with_reason(refused, attempt) from refused

    def _with_reason(self, refused: Refused, attempt: Attempt) -> Refused:
        standing = standing_of(attempt.entry, self.config)
        if standing is Standing.ACTIVE:
            return refused
        verdict = Verdict.LOCKED if attempt.is_locked else refused.verdict
        return Refused(verdict, f"{refused}; it is {standing.value}")

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

    # --- proving by a template ---

    def _prove_by_template(
        self,
        names: Mapping[str, str],
        password: str,
        past: Past,
        deadline: Deadline,
        steps: Hearer,
    ) -> Entry:
        """The owner's entry.  Raises Refused, Trouble.

        What the directory counts is in the entry before the bind, so it is looked at if there is a
        service account that may; a name that it sees nobody of is tried nevertheless.
        """
        dn, ask = self._by_template(names)
        asked = time.monotonic()
        found = self._seen_before(ask, deadline, steps) if self._lockout.counters else None
        if found is None:
            return self._bind_and_read(dn, ask, password, deadline, steps)
        with self._lockout.attempt(found, asked, past, deadline, steps) as attempt:
            try:
                return self._bind_and_read(dn, ask, password, deadline, steps)
            except Refused as refused:
                raise self._with_reason(refused, attempt) from refused

    def _by_template(self, names: Mapping[str, str]) -> tuple[str, Ask]:
        """Whom to bind as, and what then reads the entry."""
        template = parse_dn_template(self.config.dn_template, LOGIN_PLACES)
        dn = template.fill(names)
        if template.parts != (Place("login"),):
            return dn, Ask(dn, "(objectClass=*)", self._finder.wanted, scope="base")
        user = parse_filter_template(self.config.user_filter, LOGIN_PLACES)
        alone = {**names, "login": names["local"] if "\\" in names["login"] else dn}
        base, text = self.config.user_base, user.fill(alone)
        return dn, Ask(base, text, self._finder.wanted, size_limit=2)

    def _seen_before(self, ask: Ask, deadline: Deadline, steps: Hearer) -> Entry | None:
        """What the service account sees of somebody; None: nothing.  Raises Refused, Trouble."""
        if not self.config.bind_dn:
            return None
        ask = replace(ask, attributes=(*self._finder.wanted, *self._lockout.counters))
        try:
            found = self._finder.search(ask, deadline, steps)
        except Trouble as trouble:
            if trouble.kind is Kind.BASE:  # it is the person's own name
                return None
            raise
        return self._finder.only(found, ask.filter)

    def _seen_by_others(
        self, names: Mapping[str, str], deadline: Deadline, steps: Hearer
    ) -> Entry | None:
        """Raises Refused; Trouble, when only the owner can read the entry."""
        dn, ask = self._by_template(names)
        steps.add("template", dn=dn)
        if self.config.bind_dn:
            return self._seen_before(ask, deadline, steps)
        if not self.config.user_base:
            raise Trouble(Kind.UNSEEN, f"only the bind of {dn} shows whether it is there")
        return self._one("user_filter", names, deadline, steps, self._lockout.counters)

    def _bind_and_read(
        self, dn: str, ask: Ask, password: str, deadline: Deadline, steps: Hearer
    ) -> Entry:
        def bind_and_read(wire: Wire) -> Entry:
            self._bound(wire, dn, password, deadline, steps)
            answer = self._finder.answer(wire, ask, deadline, steps)
            entry = self._finder.only(answer.entries, dn)
            if entry is None:
                raise Trouble(Kind.RIGHTS, f"{dn} may not read its own entry")
            return self._finder.completed(wire, entry, deadline)

        return self.servers.ask("bind", bind_and_read, deadline, steps)


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
