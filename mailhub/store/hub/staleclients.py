"""Clients that keep presenting an old password: what ``mailhub stale-clients`` prints.

One record for each user, address, protocol and mechanism, about 4,000 of them, in a file of
fixed size that all processes write; the longest quiet gives way.  No record holds a password, or
anything made of one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace

from mailhub.model.errors import Unavailable
from mailhub.net.stale import Presenter
from mailhub.store.hub.datadir import DataDir
from mailhub.store.hub.slots import SlotFile

BUCKETS, SLOT_OCTETS = 512, 1024
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class StaleClient:
    user: str
    address: str
    protocol: str
    mechanism: str
    first: int
    last: int
    count: int
    worked: int | None = None
    """When the password last did, if that is known."""
    ended: int | None = None
    """When the client logged in after all."""


class StaleClients:
    """``Sightings`` of one data directory.  Raises Unavailable when it cannot be opened."""

    def __init__(self, data: DataDir, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        try:
            self._file = SlotFile(data.stale_clients, BUCKETS, SLOT_OCTETS)
        except OSError as error:
            raise Unavailable(f"{data.stale_clients}: {error.strerror}") from error

    def seen(self, who: Presenter, times: int, worked: float | None) -> bool:
        now = int(self._clock())
        known: list[StaleClient] = []

        def counted(old: bytes | None) -> bytes:
            before = _read(old) if old else None
            if before is not None and before.ended is None:
                known.append(before)
            return _spelt(_counted(who, before, now, times, worked))

        try:
            self._file.change(_key(who), counted, now)
        except OSError:  # a full disk: it will be seen again
            return False
        return not known

    def ended(self, who: Presenter) -> None:
        old = self._file.get(_key(who))
        if old is None:
            return
        client = _read(old)
        if client.ended is None:
            with suppress(OSError):
                ended = replace(client, ended=int(self._clock()))
                self._file.put(_key(who), _spelt(ended), client.last)

    def all(self) -> list[StaleClient]:
        """By user, the latest first."""
        found = [_read(record) for _, record in self._file.all()]
        return sorted(found, key=lambda client: (client.user, -client.last))

    def close(self) -> None:
        self._file.close()


def _counted(
    who: Presenter, before: StaleClient | None, now: int, times: int, worked: float | None
) -> StaleClient:
    """A client that had logged in meanwhile begins anew."""
    if before is None or before.ended is not None:
        before = StaleClient(
            who.user[:LONGEST_NAME], who.address, who.protocol, who.mechanism, now, now, 0
        )
    return replace(
        before,
        last=now,
        count=before.count + times,
        worked=before.worked if worked is None else int(worked),
    )


def _key(who: Presenter) -> str:
    return "\0".join((who.user, who.address, who.protocol, who.mechanism))


def _spelt(client: StaleClient) -> bytes:
    text = json.dumps(asdict(client), ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace")


def _read(record: bytes) -> StaleClient:
    return StaleClient(**json.loads(record))
