"""What works with a directory and what does not, step by step: ``mailhub directory check``.

Every server of it is tried, whatever the ones before said; each finding names the mistake and,
where one is known, what to write instead.  The searches are those of the running server.
"""

from __future__ import annotations

import difflib
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace

from mailhub.config.directories import sees_no_counts
from mailhub.config.options import DirectoryConfig
from mailhub.config.presets import in_full
from mailhub.directory import codes
from mailhub.directory.findings import Finding
from mailhub.directory.groups import Groups
from mailhub.directory.lockout import Unreadable
from mailhub.directory.lookup import Lookup
from mailhub.directory.people import addresses_of, id_of, wanted
from mailhub.directory.samples import Samples
from mailhub.directory.servers import ROOT, bind_service
from mailhub.directory.troubles import Kind, Refused, Trouble
from mailhub.directory.values import NEVER, texts
from mailhub.directory.watchdog import Watchdog
from mailhub.directory.watching import Nobody
from mailhub.directory.wire import PAGED_RESULTS, Answer, Ask, Entry, Wire, is_administrative
from mailhub.model.directory import NO_PAST, Person
from mailhub.model.steps import UNHEARD, Steps

SAMPLE = 20
"""Entries that are looked at."""


_CONNECTION_HINTS = {Kind.NAME: "servers", Kind.CONNECT: "servers: host or port, or a firewall"}


class Over(Exception):
    """What comes next needs what has just failed; the finding has been told."""


class Diagnosis:
    """Of one directory."""

    def __init__(self, directory: DirectoryConfig) -> None:
        self.config = in_full(directory)
        self._as_given = directory
        self._watchdog = Watchdog()

    def run(self) -> Iterator[Finding]:
        for url in self.config.servers:
            yield Finding("ok", "server", url)
            try:
                yield from self._server(Wire(url, self.config, self._watchdog))
            except Over as over:
                yield over.args[0]
            except Trouble as trouble:
                yield Finding("error", trouble.kind.value, str(trouble))

    def _server(self, wire: Wire) -> Iterator[Finding]:
        try:
            yield self._connected(wire)
            root = self._root(wire)
            yield self._bound(wire)
            if not self.config.user_base:
                yield Finding("warning", "user_base", "not given: log-ins only, no deliveries")
                yield from self._unseen_counts()
                return
            groups_are_there = yield from self._base(wire, root)
            people = yield from self._people(wire)
            yield from self._samples(wire, people)
            yield from self._paging(wire, root)
            if groups_are_there:
                yield from self._groups(wire)
                yield from self._lookups(people)
        finally:
            wire.close()

    def _search(self, wire: Wire, ask: Ask) -> Answer:
        return wire.search(ask, self.config.operation_timeout)

    # --- connection ---

    def _connected(self, wire: Wire) -> Finding:
        try:
            wire.open()
        except Trouble as trouble:
            hint = _CONNECTION_HINTS.get(trouble.kind, "")
            raise Over(Finding("error", trouble.kind.value, str(trouble), hint)) from trouble
        if self.config.tls == "none-i-understand":
            return Finding("warning", "TLS", "none: passwords cross the network in clear")
        return Finding("ok", "TLS", f"{wire.tls_version()}, certificate and name verified")

    def _root(self, wire: Wire) -> Entry:
        try:
            found = self._search(wire, ROOT).entries
        except Trouble as trouble:
            hint = 'is it a port for TLS? tls = "ldaps"' if "none" in self.config.tls else ""
            raise Over(Finding("error", "root", str(trouble), hint)) from trouble
        return found[0] if found else Entry("", {})

    def _bound(self, wire: Wire) -> Finding:
        try:
            bind_service(wire, self.config, self.config.operation_timeout)
        except Trouble as trouble:
            hint = f"password in {self.config.bind_password_file}, or the DN, is wrong"
            hint = hint if "invalidCredentials" in str(trouble) else ""
            raise Over(Finding("error", "bind", str(trouble), hint)) from trouble
        if not self.config.bind_dn:
            return Finding("warning", "bind", "anonymous: many servers show nothing to it")
        return Finding("ok", "bind", f"as {self.config.bind_dn}")

    # --- what is there ---

    def _base(self, wire: Wire, root: Entry) -> Generator[Finding, None, bool]:
        """Whether groups can be looked for, without which nobody can log in."""
        groups_are_there = True
        bases = {"user_base": self.config.user_base, "groups.base": self.config.groups.base}
        if self.config.groups.mode == "none":
            del bases["groups.base"]
        for about, base in bases.items():
            answer = self._search(wire, Ask(base, "(objectClass=*)", ("1.1",), scope="base"))
            if answer.result.code == codes.SUCCESS and answer.entries:
                yield Finding("ok", about, base)
                continue
            contexts = texts(root, "namingContexts")
            close = difflib.get_close_matches(base, contexts, n=1, cutoff=0.4) or contexts
            below = any(base.casefold().endswith(context.casefold()) for context in contexts)
            hint = f"the server holds {', '.join(contexts)}" if contexts and not below else ""
            if not below and contexts and len(close) == 1:
                hint += f'; did you mean "{close[0]}"?'
            text = f"{base}: {answer.result}" if answer.result.code else f"{base} cannot be read"
            rights = f"it does not exist, or {self.config.bind_dn or 'anonymous'} may not see it"
            finding = Finding("error", about, text, hint or rights)
            if about == "user_base":
                raise Over(finding)
            groups_are_there = False
            yield finding
        return groups_are_there

    def _people(self, wire: Wire) -> Generator[Finding, None, Sequence[Entry]]:
        ask = Ask(
            self.config.user_base,
            self.config.people_filter,
            wanted(self.config),
            size_limit=SAMPLE,
        )
        answer = self._search(wire, ask)
        for url in [url for url in answer.referrals if not is_administrative(url)][:3]:
            text = f"the server refers to {url}, which is never followed"
            yield Finding("warning", "referral", text, "people there are not found")
        if answer.result.code not in (codes.SUCCESS, codes.SIZE_LIMIT):
            raise Over(Finding("error", "people", str(codes.trouble(answer.result))))
        if answer.entries:
            more = "or more " if len(answer.entries) == SAMPLE else ""
            yield Finding("ok", "people", f"{len(answer.entries)} {more}match people_filter")
            return answer.entries
        raise Over(self._nobody(wire))

    def _nobody(self, wire: Wire) -> Finding:
        """Why no entry matches: the filter, or the rights."""
        everything = Ask(self.config.user_base, "(objectClass=*)", ("objectClass",), size_limit=5)
        seen = self._search(wire, everything).entries
        classes = sorted({name for entry in seen for name in texts(entry, "objectClass")})
        base, people = self.config.user_base, self.config.people_filter
        text = f"nothing below {base} matches people_filter, {people}"
        if len(seen) > 1:
            address = self.config.attributes.address
            whoever = replace(everything, filter=f"({address}=*)", size_limit=1)
            hint = f"classes there: {', '.join(classes)}"
            if not self._search(wire, whoever).entries:
                hint += f"; nobody has {address}, attributes.address"
            return Finding("error", "people", text, hint)
        who = self.config.bind_dn or "anonymous"
        return Finding("error", "people", text, f"{who} may not read what is there")

    def _samples(self, wire: Wire, people: Sequence[Entry]) -> Iterator[Finding]:
        def anybody(attribute: str) -> bool:
            ask = Ask(self.config.user_base, f"({attribute}=*)", ("1.1",), size_limit=1)
            return bool(self._search(wire, ask).entries)

        return Samples(self.config, people, anybody).findings()

    def _paging(self, wire: Wire, root: Entry) -> Iterator[Finding]:
        if PAGED_RESULTS not in texts(root, "supportedControl"):
            text = "the server does not offer paged results"
            yield Finding("warning", "paging", text, "everybody is read in one piece, or not")
        ask = Ask(self.config.user_base, self.config.people_filter, ("1.1",), page_size=2)
        first = self._search(wire, ask)
        if first.cookie:
            first = self._search(wire, replace(ask, cookie=first.cookie))
        if first.result.code != codes.SUCCESS:
            hint = "lift the size limit of paged searches for the service account"
            yield Finding("error", "paging", str(codes.trouble(first.result)), hint)
        else:
            yield Finding("ok", "paging", "works")

    def _groups(self, wire: Wire) -> Iterator[Finding]:
        groups, config = self.config.groups, self.config
        if groups.mode == "none":
            return
        if groups.mode == "memberOf":
            text = f"(&{config.people_filter}(memberOf=*))"
            found = self._search(wire, Ask(config.user_base, text, ("memberOf",), size_limit=1))
            if not found.entries:
                hint = 'groups.mode = "search" works without it'
                yield Finding("error", "groups", "nobody has the attribute memberOf", hint)
                return
        if groups.mode == "search":
            anybody = Groups(config, lambda what, text: None).anybody
            found = self._search(wire, Ask(groups.base, anybody, ("1.1",), size_limit=1))
            if not found.entries:
                text = f"there is none below {groups.base} that matches {anybody}"
                yield Finding("warning", "groups", text, "groups.base or groups.filter")
                return
        yield Finding("ok", "groups", f"by {groups.mode}")

    # --- the running server's own questions ---

    def _lookups(self, people: Sequence[Entry]) -> Iterator[Finding]:
        lookup = Lookup(self._as_given, Nobody())
        try:
            known = [entry for entry in people if id_of(entry, self.config) is not None]
            known.sort(key=self._has_no_alias)
            for entry in known:
                if names := texts(entry, self.config.attributes.login):
                    yield from self._one_lookup(lookup, names[0], entry)
                    return
        finally:
            lookup.close()

    def _has_no_alias(self, entry: Entry) -> bool:
        return len(addresses_of(entry, self.config.attributes, UNHEARD)) < 2

    def _one_lookup(self, lookup: Lookup, name: str, entry: Entry) -> Iterator[Finding]:
        steps = Steps()
        person = lookup.by_login(name, lookup.deadline(), steps)
        if person is None or person.dn != entry.dn:
            sent = next((str(s.facts["filter"]) for s in steps.taken if "filter" in s.facts), "")
            text = f"user_filter does not find {name}, who is {entry.dn}"
            yield Finding("error", "log-in", text, f"sent: {sent}")
            return
        groups = f", groups: {', '.join(sorted(g.name for g in person.groups)) or 'none'}"
        yield Finding("ok", "log-in", f"{name} is found: {person.dn}{groups}")
        yield from self._lockout(lookup, name)
        for address in dict.fromkeys((*person.addresses[:1], *person.addresses[-1:])):
            yield self._by_address(lookup, address, person)

    def _by_address(self, lookup: Lookup, address: str, person: Person) -> Finding:
        try:
            found = lookup.by_address(address, lookup.deadline(), UNHEARD)
        except Refused as unclear:
            return Finding("error", "address", str(unclear), "mail for it waits")
        if found is None:
            text = f"address_filter does not find {address}, who is {person.dn}"
            return Finding("error", "address", text, f"it is {self.config.address_filter}")
        return Finding("ok", "address", f"{address} is found")

    def _lockout(self, lookup: Lookup, name: str) -> Iterator[Finding]:
        """Whether wrong passwords can be kept from locking somebody out."""
        if self.config.lockout_counter == "none":
            return
        if unseen := list(self._unseen_counts()):
            yield from unseen
            return
        try:
            limits = lookup.lockout_policy(name, lookup.deadline(), UNHEARD)
        except Unreadable as unreadable:
            hint = "lockout_policy or lockout_counter is wrong, or the right to read it is missing"
            yield Finding("warning", "lock-out", str(unreadable), hint)
            return
        if limits is None or not limits.most:
            yield Finding("ok", "lock-out", "no wrong password locks an account")
            return
        text = f"after {limits.most} wrong passwords, by {limits.policy}"
        if limits.most == 1:
            hint = "no attempt can be kept back: let more lock"
            yield Finding("warning", "lock-out", text, hint)
        elif limits.forgets == NEVER:
            hint = "who is one short must log in elsewhere, or with a password that has worked"
            yield Finding("warning", "lock-out", f"{text}, which are never forgotten", hint)
        elif not limits.dates_changes:
            hint = "passwordTrackUpdateTime = on: else a changed password is taken for right once"
            text = f"{text}; it is not kept when a password was changed"
            yield Finding("warning", "lock-out", text, hint)
        else:
            yield Finding("ok", "lock-out", f"{text}, forgotten after {limits.forgets:g} s")

    def _unseen_counts(self) -> Iterator[Finding]:
        """Nobody may read what the directory counts before the owner has got in."""
        if not sees_no_counts(self.config):
            return
        text = "the directory's count of wrong passwords cannot be read without a service account"
        most = self.config.lockout_passwords or "any number of"
        hint = f"{most} different wrong ones are sent: lockout_passwords must be below its limit"
        yield Finding("warning", "lock-out", text, hint)


def prove(directory: DirectoryConfig, login: str, password: str | None) -> Iterator[Finding]:
    """Look *login* up, and prove the password if there is one."""
    lookup = Lookup(directory, Nobody())
    steps = Steps()
    try:
        if password is None:
            person = lookup.by_login(login, lookup.deadline(), steps)
        else:
            person = lookup.prove(login, password, NO_PAST, lookup.deadline(), steps)
    except (Refused, Trouble) as no:
        person, refusal = None, str(no)
    else:
        refusal = "nobody, or more than one"
    finally:
        lookup.close()
    for step in steps.taken:
        facts = ", ".join(f"{key} {value}" for key, value in step.facts.items())
        yield Finding("ok", step.what, facts)
    if person is None:
        yield Finding("error", "log-in", f"{login}: {refusal}")
    else:
        done = "found" if password is None else "let in"
        yield Finding("ok", "log-in", f"{login} is {done}: {person.dn} ({person.standing.value})")
