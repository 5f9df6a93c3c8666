"""From an LDAP entry to a :class:`~mailhub.model.directory.Person`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from mailhub.config.options import DirectoryAttributes, DirectoryConfig
from mailhub.directory import standing
from mailhub.directory.ids import BINARY_IDS, spelt
from mailhub.directory.standing import standing_of
from mailhub.directory.values import texts
from mailhub.directory.wire import Entry
from mailhub.model.directory import Group, Person, PersonId
from mailhub.model.steps import Hearer

MEMBER_OF = "memberOf"
MAX_NAME = 500
"""Characters of it that are kept."""
MAX_SHOWN = 100
_SECRET = re.compile(r"password|pwdhistory|krbprincipalkey|unicodepwd|hash", re.IGNORECASE)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9.+-]*):")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_QUANTITY = re.compile(r"\s*(\d{1,18})\s*([KMGT]?)(?:i?B)?\s*", re.IGNORECASE)


def wanted(directory: DirectoryConfig) -> tuple[str, ...]:
    """The attributes that a person is made of, each once."""
    attributes = directory.attributes
    names = [
        attributes.id,
        attributes.login,
        attributes.address,
        *attributes.aliases,
        attributes.name,
        attributes.quota,
        attributes.quota_messages,
        attributes.protocols,
        attributes.disabled,
        *standing.ATTRIBUTES[directory.standing],
        MEMBER_OF if directory.groups.mode == "memberOf" else "",
    ]
    return tuple({name.lower(): name for name in names if name}.values())


def id_of(entry: Entry, directory: DirectoryConfig) -> PersonId | None:
    """None: the entry has no id, or more than one."""
    values = entry.values.get(directory.attributes.id.lower(), ())
    return spelt(directory.attributes.id, values[0]) if len(values) == 1 else None


def person_of(
    entry: Entry,
    person_id: PersonId,
    groups: frozenset[Group],
    directory: DirectoryConfig,
    steps: Hearer,
    tell: Callable[[str, str], None],
) -> Person:
    """What *entry* says of its owner; *directory* is in full.

    *tell* is called with what an administrator should know.
    """
    attributes = directory.attributes
    return Person(
        directory=directory.name,
        id=person_id,
        dn=entry.dn,
        addresses=addresses_of(entry, attributes, steps),
        name=next(iter(texts(entry, attributes.name)), "")[:MAX_NAME],
        standing=standing_of(entry, directory),
        quota_octets=_quantity(entry, attributes.quota, steps, tell),
        quota_messages=_quantity(entry, attributes.quota_messages, steps, tell),
        protocols=_protocols(entry, attributes.protocols),
        groups=groups,
        attributes=_shown(entry, directory),
    )


# --- addresses ----------------------------------------------------------------------------


def addresses_of(entry: Entry, attributes: DirectoryAttributes, steps: Hearer) -> tuple[str, ...]:
    """All of them, the primary one first.

    Values of an attribute have no order, so "the first one" would change with the server.  Primary
    is what ``SMTP:`` in capitals marks; else the only value of the address attribute; of several,
    the one whose local part is the log-in name, or else the first in the alphabet.
    """
    named = [_plain(value) for value in texts(entry, attributes.address)]
    others = [_plain(v) for attribute in attributes.aliases for v in texts(entry, attribute)]
    marked = [address for address, scheme in (*named, *others) if scheme == "SMTP"]
    primary = _primary(marked or [a for a, _ in named if a], entry, attributes)
    everything = dict.fromkeys(
        [*primary, *sorted(a for a, _ in named if a), *sorted(a for a, _ in others if a)]
    )
    unusable = [a for a in everything if not _usable(a)]
    if unusable:
        steps.add("addresses ignored", values=tuple(unusable))
    return tuple(_distinct(a for a in everything if a not in unusable))


def _plain(value: str) -> tuple[str, str]:
    """Address and scheme; no address with a scheme that is not mail (X500, sip)."""
    value = value.strip()
    found = _SCHEME.match(value)
    if found is None:
        return value, ""
    if found[1].lower() not in ("smtp", "mailto"):
        return "", found[1]
    return value[found.end() :].strip(), found[1]


def _primary(
    candidates: Sequence[str], entry: Entry, attributes: DirectoryAttributes
) -> Sequence[str]:
    if len(candidates) < 2:
        return candidates
    logins = {login.casefold() for login in texts(entry, attributes.login)}
    ours = [a for a in candidates if a.rpartition("@")[0].casefold() in logins]
    return [min(ours or candidates, key=str.casefold)]


def _usable(address: str) -> bool:
    local, _, domain = address.rpartition("@")
    return bool(local and domain) and not any(c.isspace() or not c.isprintable() for c in address)


def _distinct(addresses: Iterator[str]) -> Iterator[str]:
    seen = set()
    for address in addresses:
        if address.casefold() not in seen:
            seen.add(address.casefold())
            yield address


# --- the rest -----------------------------------------------------------------------------


def is_quantity(value: str) -> bool:
    return _QUANTITY.fullmatch(value) is not None


def _quantity(
    entry: Entry, attribute: str, steps: Hearer, tell: Callable[[str, str], None]
) -> int | None:
    """A number with K, M, G or T (of 1024) after it if need be; the greatest of several."""
    numbers = []
    for value in texts(entry, attribute) if attribute else ():
        found = _QUANTITY.fullmatch(value)
        if found is None:
            value = value[:MAX_SHOWN]
            steps.add("value ignored", attribute=attribute, value=value, reason="not a number")
            tell("ignored", f"{attribute} of {entry.dn} is {value!r}, not a number like 5G")
            continue
        numbers.append(int(found[1]) * _UNITS[found[2].upper()])
    return max(numbers, default=None)


def _protocols(entry: Entry, attribute: str) -> frozenset[str] | None:
    """None: the directory does not say; empty is said with ``none``."""
    values = texts(entry, attribute) if attribute else ()
    return frozenset(words_of(values) - {"none"}) if values else None


def words_of(values: Sequence[str]) -> frozenset[str]:
    """In lower case, whatever stands between them."""
    words = (word for value in values for word in re.split(r"[\s,;]+", value) if word)
    return frozenset(map(str.lower, words))


def _shown(entry: Entry, directory: DirectoryConfig) -> Mapping[str, tuple[str, ...]]:
    """What was read, for explanations: no secrets, binary values by their id or in hexadecimal."""
    shown: dict[str, tuple[str, ...]] = {}
    for name, values in entry.values.items():
        if values and not _SECRET.search(name):
            shown[name] = tuple(_readable(name, value) for value in values)
    return shown


def _readable(name: str, value: bytes) -> str:
    if name in BINARY_IDS:
        return spelt(name, value) or value.hex()
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.hex()
