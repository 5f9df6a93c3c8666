"""What is known of directory products: the options that a preset stands for.

A preset fills in options that are not given and does nothing else; ``mailhub directory show``
prints the result in full, so that every one of them can be seen, copied and changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

from mailhub.config.options import DirectoryAttributes, DirectoryConfig, DirectoryGroups

NONE = "-"
"""Of an attribute that the preset knows and the administrator does not want."""

_FILTERS = {"user_filter", "address_filter", "people_filter"}
_MEMBERS = "(&(objectClass={kind})(member={{dn}}))"

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "openldap": {
        "user_filter": "(&(objectClass=inetOrgPerson)(|(uid={login})(mail={login})))",
        "address_filter": "(&(objectClass=inetOrgPerson)(mail={address}))",
        "people_filter": "(&(objectClass=inetOrgPerson)(mail=*))",
        "standing": "ppolicy",
        "lockout_counter": "ppolicy",
        "attributes": {"id": "entryUUID", "login": "uid", "address": "mail", "name": "cn"},
        "groups": {
            "mode": "search",
            "filter": _MEMBERS.format(kind="groupOfNames"),
            "nested": "yes",
        },
    },
    "389ds": {
        "user_filter": "(&(objectClass=inetOrgPerson)(|(uid={login})(mail={login})))",
        "address_filter": (
            "(&(objectClass=inetOrgPerson)(|(mail={address})(mailAlternateAddress={address})))"
        ),
        "people_filter": "(&(objectClass=inetOrgPerson)(mail=*))",
        "standing": "nsAccountLock",
        "lockout_counter": "389ds",
        "attributes": {
            "id": "nsUniqueId",
            "login": "uid",
            "address": "mail",
            "aliases": ("mailAlternateAddress",),
            "name": "cn",
        },
        "groups": {"mode": "memberOf", "filter": _MEMBERS.format(kind="groupOfNames")},
    },
    "freeipa": {
        "user_filter": "(&(objectClass=posixAccount)(|(uid={login})(mail={login})))",
        "address_filter": (
            "(&(objectClass=posixAccount)(|(mail={address})(mailAlternateAddress={address})))"
        ),
        "people_filter": "(&(objectClass=posixAccount)(mail=*))",
        "standing": "nsAccountLock",
        "lockout_counter": "freeipa",
        "attributes": {
            "id": "ipaUniqueID",
            "login": "uid",
            "address": "mail",
            "aliases": ("mailAlternateAddress",),
            "name": "cn",
        },
        "groups": {"mode": "memberOf", "filter": _MEMBERS.format(kind="groupOfNames")},
    },
    "active-directory": {
        "user_filter": (
            "(&(objectCategory=person)(objectClass=user)(|(userPrincipalName={login})"
            "(sAMAccountName={login})(mail={login})(proxyAddresses=smtp:{login})))"
        ),
        "address_filter": (
            "(&(objectCategory=person)(objectClass=user)"
            "(|(mail={address})(proxyAddresses=smtp:{address})))"
        ),
        "people_filter": "(&(objectCategory=person)(objectClass=user)(mail=*))",
        "standing": "active-directory",
        "lockout_counter": "active-directory",
        "attributes": {
            "id": "objectGUID",
            "login": "sAMAccountName",
            "address": "mail",
            "aliases": ("proxyAddresses",),
            "name": "displayName",
        },
        "groups": {
            "mode": "tokenGroups",
            "filter": _MEMBERS.format(kind="group"),
            "nested": "yes",
        },
    },
    "lldap": {
        "user_filter": "(&(objectClass=person)(|(uid={login})(mail={login})))",
        "address_filter": "(&(objectClass=person)(mail={address}))",
        "people_filter": "(objectClass=person)",
        "standing": "none",
        "lockout_counter": "none",
        "attributes": {"id": "entryUUID", "login": "uid", "address": "mail", "name": "cn"},
        "groups": {
            "mode": "memberOf",
            "filter": _MEMBERS.format(kind="groupOfUniqueNames"),
        },
    },
    "custom": {
        "people_filter": "(objectClass=person)",
        "standing": "none",
        "lockout_counter": "none",
        "groups": {"mode": "none"},
    },
}


def in_full(directory: DirectoryConfig) -> DirectoryConfig:
    """The same directory with every option that its preset knows."""
    preset = dict(PRESETS[directory.preset])
    known = preset.pop("attributes", {})
    attributes = _wanted(_filled(directory.attributes, known))
    for key in _FILTERS & preset.keys():
        preset[key] = _of_these(preset[key], known, attributes)
    groups = _filled(directory.groups, {"nested": "no", **preset.pop("groups", {})})
    groups = replace(groups, base=groups.base or directory.user_base)
    return replace(_filled(directory, preset), attributes=attributes, groups=groups)


def written_out(directory: DirectoryConfig) -> DirectoryConfig:
    """:func:`in_full`, to be read again with the same meaning: ``"-"`` stands for no attribute."""
    full = in_full(directory)
    known = PRESETS[full.preset].get("attributes", {})
    none: dict[str, Any] = {
        name: (NONE,) if isinstance(value, tuple) else NONE
        for name, value in known.items()
        if not getattr(full.attributes, name)
    }
    return replace(full, attributes=replace(full.attributes, **none))


def _of_these(text: str, known: Mapping[str, Any], attributes: DirectoryAttributes) -> str:
    """A preset's filter, asking for the attributes that the administrator has named instead.

    Otherwise an alias would be an account's only after its owner's first log-in, and mail for it
    be refused until then.
    """
    for key in ("login", "address"):
        named = getattr(attributes, key)
        if named and key in known:
            text = text.replace(f"({known[key]}=", f"({named}=")
    one = f"({attributes.address}={{address}})"
    more = [name for name in attributes.aliases if name not in known.get("aliases", ())]
    if more:
        text = text.replace(one, f"(|{one}{''.join(f'({name}={{address}})' for name in more)})")
    return text


def _wanted(attributes: DirectoryAttributes) -> DirectoryAttributes:
    none: dict[str, Any] = {f.name: "" for f in fields(attributes)}
    none["aliases"] = ()
    unwanted = {
        name: empty for name, empty in none.items() if getattr(attributes, name) in (NONE, (NONE,))
    }
    return replace(attributes, **unwanted)


_T = TypeVar("_T", DirectoryConfig, DirectoryAttributes, DirectoryGroups)


def _filled(options: _T, known: Mapping[str, Any]) -> _T:
    given = {f.name: getattr(options, f.name) for f in fields(options)}
    return replace(
        options,
        **{key: value for key, value in known.items() if given[key] in ("", (), "preset")},
    )
