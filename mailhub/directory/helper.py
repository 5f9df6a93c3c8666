"""The process in which LDAP is spoken: ``python -m mailhub.directory.helper``, started by a server.

It gets its directories and then questions on standard input and answers on standard output, until
standard input ends.  Log-ins and other questions have threads of their own, ``max_connections`` of
each for every directory, so a storm of log-ins never holds up a delivery.  A question whose time is
over before it was begun is not begun.
"""

from __future__ import annotations

import os
import queue
import signal
import threading
import time
import traceback
from collections.abc import Mapping

from mailhub.directory.attempts import Attempts
from mailhub.directory.frames import Breaker, EventFrame, Measured, Question, Reply, Setting
from mailhub.directory.lookup import Lookup
from mailhub.directory.servers import Deadline
from mailhub.directory.troubles import Kind, Refused, Trouble
from mailhub.model.steps import UNHEARD, Hearer, Steps
from mailhub.net.frames import Frames, frame

NICER = 10
"""On a machine whose processors are all busy, sessions that are open go before new log-ins."""
_STDIN, _STDOUT = 0, 1
_READ = 1 << 16


class Channel:
    """To the server; frames of several threads never mix."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def send(self, value: object) -> None:
        data = memoryview(frame(value))
        with self._lock:
            while data:
                data = data[os.write(self._descriptor, data) :]


class Reporter:
    """Tells the server what happens in one directory."""

    def __init__(self, channel: Channel, directory: str) -> None:
        self._channel = channel
        self._directory = directory

    def event(self, name: str, level: str, fields: Mapping[str, object]) -> None:
        self._channel.send(EventFrame(name, level, fields))

    def measured(self, server: str, operation: str, outcome: str, seconds: float) -> None:
        self._channel.send(Measured(self._directory, server, operation, outcome, seconds))

    def breaker(self, server: str, *, is_open: bool) -> None:
        self._channel.send(Breaker(self._directory, server, is_open))


class Threads:
    """Answers the questions in its queue; threads are started as they are needed."""

    def __init__(self, lookup: Lookup, channel: Channel, most: int) -> None:
        self._lookup = lookup
        self._channel = channel
        self._most = most
        self._waiting: queue.SimpleQueue[tuple[Question, float]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._unanswered = 0
        self._started = 0

    def put(self, question: Question) -> None:
        with self._lock:
            self._unanswered += 1
            start = self._started < min(self._unanswered, self._most)
            self._started += start
        self._waiting.put((question, time.monotonic()))
        if start:
            threading.Thread(target=self._work, name="ldap", daemon=True).start()

    def _work(self) -> None:
        while True:
            question, since = self._waiting.get()
            self._channel.send(answer(self._lookup, question, time.monotonic() - since))
            with self._lock:
                self._unanswered -= 1


def answer(lookup: Lookup, question: Question, waited: float) -> Reply:
    """Ask, whatever comes of it."""
    kept = Steps()
    steps: Hearer = kept if question.heard else UNHEARD
    value: object = None
    failure: Exception | str | None = None
    try:
        deadline = Deadline(question.end)
        if deadline.passed:
            raise Trouble(Kind.WAITED, f"waited {waited:.1f} s for its turn")
        value = getattr(lookup, question.method)(*question.arguments, deadline, steps)
    except (Refused, Trouble) as known:
        failure = known
    except Exception:
        failure = traceback.format_exc()
    return Reply(question.number, value, failure, tuple(kept.taken), waited)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server closes standard input when it ends
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.nice(NICER)
    channel = Channel(_STDOUT)
    threads: dict[tuple[str, bool], Threads] = {}
    frames = Frames()
    while data := os.read(_STDIN, _READ):
        for value in frames.feed(data):
            if isinstance(value, Question):
                threads[value.directory, value.method == "prove"].put(value)
            else:
                threads = _prepared(value, channel)
    os._exit(0)  # nothing here is worth waiting for a server that does not answer


def _prepared(setting: Setting, channel: Channel) -> dict[tuple[str, bool], Threads]:
    threads = {}
    attempts = Attempts(setting.attempts)
    for directory in setting.directories:
        lookup = Lookup(directory, Reporter(channel, directory.name), attempts)
        for is_login in (True, False):
            made = Threads(lookup, channel, directory.max_connections)
            threads[directory.name, is_login] = made
    return threads


if __name__ == "__main__":
    main()
