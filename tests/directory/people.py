"""The organisation that the test directories hold: LDIF for slapd.

A few hundred people in two units, groups nested four deep with a cycle, and everybody whose name
has ever broken a mail server's directory access.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from hashlib import sha1

from argon2 import PasswordHasher

BASE = "dc=example,dc=org"
PEOPLE = f"ou=people,{BASE}"
GROUPS = f"ou=groups,{BASE}"
SERVICE = f"cn=mailhub,{BASE}"
SMALL = f"cn=small,{BASE}"
"""A service account that may read three entries at once."""
BLIND = f"cn=blind,{BASE}"
"""A service account that may read nothing."""
SECRET = "let mailhub read"
COUNT = 300
NESTED = ("all", "division", "department", "team")
"""Groups, each in the next outer one, and the outermost in the innermost: a cycle."""

HOSTILE: Mapping[str, str] = {
    "comma": r"cn=Smith\, John",
    "plus": r"cn=C\+\+ Guild",
    "backslash": r"cn=back\\slash",
    "quote": r"cn=the \"boss\"",
    "hash": r"cn=\#1 fan",
    "parens": r"cn=Doe (contractor)",
    "spaces": r"cn=\ leading and trailing\ ",
    "star": r"cn=sta*r",
    "umlaut": "cn=Jürgen Größe",
    "greek": "cn=Ωμέγα",
}
"""uid to the RDN of people with signs that DNs and filters give a meaning."""

TEAM = ("comma", "umlaut", "parens")
"""Those of them who are in a group."""


def password(uid: str) -> str:
    return f"secret of {uid}"


def dn(uid: str) -> str:
    if uid in HOSTILE:
        return f"{HOSTILE[uid]},{PEOPLE}"
    return f"uid={uid},{PEOPLE}"


def entry_id(distinguished_name: str) -> str:
    """The entryUUID: the same on every server."""
    return str(uuid.uuid5(uuid.NAMESPACE_X500, distinguished_name))


def ldif() -> str:
    return "\n".join(_entry(name, attributes) for name, attributes in entries())


def entries() -> Iterator[tuple[str, Mapping[str, Sequence[str]]]]:
    yield BASE, {"objectClass": ["dcObject", "organization"], "o": ["Example"]}
    for unit in (PEOPLE, GROUPS, f"ou=students,{PEOPLE}", f"ou=policies,{BASE}"):
        yield unit, {"objectClass": ["organizationalUnit"]}
    for account in (SERVICE, SMALL, BLIND):
        yield (
            account,
            {
                "objectClass": ["organizationalRole", "simpleSecurityObject"],
                "userPassword": [_ssha(SECRET)],
            },
        )
    yield from _policy()
    yield from _people()
    yield from _groups()


def _policy() -> Iterator[tuple[str, Mapping[str, Sequence[str]]]]:
    yield (
        f"cn=default,ou=policies,{BASE}",
        {
            "objectClass": ["pwdPolicy", "organizationalRole"],
            "pwdAttribute": ["userPassword"],
            "pwdLockout": ["TRUE"],
            "pwdMaxFailure": ["3"],
            "pwdLockoutDuration": ["0"],
            "pwdFailureCountInterval": ["3600"],
            "pwdMustChange": ["TRUE"],
        },
    )


def _people() -> Iterator[tuple[str, Mapping[str, Sequence[str]]]]:
    for number in range(COUNT):
        uid = f"p{number:03}"
        place = f"ou=students,{PEOPLE}" if number % 2 else PEOPLE
        yield f"uid={uid},{place}", _person(uid)
    for uid in HOSTILE:
        groups = [f"cn=team,{GROUPS}"] if uid in TEAM else []
        yield dn(uid), _person(uid, memberOf=groups)
    yield (
        dn("alice"),
        _person(
            "alice",
            mail=["a.liddell@example.org", "alice@example.org"],
            memberOf=[f"cn=team,{GROUPS}", f"cn=only alice,{GROUPS}"],
            employeeNumber=["5G"],
            employeeType=["imap pop3"],
        ),
    )
    yield dn("argon"), _person("argon", userPassword=["{ARGON2}" + _argon2(password("argon"))])
    yield dn("locked"), _person("locked", pwdAccountLockedTime=["000001010000Z"])
    yield dn("must"), _person("must", pwdReset=["TRUE"])
    yield dn("guessed"), _person("guessed")
    yield dn("nomail"), _person("nomail", mail=[])
    for place in (PEOPLE, f"ou=students,{PEOPLE}"):
        yield f"uid=twin,{place}", _person("twin", mail=["twin@example.org"])


def _person(uid: str, **attributes: list[str]) -> Mapping[str, Sequence[str]]:
    return {
        "objectClass": ["inetOrgPerson"],
        "uid": [uid],
        "cn": [f"Person {uid}"] if uid not in HOSTILE else [],
        "sn": [uid],
        "mail": [f"{uid}@example.org"],
        "userPassword": [_ssha(password(uid))],
        **attributes,
    }


def _groups() -> Iterator[tuple[str, Mapping[str, Sequence[str]]]]:
    for position, name in enumerate(NESTED):
        inner = NESTED[(position + 1) % len(NESTED)]
        members = [f"cn={inner},{GROUPS}"]
        if name == NESTED[-1]:
            members += [dn("alice"), *map(dn, TEAM)]
        yield (
            f"cn={name},{GROUPS}",
            {"objectClass": ["groupOfNames"], "member": members},
        )
    for uid in ("comma", "alice"):
        yield (
            f"cn=only {uid},{GROUPS}",
            {"objectClass": ["groupOfNames"], "member": [dn(uid)]},
        )


def _entry(name: str, attributes: Mapping[str, Sequence[str]]) -> str:
    lines = [_line("dn", name), _line("entryUUID", entry_id(name))]
    for attribute, values in attributes.items():
        lines += [_line(attribute, value) for value in values]
    return "\n".join(lines) + "\n"


def _line(attribute: str, value: str) -> str:
    return f"{attribute}:: {base64.b64encode(value.encode()).decode()}"


@cache
def _argon2(secret: str) -> str:
    return PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(secret)


def _ssha(secret: str) -> str:
    salt = b"salt"
    digest = sha1(secret.encode() + salt, usedforsecurity=False).digest()
    return "{SSHA}" + base64.b64encode(digest + salt).decode()
