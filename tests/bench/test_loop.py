"""Scripts that wait: for octets, for a time, for each other."""

from __future__ import annotations

import socket
import time

import pytest

from mailhub.bench.connection import Connection, Counts
from mailhub.bench.imap import Imap
from mailhub.bench.loop import Loop, Task
from mailhub.bench.steps import GATE, NothingCame, Pause, ServerFailed, Steps
from mailhub.bench.target import Target


def connected() -> tuple[Connection, socket.socket]:
    imap = Imap(Target(imap=1), Counts())
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    imap._socket = ours
    imap.generation = 1
    return imap, theirs


def run(*tasks: Task, patience: float = 30.0) -> int:
    """How many gates were passed."""
    gates: list[None] = []
    Loop(lambda: gates.append(None), patience).run(list(tasks))
    return len(gates)


def test_a_server_that_says_nothing_is_told_with_what_was_asked() -> None:
    imap, theirs = connected()
    imap.asked = b"NOOP"

    def steps() -> Steps[None]:
        yield from imap.line()

    with theirs, pytest.raises(ServerFailed, match="no reply within 0 s to NOOP"):
        run(Task(imap, steps()), patience=0.01)


def test_waiting_for_octets_can_end_at_a_moment_and_go_on() -> None:
    imap, theirs = connected()
    heard: list[bytes] = []

    def steps() -> Steps[None]:
        imap.deadline = time.monotonic()
        with pytest.raises(NothingCame):
            yield from imap.line()
        imap.deadline = time.monotonic() + 30
        theirs.sendall(b"* 1 EXISTS\r\n* 2 EXISTS\r\n")
        heard.append((yield from imap.line()))
        yield Pause(0)
        heard.append((yield from imap.line()))

    with theirs:
        run(Task(imap, steps()))
    assert heard == [b"* 1 EXISTS", b"* 2 EXISTS"]


def test_octets_that_come_during_a_pause_wait_for_its_end() -> None:
    imap, theirs = connected()
    began = time.monotonic()

    def steps() -> Steps[None]:
        theirs.sendall(b"* 1 EXISTS\r\n")
        yield Pause(0.01)
        assert time.monotonic() - began >= 0.01
        yield from imap.line()

    with theirs:
        run(Task(imap, steps()))


def test_everybody_waits_at_a_gate() -> None:
    order: list[str] = []
    tasks, others = [], []
    for number in range(3):
        imap, theirs = connected()
        others.append(theirs)

        def steps(number: int = number) -> Steps[None]:
            yield Pause(number / 1000)
            order.append("before")
            yield GATE
            order.append("after")

        tasks.append(Task(imap, steps()))
    assert run(*tasks) == 1
    assert order == ["before"] * 3 + ["after"] * 3
    for theirs in others:
        theirs.close()
