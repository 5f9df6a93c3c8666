"""Columns of many messages as strings of bytes: one call in C looks at all of them at once.

A :data:`Plane` says for each message whether something is true of it.  Planes are joined by
``&``, ``|`` and ``^``.  Columns never change, so that a thread may read one while the reactor
makes its successor.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Mapping
from functools import lru_cache
from itertools import compress

from mailhub.mime.casemap import casemap
from mailhub.mime.searchtext import with_single_blanks

Plane = int
"""A byte for each message, the first one lowest: 1 or 0."""

BETWEEN = "\x1e"
"""Between the texts of a column, which hold no control character but the line break."""
_BETWEEN = BETWEEN.encode()
_OCTETS = range(8) if sys.byteorder == "little" else range(7, -1, -1)
_MANY = 4  # where every fourth text holds what is sought, looking at each is quicker


@lru_cache(4)
def everywhere(length: int) -> Plane:
    return int.from_bytes(b"\1" * length, "little")


def plane_of(octets: bytes | bytearray) -> Plane:
    return int.from_bytes(octets, "little")


def octets_of(plane: Plane, length: int) -> bytes:
    """What ``compress`` and ``find`` want."""
    return plane.to_bytes(length, "little")


class Numbers:
    """Numbers from 0 to 2**64 - 1: a string for each place to the base of 256, the lowest first.

    High places that are all zero are left out.
    """

    __slots__ = ("_length", "_places")

    def __init__(self, values: array[int]) -> None:
        """*values* is an ``array("Q")``."""
        self._length = len(values)
        octets = values.tobytes()
        places = [octets[n::8] for n in _OCTETS]
        while places and places[-1].count(0) == self._length:
            places.pop()
        self._places = places

    def __len__(self) -> int:
        return self._length

    @property
    def octets(self) -> int:
        return len(self._places) * self._length

    def values(self) -> array[int]:
        octets = bytearray(8 * self._length)
        for n, place in zip(_OCTETS, self._places, strict=False):
            octets[n::8] = place
        return array("Q", bytes(octets))

    def at_least(self, least: int) -> Plane:
        """Where the number is *least* or more."""
        found = everywhere(self._length)
        if least <= 0:
            return found
        if least.bit_length() > 8 * len(self._places):
            return 0
        for place, digit in zip(
            self._places, least.to_bytes(len(self._places), "little"), strict=True
        ):
            same = plane_of(place.translate(_same(digit)))
            found = found & same | plane_of(place.translate(_above(digit)))
        return found

    def with_bits(self, mask: int) -> Plane:
        """Where the number has one of the bits of *mask*."""
        found = 0
        for place in self._places:
            if mask & 255:
                found |= plane_of(place.translate(_with_bits(mask & 255)))
            mask >>= 8
        return found

    def extended(self, more: array[int]) -> Numbers:
        return Numbers(self.values() + more)

    def replaced(self, changes: Mapping[int, int]) -> Numbers:
        """With the values of *changes* at its places, as far as there are such."""
        values = self.values()
        for at, value in changes.items():
            if at < self._length:
                values[at] = value
        return Numbers(values)

    def kept(self, wanted: bytes) -> Numbers:
        return Numbers(array("Q", compress(self.values(), wanted)))


@lru_cache(None)
def _same(digit: int) -> bytes:
    return bytes([octet == digit for octet in range(256)])


@lru_cache(None)
def _above(digit: int) -> bytes:
    return bytes([octet > digit for octet in range(256)])


@lru_cache(None)
def _with_bits(mask: int) -> bytes:
    return bytes([octet & mask != 0 for octet in range(256)])


class Texts:
    """Texts end to end, casemapped: what is sought runs through all of them by one ``find``."""

    __slots__ = ("_length", "_texts")

    def __init__(self, length: int, texts: str) -> None:
        """*texts* are *length* texts with BETWEEN between each two."""
        self._length = length
        self._texts = _mapped(texts).encode()

    def __len__(self) -> int:
        return self._length

    @property
    def octets(self) -> int:
        return len(self._texts)

    def containing(self, needle: str) -> Plane:
        """*needle* is casemapped and not empty."""
        sought = needle.encode("utf-8", "surrogatepass")
        most = self._texts.count(sought)
        if most > self._length // _MANY:
            return plane_of(bytes([sought in text for text in self._split()]))
        found = bytearray(self._length)
        number = at = 0
        while most and (hit := self._texts.find(sought, at)) >= 0:
            number += self._texts.count(_BETWEEN, at, hit)
            found[number] = 1
            # On with the next text; behind the last one there is nothing to be found.
            at = self._texts.find(_BETWEEN, hit)
            if at < 0:
                break
        return plane_of(found)

    def extended(self, length: int, texts: str) -> Texts:
        more = Texts(length, texts)
        if not self._length or not length:
            return self if self._length else more
        more._texts = self._texts + _BETWEEN + more._texts
        more._length += self._length
        return more

    def kept(self, wanted: bytes) -> Texts:
        kept = Texts(0, "")
        kept._length = sum(wanted)
        kept._texts = _BETWEEN.join(compress(self._split(), wanted))
        return kept

    def _split(self) -> list[bytes]:
        return self._texts.split(_BETWEEN)


def _mapped(texts: str) -> str:
    """Ready to be compared; one that is not ASCII must not make all the others slow."""
    mapped = texts.upper() if texts.isascii() else BETWEEN.join(map(casemap, texts.split(BETWEEN)))
    return BETWEEN.join(map(_both_ways, mapped.split(BETWEEN))) if "  " in mapped else mapped


def _both_ways(text: str) -> str:
    """Blanks in a row are found as they are and as one."""
    return f"{text}\n{with_single_blanks(text)}" if "  " in text else text
