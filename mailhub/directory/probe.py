"""What product an LDAP server is, and a ``[[directory]]`` for it: ``mailhub directory probe``.

The product is read off the root DSE, the rest is found by looking: where people are, of which class
groups are, whether memberOf is kept.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from mailhub.config.ldap import split_server
from mailhub.config.options import DirectoryConfig, DirectoryGroups
from mailhub.config.presets import in_full
from mailhub.directory import codes
from mailhub.directory.servers import bind_service
from mailhub.directory.values import texts
from mailhub.directory.watchdog import Watchdog
from mailhub.directory.wire import Ask, Entry, Wire

Preset = Literal["openldap", "389ds", "freeipa", "active-directory", "lldap", "custom"]
_ACTIVE_DIRECTORY = "1.2.840.113556.1.4.800"
_ADMINISTRATIVE = ("cn=", "o=netscaperoot", "dc=forestdnszones", "dc=domaindnszones")
_GROUPS = (
    ("groupOfNames", "(&(objectClass=groupOfNames)(member={dn}))"),
    ("groupOfUniqueNames", "(&(objectClass=groupOfUniqueNames)(uniqueMember={dn}))"),
    ("posixGroup", "(&(objectClass=posixGroup)(memberUid={name}))"),
)
_EVERYTHING = ("*", "+")


@dataclass(frozen=True, slots=True)
class Probed:
    """``notes`` say what the section is based on."""

    directory: DirectoryConfig
    notes: Sequence[str]


def probe(directory: DirectoryConfig) -> Probed:
    """Fill in what *directory*, which has servers, TLS and a service account, does not say.

    Raises Trouble.
    """
    directory = replace(directory, preset="custom")
    wire = Wire(directory.servers[0], directory, Watchdog())
    try:
        wire.open()
        root = _read(wire, directory, "")
        bind_service(wire, directory, directory.operation_timeout)
        preset, why = product(root or Entry("", {}))
        notes = [why]
        if preset == "openldap" and not directory.bind_dn:
            notes.append("searched anonymously: OpenLDAP may show less than there is")
        directory = replace(directory, preset=preset)
        directory = _placed(wire, directory, root or Entry("", {}), notes)
        return Probed(_grouped(wire, directory, notes), notes)
    finally:
        wire.close()


def product(root: Entry) -> tuple[Preset, str]:
    """The preset, and what gives the product away."""
    vendor = " ".join(texts(root, "vendorName") + texts(root, "vendorVersion"))
    if _ACTIVE_DIRECTORY in texts(root, "supportedCapabilities"):
        return "active-directory", "it says that it is an Active Directory"
    if "ipadomainlevel" in root.values or "ipatopologypluginversion" in root.values:
        return "freeipa", f"its topology plug-in is FreeIPA's ({vendor})"
    if "389" in vendor or "red hat" in vendor.lower():
        return "389ds", f"its vendor is {vendor}"
    if "lldap" in vendor.lower():
        return "lldap", f"its vendor is {vendor}"
    if "OpenLDAProotDSE" in texts(root, "objectClass"):
        return "openldap", "its root entry is OpenLDAP's"
    return "custom", f"the product is not known ({vendor or 'it does not say'})"


def _placed(
    wire: Wire, directory: DirectoryConfig, root: Entry, notes: list[str]
) -> DirectoryConfig:
    """With bases."""
    contexts = texts(root, "defaultNamingContext") or tuple(
        context
        for context in texts(root, "namingContexts")
        if not context.lower().startswith(_ADMINISTRATIVE)
    )
    base = directory.user_base or (contexts[0] if contexts else "")
    if len(contexts) > 1:
        notes.append(f"it holds {', '.join(contexts)}; the first was taken")
    if not base:
        notes.append("it does not tell what it holds: user_base is for you to fill in")
        return directory
    people, groups = {
        "freeipa": (f"cn=users,cn=accounts,{base}", f"cn=groups,cn=accounts,{base}"),
        "lldap": (f"ou=people,{base}", f"ou=groups,{base}"),
        "active-directory": (base, base),
    }.get(directory.preset, (f"ou=people,{base}", base))
    if directory.user_base or _read(wire, directory, people) is None:
        people = base
    if groups != base and _read(wire, directory, groups) is None:
        groups = base
    return replace(directory, user_base=people, groups=DirectoryGroups(base=groups))


def _grouped(wire: Wire, directory: DirectoryConfig, notes: list[str]) -> DirectoryConfig:
    """With the kind of groups that there is."""
    full = in_full(directory)
    if not directory.user_base or directory.preset not in ("openldap", "389ds", "custom"):
        return directory
    for kind, text in _GROUPS:
        if not _any(wire, directory, full.groups.base, f"(objectClass={kind})"):
            continue
        notes.append(f"groups are {kind}")
        if full.groups.mode != "memberOf" and text == full.groups.filter:
            return directory
        nested: Literal["yes", "no"] = "yes" if "{dn}" in text else "no"
        groups = replace(directory.groups, mode="search", filter=text, nested=nested)
        if full.groups.mode == "memberOf" and _any(
            wire, directory, full.user_base, f"(&{full.people_filter}(memberOf=*))"
        ):
            return directory
        return replace(directory, groups=groups)
    notes.append("no groups were found")
    return replace(directory, groups=replace(directory.groups, mode="none", base=""))


def _read(wire: Wire, directory: DirectoryConfig, dn: str) -> Entry | None:
    ask = Ask(dn, "(objectClass=*)", _EVERYTHING, scope="base")
    answer = wire.search(ask, directory.operation_timeout)
    return answer.entries[0] if answer.entries else None


def _any(wire: Wire, directory: DirectoryConfig, base: str, text: str) -> bool:
    ask = Ask(base, text, ("1.1",), size_limit=1)
    answer = wire.search(ask, directory.operation_timeout)
    return answer.result.code in (codes.SUCCESS, codes.SIZE_LIMIT) and bool(answer.entries)


# --- as a section -------------------------------------------------------------------------


def section(directory: DirectoryConfig, *, everything: bool = False) -> str:
    """The directory as TOML: *everything*, or what is not a default."""
    lines = ["[[directory]]"]
    later: list[str] = []
    for field in fields(directory):
        value = getattr(directory, field.name)
        if field.name in ("attributes", "groups"):
            rows = _rows(value, type(value)(), everything=everything)
            later += ["", f"[directory.{field.name}]", *rows] if rows else []
        elif value is not None and (everything or value != field.default):
            lines.append(f"{field.name} = {toml(value)}")
    return "\n".join([*lines, *later]) + "\n"


def _rows(value: Any, default: Any, *, everything: bool) -> list[str]:
    return [
        f"{field.name} = {toml(getattr(value, field.name))}"
        for field in fields(value)
        if everything or getattr(value, field.name) != getattr(default, field.name)
    ]


def toml(value: object) -> str:
    """A value of an option as TOML."""
    if isinstance(value, tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, int | float):
        return str(value)
    return json.dumps(str(value), ensure_ascii=False)


def default_tls(url: str) -> Literal["ldaps", "starttls"]:
    """What goes with the scheme.  Raises BadTemplate."""
    return "ldaps" if split_server(url)[0] == "ldaps" else "starttls"
