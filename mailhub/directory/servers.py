"""The servers of a directory: in order, each with its health and its connections.

A question goes to the first server that is not known to be down.  One that fails is left alone
(its breaker is open) and looked at in the background every ``retry_interval``; once it answers
again, the order is as configured: mailhub fails back as it failed over.  Connections are kept per
purpose, so binds of people never wait for searches; one that was idle for long is tried before it
is used, and when a connection that has been used before breaks, the question is asked once more on
a fresh one before that says anything about the server.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from mailhub.config.ldap import read_password
from mailhub.config.options import DirectoryConfig
from mailhub.directory import codes
from mailhub.directory.troubles import SERVER_DOWN, Kind, Refused, Trouble
from mailhub.directory.watchdog import Watchdog
from mailhub.directory.watching import Watcher
from mailhub.directory.wire import Ask, Wire
from mailhub.model.steps import Hearer

T = TypeVar("T")
Purpose = Literal["search", "bind"]

TIMEOUTS_TO_OPEN = 3
"""In a row: one slow search is not a server that is down."""
BIND_AGAIN_SECONDS = 300.0
"""A service account's wrong password is not tried every few seconds: that locks the account."""
ROOT = Ask("", "(objectClass=*)", ("supportedControl", "namingContexts"), scope="base")


@dataclass(frozen=True, slots=True)
class Deadline:
    """When the whole question must have ended, on the monotonic clock."""

    end: float
    slow: set[str] = field(default_factory=set, compare=False)
    """Servers that have not answered a part of the question in time: the rest asks them last."""

    def left(self, most: float) -> float:
        return min(most, self.end - time.monotonic())

    @property
    def passed(self) -> bool:
        return time.monotonic() >= self.end


@dataclass(slots=True)
class Server:
    """One server; ``lock`` guards all below it."""

    url: str
    is_open: bool = False
    """Of the breaker: open means that nobody is sent there."""
    timeouts: int = 0
    since: float = 0.0
    tried: float = 0.0
    kind: Kind | None = None
    why: str = ""
    idle: dict[Purpose, list[Wire]] = field(default_factory=lambda: {"search": [], "bind": []})


class Servers:
    """All of one directory; every method may be called from any thread."""

    def __init__(self, directory: DirectoryConfig, watcher: Watcher) -> None:
        self._directory = directory
        self._watcher = watcher
        self._watchdog = Watchdog()
        self._lock = threading.Lock()
        self._all = [Server(url) for url in directory.servers]
        self._closing = threading.Event()
        self._looking = False

    @property
    def all(self) -> Sequence[Server]:
        return self._all

    def ask(
        self,
        purpose: Purpose,
        question: Callable[[Wire], T],
        deadline: Deadline,
        steps: Hearer,
    ) -> T:
        """What *question* returns, called with a connection.

        Raises Trouble when no server could answer.
        """

        def asked(server: Server) -> T:
            return self._ask(server, purpose, question, deadline, steps)

        return self._first(asked, deadline, steps)

    def take(self, deadline: Deadline, steps: Hearer) -> Wire:
        """A connection for searches of one's own, to be closed.  Raises Trouble."""

        def opened(server: Server) -> Wire:
            try:
                return self._open(server, "search", deadline)
            except Trouble as trouble:
                self._failed(server, trouble)
                raise

        return self._first(opened, deadline, steps)

    def _first(self, use: Callable[[Server], T], deadline: Deadline, steps: Hearer) -> T:
        """What *use* makes of the first server that works."""
        last: Trouble | None = None
        for server in sorted(self._all, key=lambda server: server.url in deadline.slow):
            if server.is_open or deadline.passed:
                continue
            try:
                return use(server)
            except Trouble as trouble:
                steps.add("server failed", server=server.url, reason=str(trouble))
                if trouble.kind is Kind.TIMEOUT:
                    deadline.slow.add(server.url)
                last = Trouble(trouble.kind, f"{server.url}: {trouble}")
        if last is not None:
            raise last
        if deadline.passed:
            raise Trouble(Kind.TIMEOUT, "the time for the whole request was used up")
        down = "; ".join(f"{server.url}: {server.why}" for server in self._all)
        raise Trouble(Kind.WAITED, f"no server is well: {down}")

    def close(self) -> None:
        """Close what is idle and stop looking after servers that are down."""
        self._closing.set()
        for server in self._all:
            self._drop_idle(server)

    # --- one server ---

    def _ask(
        self,
        server: Server,
        purpose: Purpose,
        question: Callable[[Wire], T],
        deadline: Deadline,
        steps: Hearer,
    ) -> T:
        wire = self._borrow(server, purpose)
        if wire is not None:
            try:
                return self._use(server, purpose, wire, question)
            except Trouble as trouble:
                if trouble.kind is not Kind.BROKEN:
                    self._failed(server, trouble)
                    raise
                self._drop_idle(server)  # they are as old as this one
        try:
            wire = self._open(server, purpose, deadline)
            steps.add("connected", server=server.url, tls=self._directory.tls)
            return self._use(server, purpose, wire, question)
        except Trouble as trouble:
            self._failed(server, trouble)
            raise

    def _use(
        self, server: Server, purpose: Purpose, wire: Wire, question: Callable[[Wire], T]
    ) -> T:
        try:
            answer = question(wire)
        except Refused:  # an answer as well
            self._went_well(server, purpose, wire)
            raise
        except BaseException:
            wire.close()
            raise
        self._went_well(server, purpose, wire)
        return answer

    def _went_well(self, server: Server, purpose: Purpose, wire: Wire) -> None:
        server.timeouts = 0
        self._give_back(server, purpose, wire)

    def _borrow(self, server: Server, purpose: Purpose) -> Wire | None:
        """A connection that was used before and still works."""
        while True:
            with self._lock:
                if not server.idle[purpose]:
                    return None
                wire = server.idle[purpose].pop()
            if time.monotonic() - wire.used < self._directory.idle_check:
                return wire
            try:
                if wire.search(ROOT, self._directory.connect_timeout).result.code == codes.SUCCESS:
                    return wire
            except Trouble:
                wire.close()
                continue
            wire.close()

    def _give_back(self, server: Server, purpose: Purpose, wire: Wire) -> None:
        with self._lock:
            keep = not server.is_open and not self._closing.is_set()
            keep = keep and len(server.idle[purpose]) < self._directory.max_connections
            if keep:
                server.idle[purpose].append(wire)
        if not keep:
            wire.close()

    def _open(self, server: Server, purpose: Purpose, deadline: Deadline) -> Wire:
        started = time.monotonic()
        wire = Wire(server.url, self._directory, self._watchdog)
        try:
            wire.open()
            if purpose == "search":
                bind_service(
                    wire, self._directory, deadline.left(self._directory.operation_timeout)
                )
        except Trouble as trouble:
            wire.close()
            self._measured(server, "connect", trouble.kind.value, started)
            raise
        self._measured(server, "connect", "ok", started)
        return wire

    def _drop_idle(self, server: Server) -> None:
        with self._lock:
            wires = [wire for idle in server.idle.values() for wire in idle]
            for idle in server.idle.values():
                idle.clear()
        for wire in wires:
            wire.close()

    def _measured(self, server: Server, operation: str, outcome: str, started: float) -> None:
        self._watcher.measured(server.url, operation, outcome, time.monotonic() - started)

    # --- health ---

    def _failed(self, server: Server, trouble: Trouble) -> None:
        with self._lock:
            if trouble.kind is Kind.TIMEOUT:
                server.timeouts += 1
            down = trouble.kind in SERVER_DOWN or server.timeouts >= TIMEOUTS_TO_OPEN
            if not down or server.is_open or self._closing.is_set():
                return
            server.is_open, server.since = True, time.monotonic()
            server.kind, server.why, server.tried = trouble.kind, str(trouble), server.since
            start, self._looking = not self._looking, True
        self._drop_idle(server)
        self._watcher.breaker(server.url, is_open=True)
        self._event("directory.server_down", "error", server=server.url, reason=server.why)
        if start:
            threading.Thread(target=self._look, name="ldap-health", daemon=True).start()

    def _look(self) -> None:
        """In a thread of its own, until every server is well again."""
        while not self._closing.wait(self._directory.retry_interval):
            for server in self._all:
                if server.is_open and self._is_due(server):
                    try:
                        self._look_at(server)
                    except Exception as surprise:  # the thread must live, or nothing recovers
                        server.why = repr(surprise)
            with self._lock:
                if not any(server.is_open for server in self._all):
                    self._looking = False
                    return

    def _is_due(self, server: Server) -> bool:
        """A refused service account is tried again with a new password, or much later."""
        now = time.monotonic()
        if server.kind is not Kind.BIND or now - server.tried >= BIND_AGAIN_SECONDS:
            return True
        changed = _changed(self._directory)
        return changed is not None and changed > time.time() - (now - server.tried)

    def _look_at(self, server: Server) -> None:
        server.tried = time.monotonic()
        limit = self._directory.operation_timeout
        try:
            wire = self._open(server, "search", Deadline(time.monotonic() + limit))
            found = wire.search(ROOT, limit)
        except Trouble as trouble:
            server.kind, server.why = trouble.kind, str(trouble)
            return
        if found.result.code != codes.SUCCESS:
            server.why = str(found.result)
            wire.close()
            return
        with self._lock:
            server.is_open, server.timeouts = False, 0
        self._give_back(server, "search", wire)
        self._watcher.breaker(server.url, is_open=False)
        seconds = time.monotonic() - server.since
        self._event("directory.server_up", "info", server=server.url, seconds=seconds)

    def _event(self, name: str, level: str, **fields: object) -> None:
        self._watcher.event(name, level, {"directory": self._directory.name, **fields})


def bind_service(wire: Wire, directory: DirectoryConfig, seconds: float) -> None:
    """Bind as the one who searches.  Raises Trouble."""
    if not directory.bind_dn or directory.bind_password_file is None:
        result = wire.bind_anonymously(seconds)
    else:
        result = wire.bind(directory.bind_dn, _secret(directory), seconds)
    if result.code != codes.SUCCESS:
        trouble = codes.trouble(result)
        who = directory.bind_dn or "anonymous"
        kind = trouble.kind if trouble.kind in (Kind.SIGNING, Kind.BUSY) else Kind.BIND
        raise Trouble(kind, f"the bind of {who} was refused: {_with_sub_code(result, trouble)}")


def _secret(directory: DirectoryConfig) -> str:
    """Read each time, so that a new password in the file works at once."""
    path = directory.bind_password_file
    assert path is not None
    try:
        return read_password(path)
    except (OSError, UnicodeDecodeError) as error:
        raise Trouble(Kind.BIND, f"{path}: {error}") from error


def _changed(directory: DirectoryConfig) -> float | None:
    """When the password's file was written."""
    try:
        return (
            directory.bind_password_file.stat().st_mtime if directory.bind_password_file else None
        )
    except OSError:
        return None


def _with_sub_code(result: codes.Result, trouble: Trouble) -> str:
    known = codes.sub_code(result)
    return f"{known.text} ({result})" if known else str(trouble)
