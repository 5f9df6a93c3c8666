"""STORE: changing flags of a set of messages in a few statements."""

from __future__ import annotations

from mailhub.model.flags import FlagChange
from mailhub.model.mail import MailboxId, Stored
from mailhub.model.numbers import ModSeq, NumberSet, Uid
from mailhub.store.sqlite import boxes, changed, keywords
from mailhub.store.sqlite.boxes import Box, Tally
from mailhub.store.sqlite.packing import UIDS, among, chosen, unpack_uids
from mailhub.store.sqlite.transaction import Tx

NOTHING = NumberSet()
NEW_FLAGS = {
    FlagChange.REPLACE: "?1",
    FlagChange.ADD: "(flags | ?1)",
    FlagChange.REMOVE: "(flags & ~?1)",
}


def store(
    tx: Tx,
    mailbox: MailboxId,
    uids: NumberSet,
    change: FlagChange,
    flags: frozenset[str],
    unchanged_since: ModSeq | None,
) -> Stored:
    """Raises MailboxGone, LimitReached."""
    box = boxes.get(tx, mailbox)
    if change is FlagChange.REMOVE:  # a keyword that nobody has needs no place
        mask, _ = keywords.known_mask(box.keywords, flags)
    else:
        mask = keywords.mask(tx, box, flags)
    if not uids:
        return Stored(uids, uids, None, box.keywords)
    refused = NOTHING
    if unchanged_since is not None:
        refused = _changed_since(tx, box, uids, unchanged_since)
        uids = uids - refused
    if not uids:
        return Stored(uids, refused, None, box.keywords)
    new = NEW_FLAGS[change].replace("?1", str(mask))
    return _store(tx, box, uids, new, refused)


def _changed_since(tx: Tx, box: Box, uids: NumberSet, modseq: ModSeq) -> NumberSet:
    source, bindings = among(box.id, uids)
    packed = tx.value(f"SELECT {UIDS} FROM {source} AND m.modseq > ?", (*bindings, modseq))
    return NumberSet.of_sorted(unpack_uids(packed))


def _store(tx: Tx, box: Box, uids: NumberSet, new: str, refused: NumberSet) -> Stored:
    """Set the flags of *uids* to the expression *new*; those that have them already are left."""
    source, bindings = among(box.id, uids)
    count, low, high, before, unseen, deleted, octets = tx.rows(
        f"SELECT count(*), min(uid), max(uid), max(modseq),"
        f" sum((flags & 1) - ({new} & 1)), sum(({new} >> 3 & 1) - (flags >> 3 & 1)),"
        f" sum(size * (({new} >> 3 & 1) - (flags >> 3 & 1))) FROM {source} AND flags <> {new}",
        bindings,
    )[0]
    if not count:
        return Stored(NOTHING, refused, None, box.keywords)
    if high - low + 1 == count:
        whole = NumberSet.of_ranges([(low, high)])
    else:
        packed = tx.value(f"SELECT {UIDS} FROM {source} AND flags <> {new}", bindings)
        whole = NumberSet.of_sorted(unpack_uids(packed))
    modseq = tx.next_modseq()
    condition, bindings = chosen(whole)
    tx.execute(
        f"UPDATE message SET flags = {new}, modseq = ? WHERE mailbox = ? AND {condition}"
        f" AND flags <> {new}",
        (modseq, box.id, *bindings),
    )
    changed.note(tx, box.id, whole, modseq)
    difference = Tally(unseen=unseen, deleted=deleted, deleted_octets=octets)
    boxes.count_flagged(tx, box, difference, modseq, Uid(whole.lowest))
    return Stored(whole, refused, modseq, box.keywords, ModSeq(before))
