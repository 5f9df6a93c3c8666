"""Paged searches between their pages.

A server's cookie (RFC 2696) is worth something on its own connection only, so that connection is
put aside until the next page is asked for, or nobody has for a while.  Callers see a token.
"""

from __future__ import annotations

import secrets
import threading
import time

from mailhub.directory.troubles import Kind, Trouble
from mailhub.directory.wire import Wire

KEPT_SECONDS = 120.0
MAX_KEPT = 4


class Pages:
    """Of one directory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[bytes, tuple[float, Wire, bytes]] = {}

    def resume(self, token: bytes | None) -> tuple[Wire | None, bytes]:
        """The connection and cookie of *token*; None and nothing to begin.  Raises Trouble."""
        if token is None:
            return None, b""
        with self._lock:
            kept = self._kept.pop(token, None)
        if kept is None:
            raise Trouble(Kind.LIMIT, "the next page was asked for too late; begin again")
        return kept[1], kept[2]

    def keep(self, wire: Wire, cookie: bytes) -> bytes | None:
        """A token for the next page; None: there is none, and the connection is closed."""
        if not cookie:
            wire.close()
            return None
        token = secrets.token_bytes(8)
        with self._lock:
            self._kept[token] = (time.monotonic() + KEPT_SECONDS, wire, cookie)
            late = [key for key, (until, *_) in self._kept.items() if until < time.monotonic()]
            while len(self._kept) - len(late) > MAX_KEPT:
                late.append(next(key for key in self._kept if key not in late))
            given_up = [self._kept.pop(key)[1] for key in late]
        for old in given_up:
            old.close()
        return token

    def close(self) -> None:
        with self._lock:
            kept = [wire for _, wire, _ in self._kept.values()]
            self._kept.clear()
        for wire in kept:
            wire.close()
