"""Making the hub agree with what a directory says of a person, in one transaction.

Rules, in the order in which they decide:

- The immutable id names the account; names, DNs and addresses may change and the mailbox stays.
- Only addresses in domains that are served here count; the first of them is the account's own.
- An address is never taken from a local account or from another directory's person.
- An address that another person of the *same* directory had is contested: the caller (told by
  Contested) asks the directory who has it now, and says so with :func:`displace`, or that both do:
  then it stays where it is.
- Aliases that an administrator added stay; those that the directory gave go when it takes them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from mailhub.model.directory import Person
from mailhub.model.errors import AccountExists, CannotAdopt
from mailhub.model.identity import SUSPENDED, Adopted, Contested, Identity
from mailhub.store.hub import accounts, domains, identities
from mailhub.store.hub.address_table import free, occupy
from mailhub.store.hub.addresses import canonical, split
from mailhub.store.hub.database import Tx
from mailhub.store.hub.errors import BadAddress

MAX_SHOWN = 100
"""Addresses in a refusal, and characters of each."""


@dataclass(slots=True)
class _Wanted:
    """The addresses that a person is to have, the account's own first."""

    addresses: list[str] = field(default_factory=list)
    conflicts: dict[str, str] = field(default_factory=dict)
    """Those that somebody else has, and a sentence about it."""


def adopt(
    tx: Tx,
    person: Person,
    served: Iterable[str],
    now: int,
    *,
    shared: Collection[str] = (),
    may_block: bool = True,
) -> Adopted:
    """Create or update the account of *person*.

    *served*: domains of the directory, made here if need be.  *shared*: addresses that others of
    the directory have as well.  Not *may_block*: that the directory suspends the account does not
    count yet.  Raises CannotAdopt, Contested; both leave nothing changed when the transaction is
    rolled back.
    """
    present = identities.of_person(tx, person.directory, person.id)
    wanted = _wanted(tx, person, present, _domains(tx, served, now), shared)
    blocked = present.blocked if present is not None else None
    if person.standing not in SUSPENDED:
        blocked = None
    elif blocked is None and may_block:
        blocked = now
    if present is None:
        number = _create(tx, person, wanted.addresses, now)
        changes = [f"account {wanted.addresses[0]} made"]
    else:
        number = present.number
        changes = _move(tx, number, wanted.addresses, now) + _differences(present, person)
    identities.put(tx, number, _without(person, wanted.conflicts), now, blocked)
    identity = identities.of_account(tx, number)
    assert identity is not None
    account = accounts.get(tx, identity.account)
    if account.display_name != person.name:
        accounts.set_display_name(tx, account.id, person.name)
    return Adopted(
        identity, account.address, present is None, tuple(changes), tuple(wanted.conflicts.values())
    )


def _without(person: Person, conflicts: Collection[str]) -> Person:
    """What is kept of *person*, so that the next look tries for these addresses again."""
    if not conflicts:
        return person
    kept = [text for text in person.addresses if _address(text) not in conflicts]
    return replace(person, addresses=tuple(kept))


def same(identity: Identity, person: Person) -> bool:
    """Whether the hub knows all that *person* says."""
    return (
        identity.gone is None
        and (identity.blocked is not None) == (person.standing in SUSPENDED)
        and identities.spelt(identity.person) == identities.spelt(person)
    )


def displace(tx: Tx, address: str, number: int, now: int) -> None:
    """Take *address* from an account whose person does not have it any more.

    An account always has an address: without another one it is called by its id, and gets no
    mail under that name.
    """
    rows = tx.execute(
        """
        SELECT local || '@' || domain FROM address WHERE account = ? AND local || '@' || domain <> ?
        ORDER BY is_primary DESC, from_directory DESC, local, domain
        """,
        (number, address),
    ).fetchall()
    free(tx, address)
    if rows:
        _set_primary(tx, number, str(rows[0][0]))
        return
    row = tx.execute("SELECT id FROM account WHERE number = ?", (number,)).fetchone()
    assert row is not None
    _, domain = split(address)
    _occupy(tx, f"{row[0]}@{domain}", number, now)
    _set_primary(tx, number, f"{row[0]}@{domain}")
    tx.execute("UPDATE address SET enabled = 0 WHERE account = ? AND is_primary", (number,))


def link(tx: Tx, person: Person, account: accounts.Account, now: int) -> None:
    """An administrator says that a local account is *person*'s.  Raises AccountExists."""
    if identities.of_account(tx, account.number) is not None:
        raise AccountExists(f"{account.address} belongs to a person of a directory already")
    if identities.of_person(tx, person.directory, person.id) is not None:
        raise AccountExists(f"{person.dn} has an account already")
    identities.put(tx, account.number, person, now, None)
    identities.welcomed(tx, account.number)


# --- whose addresses ----------------------------------------------------------------------


def _domains(tx: Tx, served: Iterable[str], now: int) -> frozenset[str]:
    names = {domain.name for domain in domains.all_domains(tx)}
    for name in served:
        if name not in names:
            names.add(domains.add(tx, name, now).name)
    return frozenset(names)


def _wanted(
    tx: Tx,
    person: Person,
    present: Identity | None,
    here: frozenset[str],
    shared: Collection[str],
) -> _Wanted:
    """Raises CannotAdopt, Contested."""
    wanted = _Wanted()
    ours = list(_ours(person.addresses, here))
    if not ours:
        domains_here = ", ".join(sorted(here)) or "none"
        bad = [address for address in person.addresses if _address(address) is None]
        others = [address for address in person.addresses if address not in bad]
        impossible = f"; not possible here: {_shown(bad)}" if bad else ""
        raise CannotAdopt(
            f"{person.dn} has no address in a domain served here (has:"
            f" {_shown(others)}; served: {domains_here}{impossible})"
        )
    for address in ours:
        owner = _owner(tx, address)
        if owner is None or (present is not None and owner == present.number):
            wanted.addresses.append(address)
            continue
        other = identities.of_account(tx, owner)
        if other is None or other.person.directory != person.directory:
            conflict = f"{address} belongs to {_description(other)}"
        elif address in shared:
            conflict = f"{address} is {person.dn}'s and {other.person.dn}'s"
        else:
            raise Contested(address, other)
        if address == ours[0] and present is None:
            raise CannotAdopt(f"{person.dn}: {conflict}")
        wanted.conflicts[address] = conflict
    if not wanted.addresses:  # the account keeps the address that it has
        assert present is not None
        wanted.addresses.append(accounts.get(tx, present.account).address)
    return wanted


def _shown(addresses: Sequence[str]) -> str:
    """A directory may hold anything; a line of the log shall stay one that can be read."""
    told = [a if len(a) <= MAX_SHOWN else f"{a[:MAX_SHOWN]}..." for a in addresses[:MAX_SHOWN]]
    return ", ".join(told) or "none"


def _ours(addresses: Sequence[str], here: frozenset[str]) -> Iterable[str]:
    seen = set()
    for text in addresses:
        address = _address(text)
        if address is not None and split(address)[1] in here and address not in seen:
            seen.add(address)
            yield address


def _address(text: str) -> str | None:
    try:
        return canonical(text)
    except BadAddress:
        return None


def _owner(tx: Tx, address: str) -> int | None:
    local, domain = split(address)
    row = tx.execute(
        "SELECT account FROM address WHERE domain = ? AND local = ?", (domain, local)
    ).fetchone()
    return None if row is None else int(row[0])


def _description(other: Identity | None) -> str:
    if other is None:
        return "a local account (mailhub directory link says that it is the same person's)"
    return f"{other.person.dn} of directory {other.person.directory}"


# --- making it so -------------------------------------------------------------------------


def _create(tx: Tx, person: Person, addresses: Sequence[str], now: int) -> int:
    account = accounts.add(tx, addresses[0], now, display_name=person.name)
    tx.execute("UPDATE address SET from_directory = 1 WHERE account = ?", (account.number,))
    for alias in addresses[1:]:
        _occupy(tx, alias, account.number, now)
    return account.number


def _move(tx: Tx, number: int, wanted: Sequence[str], now: int) -> list[str]:
    """Give the account these addresses; what changed."""
    rows = tx.execute(
        "SELECT local || '@' || domain, is_primary, from_directory FROM address WHERE account = ?",
        (number,),
    ).fetchall()
    have = {str(address) for address, _, _ in rows}
    primary = next(str(address) for address, is_primary, _ in rows if is_primary)
    given = {str(address) for address, _, from_directory in rows if from_directory}
    changes = []
    for address in wanted:
        if address not in have:
            _occupy(tx, address, number, now)
            changes.append(f"{address} added")
    if primary != wanted[0]:
        _set_primary(tx, number, wanted[0])
        changes.append(f"{primary} is now {wanted[0]}")
    for address in sorted(given - set(wanted)):
        free(tx, address)
        changes.append(f"{address} removed")
    return changes


def _occupy(tx: Tx, address: str, number: int, now: int) -> None:
    occupy(tx, address, number, now, primary=False)
    local, domain = split(address)
    tx.execute(
        "UPDATE address SET from_directory = 1 WHERE domain = ? AND local = ?", (domain, local)
    )


def _set_primary(tx: Tx, number: int, address: str) -> None:
    local, domain = split(address)
    tx.execute("UPDATE address SET is_primary = 0 WHERE account = ?", (number,))
    tx.execute(
        "UPDATE address SET is_primary = 1, enabled = 1 WHERE domain = ? AND local = ?",
        (domain, local),
    )


def _differences(present: Identity, person: Person) -> list[str]:
    """What else the directory says differently."""
    before = present.person
    found = []
    if before.dn != person.dn:
        found.append(f"moved to {person.dn}")
    if before.standing is not person.standing:
        found.append(f"{before.standing.value}, now {person.standing.value}")
    if before.groups != person.groups:
        found.append(_group_changes(before, person))
    if present.gone is not None:
        found.append("is back")
    for what in ("protocols", "quota_octets", "quota_messages"):
        if getattr(before, what) != getattr(person, what):
            found.append(f"{what} changed")
    return found


def _group_changes(before: Person, after: Person) -> str:
    joined = sorted(group.name for group in after.groups - before.groups)
    left = sorted(group.name for group in before.groups - after.groups)
    return "groups: " + ", ".join([f"+{name}" for name in joined] + [f"-{name}" for name in left])
