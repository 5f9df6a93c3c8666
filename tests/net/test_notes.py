"""Notes that several processes keep together."""

from __future__ import annotations

from contextlib import AbstractContextManager
from mmap import mmap

from mailhub.net.notes import Notes, octets

ALICE, BOB = b"alice---", b"bob-----"
ONE, TWO = b"1-------", b"2-------"


class Lock(AbstractContextManager[object]):
    """Tells when it is held."""

    held = 0
    taken = 0

    def __enter__(self) -> object:
        self.held += 1
        self.taken += 1
        return self

    def __exit__(self, *raised: object) -> None:
        self.held -= 1


def test_what_one_process_notes_another_reads() -> None:
    memory = memoryview(mmap(-1, octets(4, 8)))
    here, there = Notes(4, 8, memory), Notes(4, 8, memory)
    with here.marks(ALICE) as marks:
        marks.put(ONE, 1.0)
    with there.marks(ALICE) as marks:
        marks.put(TWO, 2.0)
        assert marks.since(0.0) == {ONE: 1.0, TWO: 2.0}
        assert marks.since(2.0) == {TWO: 2.0}
    with here.marks(BOB) as marks:
        assert marks.since(0.0) == {}


def test_a_mark_is_noted_once_with_its_newest_time() -> None:
    notes = Notes(1, 2)
    with notes.marks(ALICE) as marks:
        for time in (1.0, 2.0, 3.0):
            marks.put(ONE, time)
    with notes.marks(BOB) as marks:
        marks.put(ONE, 4.0)
    with notes.marks(ALICE) as marks:
        assert marks.since(0.0) == {ONE: 3.0}


def test_one_mark_or_all_of_a_key_are_forgotten() -> None:
    notes = Notes(1, 8)
    for key in (ALICE, BOB):
        with notes.marks(key) as marks:
            marks.put(ONE, 1.0)
            marks.put(TWO, 1.0)
    with notes.marks(ALICE) as marks:
        marks.drop(ONE)
        assert marks.since(0.0) == {TWO: 1.0}
    with notes.marks(BOB) as marks:
        marks.drop()
        assert marks.since(0.0) == {}
    with notes.marks(ALICE) as marks:
        assert marks.since(0.0) == {TWO: 1.0}


def test_a_full_bucket_forgets_its_oldest_note() -> None:
    notes = Notes(1, 3)
    for number, key in enumerate((ALICE, BOB, b"carol---", b"dave----")):
        with notes.marks(key) as marks:
            marks.put(ONE, float(number))
    kept = []
    for key in (ALICE, BOB, b"carol---", b"dave----"):
        with notes.marks(key) as marks:
            kept.append(bool(marks.since(0.0)))
    assert kept == [False, True, True, True]


def test_a_mark_that_looks_like_a_key_is_none() -> None:
    notes = Notes(1, 4)
    with notes.marks(ALICE) as marks:
        marks.put(BOB, 1.0)
    with notes.marks(BOB) as marks:
        assert marks.since(0.0) == {}
        marks.drop()
    with notes.marks(ALICE) as marks:
        assert marks.since(0.0) == {BOB: 1.0}


def test_the_lock_is_held_meanwhile_and_no_longer() -> None:
    lock = Lock()
    notes = Notes(1, 4, lock=lock)
    with notes.marks(ALICE):
        assert lock.held == 1
    assert (lock.held, lock.taken) == (0, 1)
