"""Few jobs at a time, unless those are stuck: then others go on beside them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from mailhub.store.threads import FEW, STUCK_SECONDS, FewAtATime, Work, WriterThreads

MOST = 4


class Job:
    """Is at work from when it began until it may go."""

    def __init__(self, world: World) -> None:
        self.began = threading.Event()
        self.may_go = threading.Event()
        self._world = world
        world.few.put(self)

    def __call__(self) -> None:
        self._world.order.append(self)
        self.began.set()
        assert self.may_go.wait(10)


class World:
    def __init__(self) -> None:
        self.now = 1000.0
        self.order: list[Job] = []
        self.timers: list[Work] = []
        self.threads = WriterThreads(MOST)
        self.few = FewAtATime(self.threads.call, MOST, self.later, lambda: self.now)
        self.jobs: list[Job] = []

    def later(self, seconds: float, look: Work) -> None:
        assert seconds == STUCK_SECONDS
        self.timers.append(look)

    def pass_time(self) -> None:
        self.now += 1.5 * STUCK_SECONDS
        timers, self.timers = self.timers, []
        for look in timers:
            look()

    def put(self, count: int) -> list[Job]:
        made = [Job(self) for _ in range(count)]
        self.jobs += made
        return made


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    world.threads.start()
    yield world
    for job in world.jobs:
        job.may_go.set()
    world.threads.stop()


def test_few_are_at_work_and_the_others_follow_in_order(world: World) -> None:
    jobs = world.put(6)
    for number, job in enumerate(jobs):
        assert job.began.wait(10)
        if number >= FEW - 1:
            assert not any(later.began.is_set() for later in jobs[number + 1 :])
            jobs[number - FEW + 1].may_go.set()

    assert world.order == jobs


def test_beside_those_that_are_stuck_others_go_on(world: World) -> None:
    stuck, quick = world.put(FEW), world.put(FEW + 1)
    for job in stuck:
        assert job.began.wait(10)

    world.pass_time()

    for job in quick:  # a single thread does them all: it is not stuck
        assert job.began.wait(10)
        job.may_go.set()


def test_there_are_never_more_than_threads(world: World) -> None:
    jobs = world.put(MOST + 1)
    for job in jobs[:MOST]:
        assert job.began.wait(10)
        world.pass_time()
    assert not jobs[MOST].began.is_set()

    jobs[0].may_go.set()

    assert jobs[MOST].began.wait(10)


def test_when_they_are_not_stuck_any_more_they_are_few_again(world: World) -> None:
    stuck = world.put(FEW)
    others = world.put(FEW)
    for job in [*stuck, *others]:
        assert job.began.wait(10)
        world.pass_time()
    last = world.put(FEW + 1)
    for job in [*stuck, *others]:
        job.may_go.set()
    for job in last[:FEW]:
        assert job.began.wait(10)

    assert not last[FEW].began.is_set()
    last[0].may_go.set()
    assert last[FEW].began.wait(10)


def test_nothing_is_watched_when_nothing_waits(world: World) -> None:
    (job,) = world.put(1)
    assert job.began.wait(10)
    job.may_go.set()
    for _ in range(3):
        world.pass_time()
    assert not world.timers
