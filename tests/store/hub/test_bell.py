"""The bell between real processes, one of them killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from mailhub.model.errors import Unavailable
from mailhub.store.hub import bellfile
from mailhub.store.hub.bell import BURY_SECONDS, LOOK_SECONDS, REST_SECONDS, Bell, Sexton
from mailhub.store.hub.bellfile import COLUMN_OCTETS, COUNTERS, BellFile, moved
from mailhub.store.hub.errors import UnusableDataDir
from tests.events import Events

# A process that does what it is told, a line at a time, and answers each line.
OTHER = """
import sys
from pathlib import Path
from mailhub.store.hub.bell import Bell
bell = Bell.open(Path(sys.argv[1]))
print("open", flush=True)
for line in sys.stdin:
    word, _, number = line.strip().partition(" ")
    if word == "ring":
        bell.ring(int(number))
    elif word == "count":
        column = (3 * 4096 + bell._file.slot * 65536) // 8
        bell._file._words[column + int(number)] += 1
    elif word == "stop":
        bell.stop()
    print("done", flush=True)
"""


class Other:
    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", OTHER, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()

    def tell(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        self._answer()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def _answer(self) -> None:
        assert self.process.stdout
        assert self.process.stdout.readline()


@contextmanager
def other(path: Path) -> Iterator[Other]:
    made = Other(path)
    try:
        yield made
    finally:
        made.kill()
        assert made.process.stdin
        assert made.process.stdout
        made.process.stdin.close()
        made.process.stdout.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bell"


@pytest.fixture
def bell(path: Path) -> Iterator[Bell]:
    opened = Bell.open(path)
    yield opened
    opened.stop()


def count(bell: Bell, number: int) -> list[int]:
    """A list that grows by one with each call for *number*."""
    calls: list[int] = []
    bell.watch(number, lambda: calls.append(number))
    return calls


def test_a_ring_of_another_process_calls_who_watches_that_account(bell: Bell, path: Path) -> None:
    seven, eight = count(bell, 7), count(bell, 8)
    with other(path) as process:
        process.tell("ring 7")
        bell.look()
        assert (seven, eight) == ([7], [])
        process.tell("ring 8")
        process.tell("ring 8")
        bell.look()
        assert (seven, eight) == ([7], [8])


def test_nothing_new_calls_nobody(bell: Bell, path: Path) -> None:
    calls = count(bell, 7)
    with other(path) as process:
        process.tell("ring 7")
        for _ in range(3):
            bell.look()
    assert calls == [7]


def test_a_process_is_not_told_of_its_own_rings(bell: Bell) -> None:
    calls = count(bell, 7)
    bell.ring(7)
    bell.look()
    assert calls == []


def test_accounts_that_share_a_counter_are_both_called(bell: Bell, path: Path) -> None:
    calls = count(bell, 7)
    with other(path) as process:
        process.tell(f"ring {7 + COUNTERS}")
        bell.look()
    assert calls == [7]


def test_an_undone_watch_is_not_called(bell: Bell, path: Path) -> None:
    calls = count(bell, 7)
    undo = bell.watch(7, lambda: calls.append(0))
    undo()
    undo()
    with other(path) as process:
        process.tell("ring 7")
        bell.look()
    assert calls == [7]


def test_a_watcher_may_undo_itself_while_it_is_called(bell: Bell, path: Path) -> None:
    calls: list[int] = []

    def once() -> None:
        calls.append(7)
        undo()

    undo = bell.watch(7, once)
    with other(path) as process:
        process.tell("ring 7")
        bell.look()
        process.tell("ring 7")
        bell.look()
    assert calls == [7]


def test_rings_from_before_opening_are_history(path: Path) -> None:
    with other(path) as process:
        process.tell("ring 7")
        late = Bell.open(path)
        calls = count(late, 7)
        late.look()
        assert calls == []
        process.tell("ring 7")
        late.look()
        assert calls == [7]
        late.stop()


def test_a_killed_process_has_rung_for_every_account(bell: Bell, path: Path) -> None:
    seven, eight = count(bell, 7), count(bell, 8)
    clock = Clock()
    bell.start(clock)
    with other(path) as process:
        # It has committed for somebody and dies before it rings: nobody knows for whom.
        process.kill()
        clock.advance(BURY_SECONDS)
        clock.advance(BURY_SECONDS)
    assert (seven, eight) == ([7], [8])


def test_a_process_that_stopped_in_order_leaves_nothing_to_ring(bell: Bell, path: Path) -> None:
    calls = count(bell, 7)
    clock = Clock()
    bell.start(clock)
    with other(path) as process:
        process.tell("stop")
        process.kill()
        clock.advance(BURY_SECONDS)
        clock.advance(BURY_SECONDS)
    assert calls == []


def test_who_only_buries_rings_at_once_and_is_not_rung_for(bell: Bell, path: Path) -> None:
    calls = count(bell, 7)
    sexton = Sexton(path)
    with other(path) as process:
        bell.ring(7)  # only to the other one
        process.kill()
        sexton.bury()
    bell.look()
    assert calls == [7]
    sexton.bury()
    sexton.close()
    bell.look()
    assert calls == [7]


def test_the_slot_of_a_killed_process_is_used_again_and_rung(bell: Bell, path: Path) -> None:
    calls = count(bell, 7)
    with other(path) as process:
        process.kill()
    heir = BellFile.open(path)
    assert heir.slot == 1
    bell.look()
    assert calls == [7]
    heir.close()


def test_a_counter_that_becomes_visible_after_its_head_is_still_seen(
    bell: Bell, path: Path
) -> None:
    calls = count(bell, 7)
    with other(path) as process:
        process.tell("ring 8")
        bell.look()
        process.tell("count 7")
        bell.look()
    assert calls == [7]


def test_a_failing_watcher_does_not_keep_the_news_from_others(
    bell: Bell, path: Path, events: Events
) -> None:

    def fail() -> None:
        raise ZeroDivisionError

    bell.watch(7, fail)
    calls = count(bell, 7)
    with other(path) as process:
        process.tell("ring 7")
        bell.look()
    assert calls == [7]
    assert events["error"]["what"] == "a watcher of the bell failed"


def test_rings_of_many_threads_are_all_counted(bell: Bell, path: Path) -> None:
    def ring() -> None:
        for _ in range(2000):
            bell.ring(7)

    threads = [threading.Thread(target=ring) for _ in range(4)]
    switch_interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(switch_interval)
    reader = BellFile.open(path)
    column = reader.column(0)
    reader.close()
    assert int.from_bytes(column[7 * 8 : 8 * 8], sys.byteorder) == 8000


def test_the_others_are_woken_by_a_datagram(path: Path) -> None:
    sleeper, ringer = Bell.open(path), Bell.open(path)
    clock = Clock()
    sleeper.start(clock)
    calls = count(sleeper, 7)
    ringer.ring(7)
    # What the reactor does when the socket becomes readable; no time has passed.
    assert sleeper._looking is not None
    sleeper._looking.doRead()
    assert calls == [7]
    sleeper.stop()
    ringer.stop()


def test_nobody_is_woken_who_watches_nothing(path: Path) -> None:
    sleeper, ringer = Bell.open(path), Bell.open(path)
    sleeper.start(Clock())
    watching = sleeper.watch(7, lambda: None), sleeper.watch(8, lambda: None)
    ringer.ring(9)
    assert sleeper._wake.drain()
    for undo in watching:
        undo()
    ringer._woken = 0.0
    ringer.ring(7)
    assert not sleeper._wake.drain()
    watching = sleeper.watch(7, lambda: None), sleeper.watch(8, lambda: None)
    watching[0]()
    ringer.ring(8)
    assert sleeper._wake.drain()
    sleeper.stop()
    watching[1]()
    ringer.stop()


def test_a_lost_datagram_costs_some_milliseconds(path: Path) -> None:
    sleeper, ringer = Bell.open(path), Bell.open(path)
    clock = Clock()
    sleeper.start(clock)
    calls = count(sleeper, 7)
    ringer.ring(7)
    clock.advance(0.01)
    assert calls == [7]
    sleeper.stop()
    ringer.stop()
    assert clock.getDelayedCalls() == []


def test_while_nobody_watches_it_looks_rarely(path: Path) -> None:
    idle, other = Bell.open(path), Bell.open(path)
    clock = Clock()
    idle.start(clock)
    (look,) = clock.getDelayedCalls()
    assert look.getTime() == REST_SECONDS
    undo = idle.watch(7, lambda: None)
    assert look.getTime() == LOOK_SECONDS
    clock.advance(LOOK_SECONDS)
    (look,) = clock.getDelayedCalls()
    assert look.getTime() == 2 * LOOK_SECONDS
    undo()
    clock.advance(LOOK_SECONDS)
    (look,) = clock.getDelayedCalls()
    assert look.getTime() == clock.seconds() + REST_SECONDS
    idle.stop()
    other.stop()


def test_datagrams_work_in_a_folder_whose_name_is_too_long_for_a_socket(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    sleeper, ringer = Bell.open(folder / "bell"), Bell.open(folder / "bell")
    sleeper.start(Clock())
    calls = count(sleeper, 7)
    ringer.ring(7)
    assert sleeper._looking is not None
    sleeper._looking.doRead()
    assert calls == [7]
    sleeper.stop()
    ringer.stop()


def test_a_file_of_another_layout_is_refused(path: Path) -> None:
    path.write_bytes(b"mailhub bell 9\n" + bytes(100))
    with pytest.raises(UnusableDataDir):
        Bell.open(path)


def test_one_process_too_many_is_refused_and_leaks_no_descriptor(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bellfile, "SLOTS", 1)
    with closing(BellFile.open(path)):
        before = len(os.listdir("/proc/self/fd"))
        with pytest.raises(Unavailable):
            BellFile.open(path)
        assert len(os.listdir("/proc/self/fd")) == before


@given(st.dictionaries(st.integers(0, COUNTERS - 1), st.integers(1, 255), max_size=40))
def test_moved_finds_exactly_the_counters_that_differ(changes: dict[int, int]) -> None:
    after = bytearray(COLUMN_OCTETS)
    for counter, octet in changes.items():
        after[counter * 8 + octet % 8] = octet
    assert moved(bytes(COLUMN_OCTETS), bytes(after)) == sorted(changes)
