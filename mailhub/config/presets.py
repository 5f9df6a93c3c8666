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
    attributes = _filled(directory.attributes, preset.pop("attributes", {}))
    groups = _filled(directory.groups, {"nested": "no", **preset.pop("groups", {})})
    groups = replace(groups, base=groups.base or directory.user_base)
    return replace(_filled(directory, preset), attributes=_wanted(attributes), groups=groups)


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
