"""Runs the scripts of one process over epoll, and stops at the gates between phases."""

from __future__ import annotations

import heapq
import itertools
import select
import time
from collections.abc import Callable

from mailhub.bench.connection import Connection
from mailhub.bench.steps import READ, Gate, Pause, ReadBy, ServerFailed, Steps

_EVENTS = 256


class Task:
    """A script, and the connection whose events it waits for."""

    __slots__ = ("connection", "generation", "mask", "steps", "turn")

    def __init__(self, connection: Connection, steps: Steps[None]) -> None:
        self.connection = connection
        self.steps = steps
        self.generation = 0
        self.mask = 0
        self.turn = 0  # a timer set in an earlier turn is none any more


class Loop:
    """*at_gate* is called when every script that still runs stands at a gate."""

    def __init__(self, at_gate: Callable[[], None], patience_seconds: float) -> None:
        self._at_gate = at_gate
        self._patience = patience_seconds
        self._epoll = select.epoll()
        self._by_fd: dict[int, Task] = {}
        self._timers: list[tuple[float, int, Task, int]] = []
        self._order = itertools.count()
        self._waiting: list[Task] = []
        self._running = 0

    def run(self, tasks: list[Task]) -> None:
        """Until all scripts have ended.  Raises what a script raises."""
        self._running = len(tasks)
        try:
            for task in tasks:
                self._resume(task)
            while self._running:
                if len(self._waiting) == self._running:
                    self._pass_gate()
                else:
                    self._turn()
        finally:
            self._epoll.close()
            for task in tasks:
                task.steps.close()
                task.connection.close()

    def _pass_gate(self) -> None:
        self._at_gate()
        waiting, self._waiting = self._waiting, []
        for task in waiting:
            self._resume(task)

    def _turn(self) -> None:
        timeout = self._patience
        if self._timers:
            timeout = min(timeout, max(0.0, self._timers[0][0] - time.monotonic()))
        ready = self._epoll.poll(timeout, _EVENTS)
        for fd, _ in ready:
            self._resume(self._by_fd[fd])
        now = time.monotonic()
        due = False
        while self._timers and self._timers[0][0] <= now:
            due = True
            _, _, task, turn = heapq.heappop(self._timers)
            if task.turn == turn:
                self._resume(task)
        if not ready and not due and timeout >= self._patience:
            raise ServerFailed(self._stalled())

    def _stalled(self) -> str:
        task = next(t for t in self._by_fd.values() if t.mask)
        asked = task.connection.asked[:120].decode("utf-8", "replace").split("\r\n")[0]
        return f"{task.connection}: no reply within {self._patience:.0f} s to {asked}"

    def _resume(self, task: Task) -> None:
        task.turn += 1
        try:
            wait = task.steps.send(None)
        except StopIteration:
            self._running -= 1
            return
        if isinstance(wait, int):
            if task.mask != wait or task.generation != task.connection.generation:
                self._watch(task, wait)
        elif isinstance(wait, Pause):
            self._unwatch(task)
            self._set_timer(task, time.monotonic() + wait.seconds)
        elif isinstance(wait, ReadBy):
            if task.mask != READ or task.generation != task.connection.generation:
                self._watch(task, READ)
            self._set_timer(task, wait.deadline)
        elif isinstance(wait, Gate):
            self._unwatch(task)
            self._waiting.append(task)

    def _set_timer(self, task: Task, when: float) -> None:
        heapq.heappush(self._timers, (when, next(self._order), task, task.turn))

    def _watch(self, task: Task, mask: int) -> None:
        fd = task.connection.fileno()
        if task.generation == task.connection.generation:
            self._epoll.modify(fd, mask)
        else:
            self._epoll.register(fd, mask)
            task.generation = task.connection.generation
        self._by_fd[fd] = task
        task.mask = mask

    def _unwatch(self, task: Task) -> None:
        """What comes while a script pauses must not wake it."""
        if not task.mask:
            return
        if task.generation == task.connection.generation and task.connection.is_open:
            self._epoll.unregister(task.connection.fileno())
        task.generation = 0
        task.mask = 0
