"""Figures in memory that processes may share: each writes one region, everybody reads all.

A region::

    head        how much is used: octets of the directory, counters, gauges
    directory   a record for each series: family, first cell, labels
    counters    64-bit floats; they outlive the process, its successor counts on
    gauges      64-bit floats, each with a second one that says when it was set; wiped when the
                process has gone

Only its owner writes a region, in one thread.  A record is complete before the head says so:
whoever reads beside the owner, or takes over from one that was killed, sees whole records.
"""

from __future__ import annotations

import json
import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass

COUNTERS = 32 * 1024
GAUGES = 4 * 1024
DIRECTORY_OCTETS = 512 * 1024

_HEAD = 64
_DIRECTORY, _COUNTERS, _GAUGES = range(3)
_FIRST_COUNTER = _HEAD + DIRECTORY_OCTETS
_FIRST_GAUGE = _FIRST_COUNTER + COUNTERS * 8
REGION_OCTETS = _FIRST_GAUGE + GAUGES * 8
_RECORD = struct.Struct("<HHIHxx")  # family, cells, first cell, octets of the labels

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """One series as it stands."""

    family: int
    labels: Labels
    cells: list[float]


class Cells:
    """The owner's view of a region; a new one of its own, unless it is given."""

    def __init__(self, region: memoryview | None = None) -> None:
        self.region = memoryview(mmap.mmap(-1, REGION_OCTETS)) if region is None else region
        self._head = self.region[:_HEAD].cast("Q")
        self._counters = self.region[_FIRST_COUNTER:_FIRST_GAUGE].cast("d")
        self._gauges = self.region[_FIRST_GAUGE:REGION_OCTETS].cast("d")
        self._known = {
            (family, labels): (first, size)
            for family, size, first, labels in _records(self.region, self._head)
        }

    def counter(self, family: int, labels: Labels, size: int = 1) -> memoryview[float]:
        """The cells of a series, which may have been counted in by an earlier process."""
        return self._series(self._counters, _COUNTERS, family, labels, size)

    def gauge(self, family: int, labels: Labels, size: int = 2) -> memoryview[float]:
        return self._series(self._gauges, _GAUGES, family, labels, size)

    def _series(
        self, area: memoryview[float], used: int, family: int, labels: Labels, size: int
    ) -> memoryview[float]:
        first, size = self._known.get((family, labels)) or self._add(used, family, labels, size)
        return area[first : first + size]

    def _add(self, used: int, family: int, labels: Labels, size: int) -> tuple[int, int]:
        first, end = self._head[used], self._head[_DIRECTORY]
        text = json.dumps(labels).encode()
        record = _RECORD.pack(family, size, first, len(text)) + text
        self.region[_HEAD + end : _HEAD + end + len(record)] = record
        self._head[used] = first + size
        self._head[_DIRECTORY] = end + len(record)
        self._known[family, labels] = first, size
        return first, size


def wipe_gauges(region: memoryview) -> None:
    """Its owner has gone, and what it was in the midst of with it."""
    region[_FIRST_GAUGE:REGION_OCTETS] = bytes(GAUGES * 8)


def figures(region: memoryview, is_gauge: tuple[bool, ...]) -> Iterator[Figure]:
    """All series of a region; *is_gauge* tells it of each family."""
    head = region[:_HEAD].cast("Q")
    counters = region[_FIRST_COUNTER:_FIRST_GAUGE].cast("d")
    gauges = region[_FIRST_GAUGE:REGION_OCTETS].cast("d")
    for family, size, first, labels in _records(region, head):
        area = gauges if is_gauge[family] else counters
        yield Figure(family, labels, [*map(float, area[first : first + size])])


def _records(region: memoryview, head: memoryview) -> Iterator[tuple[int, int, int, Labels]]:
    """Family, size, first cell and labels of each series."""
    at, end = _HEAD, _HEAD + head[_DIRECTORY]
    while at < end:
        family, size, first, octets = _RECORD.unpack_from(region, at)
        at += _RECORD.size
        yield family, size, first, tuple(json.loads(bytes(region[at : at + octets])))
        at += octets
