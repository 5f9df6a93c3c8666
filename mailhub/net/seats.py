"""Who holds a connection, known to all processes of a server, so that limits hold for the whole.

Every process has columns of its own in shared memory, one row for each of its connections: whose
account it is (a digest), and the client's address.  It alone writes them; whoever wants to know how
many connections an account or an address has reads the columns of all, which for 10,000
connections takes some 50 us.

A process takes a seat before it looks whether there were too many, so two that take the last place
at once may both be refused, but never both be let in.
"""

from __future__ import annotations

import heapq
import socket
from collections.abc import Iterator, Sequence
from functools import lru_cache
from mmap import mmap

from mailhub.net.digests import Digests

SEATS = 64 * 1024
"""Of one process."""

_KEY = 8
_ADDRESS = 16
_HEAD = 64
_TAKEN, _ROWS = range(2)
_ACCOUNTS = _HEAD
_ADDRESSES = _ACCOUNTS + SEATS * _KEY
REGION_OCTETS = _ADDRESSES + SEATS * _ADDRESS

_IPV4 = bytes(10) + b"\xff\xff"
_NOBODY = bytes(_KEY)
_EMPTY = bytes(_ADDRESS)
_UNIX = b"unix".ljust(_ADDRESS, b"\0")


class Seats:
    """The seats of one process among those of all; *regions* has ours at *mine*.

    *secret*: what makes digests of account ids, the same for all.
    """

    def __init__(
        self, regions: Sequence[memoryview] | None = None, mine: int = 0, secret: bytes = b"-"
    ) -> None:
        self._regions = regions or (memoryview(mmap(-1, REGION_OCTETS)),)
        self._heads = [region[:_HEAD].cast("Q") for region in self._regions]
        self._own = self._regions[mine]
        self._head = self._heads[mine]
        self._digests = Digests(secret, "seats")
        self._free: list[int] = []

    def take(self, address: str) -> int | None:
        """A seat for a client at *address*; None: all are taken."""
        if self._free:
            seat = heapq.heappop(self._free)
        elif self._head[_ROWS] < SEATS:
            seat = self._head[_ROWS]
            self._head[_ROWS] = seat + 1
        else:
            return None
        at = _ADDRESSES + seat * _ADDRESS
        self._own[at : at + _ADDRESS] = packed(address)
        self._head[_TAKEN] += 1
        return seat

    def leave(self, seat: int) -> None:
        self.rename(seat, "")
        at = _ADDRESSES + seat * _ADDRESS
        self._own[at : at + _ADDRESS] = _EMPTY
        self._head[_TAKEN] -= 1
        heapq.heappush(self._free, seat)

    def rename(self, seat: int, account: str) -> None:
        """It is *account*'s from now on; empty: nobody's."""
        at = _ACCOUNTS + seat * _KEY
        self._own[at : at + _KEY] = self._key(account) if account else _NOBODY

    # --- of all processes ---

    def taken(self) -> int:
        return sum(head[_TAKEN] for head in self._heads)

    def of_address(self, address: str) -> int:
        wanted = packed(address)
        return sum(
            sum(1 for _ in _found(column, wanted)) for column in self._columns(_ADDRESSES, _ADDRESS)
        )

    def of_account(self, account: str) -> list[str]:
        """The addresses of its connections."""
        key = self._key(account)
        addresses = []
        for region, column in zip(self._regions, self._columns(_ACCOUNTS, _KEY), strict=True):
            for seat in _found(column, key):
                at = _ADDRESSES + seat * _ADDRESS
                addresses.append(shown(bytes(region[at : at + _ADDRESS])))
        return addresses

    def _columns(self, start: int, width: int) -> Iterator[bytes]:
        """A copy of everybody's, as far as there are rows."""
        for region, head in zip(self._regions, self._heads, strict=True):
            yield bytes(region[start : start + head[_ROWS] * width])

    def _key(self, account: str) -> bytes:
        return self._digests.of(account)[:_KEY]


def _found(column: bytes, value: bytes) -> Iterator[int]:
    """The rows that have *value*."""
    width = len(value)
    at = column.find(value)
    while at >= 0:
        if at % width:  # parts of two neighbours that look like it
            at = column.find(value, at + 1)
        else:
            yield at // width
            at = column.find(value, at + width)


def taken(region: memoryview) -> int:
    """By the region's process."""
    return region[:_HEAD].cast("Q")[_TAKEN]


def empty(region: memoryview) -> None:
    """Its process has gone."""
    rows = region[:_HEAD].cast("Q")[_ROWS]
    for start, width in ((_ACCOUNTS, _KEY), (_ADDRESSES, _ADDRESS)):
        region[start : start + rows * width] = bytes(rows * width)
    region[:_HEAD] = bytes(_HEAD)


@lru_cache(1024)
def packed(address: str) -> bytes:
    if not address:
        return _UNIX
    host = address.partition("%")[0]
    if ":" in host:
        return socket.inet_pton(socket.AF_INET6, host)
    return _IPV4 + socket.inet_pton(socket.AF_INET, host)


def shown(octets: bytes) -> str:
    """The address that *octets* stand for; a Unix socket's is empty."""
    if octets in (_UNIX, _EMPTY):
        return ""
    if octets.startswith(_IPV4):
        return socket.inet_ntop(socket.AF_INET, octets[len(_IPV4) :])
    return socket.inet_ntop(socket.AF_INET6, octets)
