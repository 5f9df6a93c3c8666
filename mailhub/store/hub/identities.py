"""Which account belongs to which person of a directory, and what the directory said last.

An identity is (directory, immutable id).  It is a row of the hub, made when the person first logs
in or gets mail (:mod:`.adoption`), and goes when the account is deleted.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from mailhub.model.directory import Group, Person, PersonId, Standing
from mailhub.model.identity import Identity
from mailhub.model.mail import AccountId
from mailhub.store.hub.database import Tx

_SELECT = """
    SELECT identity.account, account.id, directory, person, said, blocked, welcomed, seen, gone
    FROM identity JOIN account ON account.number = identity.account
"""


def of_person(tx: Tx, directory: str, person: PersonId) -> Identity | None:
    row = tx.execute(_SELECT + "WHERE directory = ? AND person = ?", (directory, person)).fetchone()
    return None if row is None else _identity(row)


def of_account(tx: Tx, number: int) -> Identity | None:
    row = tx.execute(_SELECT + "WHERE identity.account = ?", (number,)).fetchone()
    return None if row is None else _identity(row)


def of_id(tx: Tx, account: AccountId) -> Identity | None:
    row = tx.execute(_SELECT + "WHERE account.id = ?", (account,)).fetchone()
    return None if row is None else _identity(row)


@dataclass(frozen=True, slots=True)
class Count:
    accounts: int
    suspended: int
    gone: int


def count(tx: Tx, directory: str) -> Count:
    row = tx.execute(
        "SELECT count(*), count(blocked), count(gone) FROM identity WHERE directory = ?",
        (directory,),
    ).fetchone()
    assert row is not None
    return Count(*(int(str(number)) for number in row))


def lost(tx: Tx, directory: str) -> list[Identity]:
    """Who is gone or suspended, the longest first."""
    rows = tx.execute(
        _SELECT + "WHERE directory = ? AND (gone IS NOT NULL OR blocked IS NOT NULL)"
        " ORDER BY coalesce(gone, blocked), person",
        (directory,),
    )
    return [_identity(row) for row in rows]


def put(tx: Tx, number: int, person: Person, now: int, blocked: int | None) -> None:
    """Let *person* own the account *number*, as described; *blocked*: suspended since."""
    tx.execute(
        """
        INSERT INTO identity (directory, person, account, said, blocked, seen)
        VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (directory, person) DO UPDATE
        SET said = excluded.said, blocked = excluded.blocked, seen = excluded.seen, gone = NULL
        """,
        (person.directory, person.id, number, spelt(person), blocked, now),
    )


def welcomed(tx: Tx, number: int) -> None:
    tx.execute("UPDATE identity SET welcomed = 1 WHERE account = ?", (number,))


def confirmed(tx: Tx, number: int, now: int) -> None:
    """The directory has said the same again."""
    tx.execute("UPDATE identity SET seen = ?, gone = NULL WHERE account = ?", (now, number))


def forget(tx: Tx, number: int) -> None:
    """The account is deleted; the person may come again and gets a new one."""
    tx.execute("DELETE FROM identity WHERE account = ?", (number,))


def spelt(person: Person) -> str:
    """What counts of *person*, always in the same order, so that it can be compared."""
    return json.dumps(
        {
            "dn": person.dn,
            "addresses": person.addresses,
            "name": person.name,
            "standing": person.standing.value,
            "quota_octets": person.quota_octets,
            "quota_messages": person.quota_messages,
            "protocols": None if person.protocols is None else sorted(person.protocols),
            "groups": sorted([group.dn, group.name] for group in person.groups),
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def read(directory: str, person: str, said: str) -> Person:
    """The inverse of :func:`spelt`."""
    facts = json.loads(said)
    protocols = facts["protocols"]
    return Person(
        directory=directory,
        id=PersonId(person),
        dn=facts["dn"],
        addresses=tuple(facts["addresses"]),
        name=facts["name"],
        standing=Standing(facts["standing"]),
        quota_octets=facts["quota_octets"],
        quota_messages=facts["quota_messages"],
        protocols=None if protocols is None else frozenset(protocols),
        groups=frozenset(Group(dn, name) for dn, name in facts["groups"]),
    )


def _identity(row: Sequence[object]) -> Identity:
    number, account, directory, person, said, blocked, welcome, seen, gone = row
    assert isinstance(number, int)
    assert isinstance(seen, int)
    assert gone is None or isinstance(gone, int)
    assert blocked is None or isinstance(blocked, int)
    return Identity(
        number,
        AccountId(str(account)),
        read(str(directory), str(person), str(said)),
        blocked,
        bool(welcome),
        seen,
        gone,
    )
