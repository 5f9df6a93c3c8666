"""What some people's entries say of a directory's configuration, for ``mailhub directory check``.

An attribute that is named wrongly is not missed by anybody until it counts: whoever it would have
disabled logs in, whoever it would have let in does not.  So each is compared with what is there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from mailhub.config.ldap import LOGIN_PLACES
from mailhub.config.options import DirectoryConfig
from mailhub.config.templates import parse_dn_template
from mailhub.directory.findings import Finding
from mailhub.directory.people import (
    addresses_of,
    id_of,
    is_quantity,
    words_of,
)
from mailhub.directory.values import texts
from mailhub.directory.wire import Entry
from mailhub.model.directory import canonical_dn
from mailhub.model.steps import UNHEARD

IMMUTABLE = frozenset(
    {"entryuuid", "nsuniqueid", "ipauniqueid", "objectguid", "guid", "uuid", "orclguid"}
)
"""What servers keep from being changed or used again."""
PROTOCOLS = frozenset({"imap", "pop3", "lmtp", "none"})


class Samples:
    """*people* match ``people_filter``; *anybody* tells whether somebody has an attribute."""

    def __init__(
        self,
        directory: DirectoryConfig,
        people: Sequence[Entry],
        anybody: Callable[[str], bool],
    ) -> None:
        self._directory = directory
        self._attributes = directory.attributes
        self._people = people
        self._anybody = anybody

    def findings(self) -> Iterator[Finding]:
        yield from self._ids()
        yield from self._addresses()
        yield from self._logins()
        yield from self._others()
        yield from self._standing()
        yield from self._template()

    def _ids(self) -> Iterator[Finding]:
        name = self._attributes.id
        without = [entry for entry in self._people if id_of(entry, self._directory) is None]
        if without:
            several = any(len(texts(entry, name)) > 1 for entry in without)
            what = f"not just one {name}" if several else f"no {name}"
            hint = "attributes.id: another preset, or the service account may not read it"
            text = f"{self._of(len(without))} have {what}: {without[0].dn}"
            yield Finding("error", "id", text, hint)
            return
        ids = Counter(id_of(entry, self._directory) for entry in self._people)
        (first, count), *_ = ids.most_common(1)
        if count > 1:
            text = f"{count} of {len(self._people)} have the same {name}, {first}"
            yield Finding("error", "id", text, "attributes.id names one that nobody else ever has")
        elif name.lower() not in IMMUTABLE:
            text = f"{name} may change, or be given to somebody else, and the mailbox with it"
            yield Finding("warning", "id", text, "attributes.id: entryUUID, say")
        else:
            yield Finding("ok", "id", f"{name}, {first} for one")

    def _addresses(self) -> Iterator[Finding]:
        addresses = [addresses_of(entry, self._attributes, UNHEARD) for entry in self._people]
        without = [e for e, theirs in zip(self._people, addresses, strict=True) if not theirs]
        name = self._attributes.address
        if without:
            text = f"{self._of(len(without))} have no address: {without[0].dn}"
            yield Finding(self._level(without), "address", text, f"attributes.address is {name}")
        served = {domain.casefold() for domain in self._directory.domains}
        if not served or len(without) == len(self._people):
            return
        strange = [
            theirs[0]
            for theirs in addresses
            if theirs and not served & {a.rpartition("@")[2].casefold() for a in theirs}
        ]
        if strange:
            domains = ", ".join(self._directory.domains)
            text = f"{self._of(len(strange))} have no address in {domains}: {strange[0]}"
            yield Finding(self._level(strange), "domains", text, "they have no account here")

    def _logins(self) -> Iterator[Finding]:
        name = self._attributes.login
        without = [entry for entry in self._people if not texts(entry, name)]
        if name and without:
            text = f"{self._of(len(without))} have no {name}: {without[0].dn}"
            yield Finding(self._level(without), "login", text, "attributes.login")

    def _others(self) -> Iterator[Finding]:
        attributes = self._attributes
        for key in ("quota", "quota_messages", "protocols", "disabled"):
            name = getattr(attributes, key)
            if name and not self._anybody(name):
                text = f"nobody has {name}"
                yield Finding("warning", key, text, f"attributes.{key}: named wrongly, or not read")
        for key, is_good, what in (
            ("quota", is_quantity, "not a number like 5G: it is left out"),
            ("quota_messages", is_quantity, "not a number: it is left out"),
            ("protocols", _is_protocols, "no list of imap and pop3: nothing else can be used"),
        ):
            yield from self._values(key, getattr(attributes, key), is_good, what)

    def _values(
        self, key: str, name: str, is_good: Callable[[str], bool], what: str
    ) -> Iterator[Finding]:
        bad = [
            (entry, value)
            for entry in self._people
            for value in (texts(entry, name) if name else ())
            if not is_good(value)
        ]
        if bad:
            entry, value = bad[0]
            text = f"{name} of {entry.dn} is {value[:60]!r}, {what}"
            yield Finding("warning", key, text, f"attributes.{key}")

    def _standing(self) -> Iterator[Finding]:
        if self._directory.standing != "active-directory":
            return  # the others have their attributes only once there is something to say
        if not any(texts(entry, "userAccountControl") for entry in self._people):
            text = "nobody has userAccountControl, so nobody is known to be disabled"
            yield Finding("error", "standing", text, "standing or preset is another product's")

    def _template(self) -> Iterator[Finding]:
        """Whether ``dn_template`` makes the names that people's entries have."""
        if self._directory.mode != "template-bind" or not self._attributes.login:
            return
        template = parse_dn_template(self._directory.dn_template, LOGIN_PLACES)
        if template.places - {"login", "local"} or not template.is_dn:
            return
        made = [
            (entry, template.fill({"login": names[0], "local": names[0]}))
            for entry in self._people
            if (names := texts(entry, self._attributes.login))
        ]
        other = [(e, dn) for e, dn in made if canonical_dn(dn) != canonical_dn(e.dn)]
        if other:
            text = f"it makes {other[0][1]} of {self._of(len(other))} who are not that"
            hint = f"{other[0][0].dn} for one: they cannot log in"
            yield Finding(self._level(other), "dn_template", text, hint)

    def _of(self, some: int) -> str:
        return f"{some} of {len(self._people)}"

    def _level(self, wrong: Sequence[object]) -> Literal["warning", "error"]:
        return "error" if len(wrong) == len(self._people) else "warning"


def _is_protocols(value: str) -> bool:
    return words_of([value]) <= PROTOCOLS
