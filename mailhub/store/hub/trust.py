"""Walks through a directory, and the brake: many losses at once are taken for a mistake.

A *loss* is a person who is not in the directory any more, or whom it suspends.  A server that
answers with too little (a changed base, a lost right, a page limit) must not close everybody's
mailbox, so losses of more than the configured share of the people within one interval between
walks count only when an administrator says so (``mailhub directory trust``).  Until then the
directory is *distrusted*: nobody else is lost, what it says otherwise is believed.
"""

from __future__ import annotations

from collections.abc import Sequence

from mailhub.model.directory import Person, PersonId
from mailhub.model.errors import NoSuchAccount
from mailhub.model.identity import Identity, Trust, Walk
from mailhub.store.hub import accounts, adoption, identities
from mailhub.store.hub.database import Tx

ALWAYS_ALLOWED = 3
"""Losses at once that are no sign of anything, however few people there are."""
DAY_SECONDS = 86_400


def of(tx: Tx, directory: str) -> Trust:
    row = tx.execute(
        "SELECT walk, started, finished, distrusted, losses, people, trusted"
        " FROM directory_state WHERE name = ?",
        (directory,),
    ).fetchone()
    if row is None:
        return Trust()
    walk, started, finished, distrusted, losses, people, trusted = row
    return Trust(walk, started, finished, distrusted, losses, people, bool(trusted))


def one_more_counts(tx: Tx, directory: str, now: int, percent: float) -> bool:
    """Whether one more loss counts; if it is one too many the directory is distrusted from now."""
    state = of(tx, directory)
    if state.distrusted is not None:
        return False
    since = state.finished if state.finished is not None else now - DAY_SECONDS
    row = tx.execute(
        "SELECT count(*), count(*) FILTER (WHERE gone >= ?2 OR blocked >= ?2)"
        " FROM identity WHERE directory = ?1",
        (directory, since),
    ).fetchone()
    assert row is not None
    people, losses = int(row[0]), int(row[1]) + 1
    if losses <= _allowed(people, percent):
        return True
    _distrust(tx, directory, now, losses, people)
    return False


def missing(tx: Tx, identity: Identity, now: int, percent: float) -> bool:
    """The directory does not know the person; whether that counts."""
    if identity.gone is not None:
        return True
    if not one_more_counts(tx, identity.person.directory, now, percent):
        return False
    tx.execute("UPDATE identity SET gone = ? WHERE account = ?", (now, identity.number))
    return True


def trust(tx: Tx, directory: str) -> None:
    """Let the next walk, which is due at once, count whatever it finds."""
    _make(tx, directory)
    tx.execute(
        "UPDATE directory_state SET trusted = 1, started = NULL WHERE name = ?", (directory,)
    )


def gone_before(tx: Tx, directory: str, when: int) -> list[Identity]:
    """Who has been gone since *when* or longer; nobody of a distrusted directory."""
    if of(tx, directory).distrusted is not None:
        return []
    rows = tx.execute(
        "SELECT account FROM identity WHERE directory = ? AND gone <= ? ORDER BY gone",
        (directory, when),
    ).fetchall()
    found = (identities.of_account(tx, int(str(row[0]))) for row in rows)
    return [identity for identity in found if identity is not None]


def delete_gone(tx: Tx, identity: Identity, now: int) -> None:
    """Raises NoSuchAccount."""
    present = identities.of_account(tx, identity.number)
    if present is None or present.gone is None:
        raise NoSuchAccount
    accounts.delete(tx, identity.account, now)


# --- walks --------------------------------------------------------------------------------


def begin(tx: Tx, directory: str, now: int, interval: float) -> Walk | None:
    """A walk to begin now; None: another process began one within *interval*."""
    _make(tx, directory)
    row = tx.execute(
        "UPDATE directory_state SET walk = walk + 1, started = ?2"
        " WHERE name = ?1 AND (started IS NULL OR started <= ?2 - ?3) RETURNING walk",
        (directory, now, int(interval)),
    ).fetchone()
    return None if row is None else Walk(int(row[0]), now)


def pass_by(tx: Tx, walk: Walk, people: Sequence[Person], now: int) -> list[Person]:
    """Note that *people* are there; those with an account of whom something is new."""
    changed = []
    for person in people:
        present = identities.of_person(tx, person.directory, person.id)
        if present is None:
            continue
        tx.execute(
            "UPDATE identity SET walk = max(walk, ?), seen = ? WHERE account = ?",
            (walk.number, now, present.number),
        )
        if not adoption.same(present, person):
            changed.append(person)
    return changed


def end(
    tx: Tx, directory: str, walk: Walk, suspended: Sequence[PersonId], now: int, percent: float
) -> tuple[Trust, list[Identity]]:
    """Count the losses of a walk that has seen everybody, or distrust; who was lost."""
    state = of(tx, directory)
    lost = _not_seen(tx, directory, walk)
    lost += [
        found
        for person in suspended
        if (found := identities.of_person(tx, directory, person)) and found.blocked is None
    ]
    people = _people(tx, directory)
    tx.execute("UPDATE directory_state SET finished = ? WHERE name = ?", (now, directory))
    if len(lost) > _allowed(people, percent) and not state.trusted:
        _distrust(tx, directory, now, len(lost), people)
        return of(tx, directory), []
    seen = frozenset(suspended)
    for identity in lost:
        column = "blocked" if identity.person.id in seen else "gone"
        tx.execute(f"UPDATE identity SET {column} = ? WHERE account = ?", (now, identity.number))  # noqa: S608
    tx.execute(
        "UPDATE directory_state SET distrusted = NULL, trusted = 0, losses = ?, people = ?"
        " WHERE name = ?",
        (len(lost), people, directory),
    )
    return of(tx, directory), lost


def _not_seen(tx: Tx, directory: str, walk: Walk) -> list[Identity]:
    """But for those who came while it went on, and whom a later walk has seen."""
    rows = tx.execute(
        "SELECT account FROM identity"
        " WHERE directory = ? AND walk < ? AND gone IS NULL AND seen < ?",
        (directory, walk.number, walk.started),
    ).fetchall()
    found = (identities.of_account(tx, int(str(row[0]))) for row in rows)
    return [identity for identity in found if identity is not None]


def _people(tx: Tx, directory: str) -> int:
    row = tx.execute(
        "SELECT count(*) FROM identity WHERE directory = ? AND gone IS NULL", (directory,)
    ).fetchone()
    assert row is not None
    return int(row[0])


def _allowed(people: int, percent: float) -> int:
    return max(ALWAYS_ALLOWED, int(people * percent / 100))


def _distrust(tx: Tx, directory: str, now: int, losses: int, people: int) -> None:
    _make(tx, directory)
    tx.execute(
        "UPDATE directory_state SET distrusted = coalesce(distrusted, ?), losses = ?, people = ?"
        " WHERE name = ?",
        (now, losses, people, directory),
    )


def _make(tx: Tx, directory: str) -> None:
    tx.execute("INSERT OR IGNORE INTO directory_state (name) VALUES (?)", (directory,))
