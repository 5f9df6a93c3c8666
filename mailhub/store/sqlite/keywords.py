"""Keywords: up to 58 names per mailbox, each a bit of its messages' flags.

A keyword has a place from its first use on.  A place whose keyword no message carries any more is
given to another only when all are taken: sessions may still show the old name.
"""

from __future__ import annotations

from collections.abc import Iterable

from mailhub.model.errors import LimitReached
from mailhub.model.flags import FIRST_KEYWORD_BIT, MAX_KEYWORD_OCTETS, MAX_KEYWORDS, SYSTEM_FLAGS
from mailhub.store.sqlite.boxes import Box
from mailhub.store.sqlite.transaction import Tx

SYSTEM_MASK = (1 << FIRST_KEYWORD_BIT) - 1


def known_mask(keywords: tuple[str, ...], names: Iterable[str]) -> tuple[int, list[str]]:
    """The bits of those *names* that have one, and the others."""
    places = {word.lower(): i for i, word in enumerate(keywords) if word}
    mask, unknown = 0, []
    for name in names:
        if name in SYSTEM_FLAGS:
            mask |= SYSTEM_FLAGS[name]
        elif (place := places.get(name.lower())) is not None:
            mask |= 1 << FIRST_KEYWORD_BIT + place
        else:
            unknown.append(name)
    return mask, unknown


def mask(tx: Tx, box: Box, names: frozenset[str]) -> int:
    """The bits of *names*; keywords that are new to *box* get a place, or LimitReached."""
    if not names:
        return 0
    bits, unknown = known_mask(box.keywords, sorted(names))
    if not unknown:
        return bits
    for name in {word.lower(): word for word in unknown}.values():
        _add(tx, box, name)
    tx.execute("UPDATE mailbox SET keywords = ? WHERE id = ?", (" ".join(box.keywords), box.id))
    return known_mask(box.keywords, names)[0]


def _add(tx: Tx, box: Box, name: str) -> None:
    if len(name.encode()) > MAX_KEYWORD_OCTETS or " " in name:
        raise LimitReached("That keyword is too long")
    places = list(box.keywords)
    if len(places) == MAX_KEYWORDS and "" not in places:
        used = used_bits(tx, box) >> FIRST_KEYWORD_BIT
        places = [word if used >> i & 1 else "" for i, word in enumerate(places)]
    if "" in places:
        places[places.index("")] = name
    elif len(places) < MAX_KEYWORDS:
        places.append(name)
    else:
        raise LimitReached("The mailbox has no place for another keyword")
    box.keywords = tuple(places)


def used_bits(tx: Tx, box: Box) -> int:
    """Every bit that a message of *box* carries."""
    bits = 0
    for (flags,) in tx.rows("SELECT DISTINCT flags FROM message WHERE mailbox = ?", (box.id,)):
        bits |= flags
    return bits


def translation(tx: Tx, source: Box, target: Box, bits: int) -> str:
    """An SQL expression that turns flags of *source* into those of *target*.

    *bits* are those that occur; their keywords get places in *target*.
    """
    words = [
        (i, word)
        for i, word in enumerate(source.keywords)
        if word and bits >> FIRST_KEYWORD_BIT + i & 1
    ]
    mask(tx, target, frozenset(word for _, word in words))
    moved = []
    for i, word in words:
        bit = known_mask(target.keywords, [word])[0].bit_length() - 1
        moved.append((FIRST_KEYWORD_BIT + i, bit))
    if all(old == new for old, new in moved):
        return "flags"
    terms = [f"(flags >> {old} & 1) << {new}" for old, new in moved]
    return " | ".join([f"(flags & {SYSTEM_MASK})", *(f"({term})" for term in terms)])
