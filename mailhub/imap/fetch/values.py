"""Columns of stored values to the bytes that FETCH shows for them.

Everything here works on whole columns, because a FETCH of 100,000 messages must not cost a
Python function call per message and item; what repeats is remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from mailhub.model.flags import flag_names
from mailhub.model.numbers import NumberSet

MAX_REMEMBERED_MASKS = 4_096


class FlagTexts(dict[int, bytes]):
    """Flag mask to the flags' names with spaces between, filled as masks turn up."""

    def __init__(self, keywords: tuple[str, ...], prefix: bytes = b"") -> None:
        super().__init__()
        self._keywords = keywords
        self._prefix = prefix

    def __missing__(self, mask: int) -> bytes:
        if len(self) >= MAX_REMEMBERED_MASKS:
            self.clear()
        names = [name.encode() for name in flag_names(mask, self._keywords)]
        text = b" ".join([self._prefix, *names] if self._prefix else names)
        self[mask] = text
        return text


@lru_cache(maxsize=64)
def flag_texts(keywords: tuple[str, ...], *, recent: bool = False) -> FlagTexts:
    """The texts for mailboxes with these *keywords*; shared by all sessions."""
    return FlagTexts(keywords, b"\\Recent" if recent else b"")


def flags(
    uids: Sequence[int], masks: Sequence[int], keywords: tuple[str, ...], recent: NumberSet
) -> Iterable[bytes]:
    """The flags of each message; those of *recent* are \\Recent as well (3501 2.3.2)."""
    texts = flag_texts(keywords)
    if not recent or not uids or uids[-1] < recent.lowest:
        return map(texts.__getitem__, masks)
    fresh = flag_texts(keywords, recent=True)
    if len(recent.ranges) == 1:
        low, high = recent.ranges[0]
        return [
            fresh[m] if low <= uid <= high else texts[m] for uid, m in zip(uids, masks, strict=True)
        ]
    return [(fresh if uid in recent else texts)[m] for uid, m in zip(uids, masks, strict=True)]
