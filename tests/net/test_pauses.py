"""Measuring how long the reactor hears nobody."""

from __future__ import annotations

from twisted.internet.task import Clock

from mailhub.metrics import Metrics
from mailhub.net.pauses import BEAT_SECONDS, RESTING_SECONDS, WINDOW_SECONDS, PauseWatch


class World:
    def __init__(self) -> None:
        self.clock = Clock()
        self.metrics = Metrics()
        self.lost = 0.0
        """Seconds in which the reactor did not turn."""
        self.busy = True
        self.beats = 0
        self.watch = PauseWatch(
            self.clock, self.metrics, "3", lambda: self.busy, self._beat, self._now
        )
        self.watch.start()

    def _now(self) -> float:
        return self.clock.seconds() + self.lost

    def _beat(self) -> None:
        self.beats += 1

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"mailhub_{name}", {"worker": "3", **labels})


def test_a_pause_is_seen_and_counted() -> None:
    world = World()
    world.clock.advance(BEAT_SECONDS)
    world.lost += 0.2
    world.clock.advance(BEAT_SECONDS)

    assert world.value("reactor_longest_pause_seconds") == 0.2
    assert world.value("reactor_delay_seconds_count") == 2
    assert world.value("reactor_delay_seconds_bucket", le="0.1") == 1


def test_the_longest_pause_is_forgotten_after_a_while() -> None:
    world = World()
    world.lost += 0.5
    world.clock.advance(BEAT_SECONDS)
    for _ in range(3):
        world.clock.pump([BEAT_SECONDS] * round(WINDOW_SECONDS / BEAT_SECONDS + 1))

    longest = world.value("reactor_longest_pause_seconds")
    assert longest is not None
    assert longest < 0.001


def test_while_nobody_is_connected_the_timer_rests_but_beats() -> None:
    world = World()
    world.busy = False
    world.clock.advance(BEAT_SECONDS)
    world.clock.pump([RESTING_SECONDS] * 3)

    assert world.beats == 4


def test_nothing_is_left_of_it() -> None:
    world = World()
    world.watch.stop()
    assert world.clock.getDelayedCalls() == []
