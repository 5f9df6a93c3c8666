"""Records of stale clients: one for each, over processes and restarts, without anything secret."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from mailhub.net.stale import Presenter
from mailhub.store.hub.datadir import DataDir
from mailhub.store.hub.staleclients import StaleClients

PHONE = Presenter("alice", "192.0.2.1", "imap", "PLAIN")


class Now:
    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def clients(data: DataDir, now: Now) -> Iterator[StaleClients]:
    clients = StaleClients(data, now)
    yield clients
    clients.close()


def test_a_client_is_one_record_whatever_process_sees_it(
    clients: StaleClients, data: DataDir, now: Now
) -> None:
    other = StaleClients(data, now)
    assert clients.seen(PHONE, 3, None)
    now.seconds = 2000.0
    assert not other.seen(PHONE, 1, 500.5)
    assert not clients.seen(PHONE, 1, None)
    (found,) = other.all()
    assert (found.first, found.last, found.count, found.worked) == (1000, 2000, 5, 500)
    other.close()


def test_a_client_that_logs_in_is_done_with_until_it_begins_again(
    clients: StaleClients, now: Now
) -> None:
    clients.ended(PHONE)
    assert clients.all() == []
    clients.seen(PHONE, 3, 500.0)
    now.seconds = 2000.0
    clients.ended(PHONE)
    assert clients.all()[0].ended == 2000
    now.seconds = 3000.0
    assert clients.seen(PHONE, 1, None)
    (found,) = clients.all()
    assert (found.first, found.count, found.ended, found.worked) == (3000, 1, None, None)


def test_names_that_a_client_makes_up_have_room(clients: StaleClients) -> None:
    for name in ("\U0001f600" * 1000, "\udcff" * 1000, "\0" * 1000, '"\\' * 500):
        assert clients.seen(replace(PHONE, user=name), 1, 1.0)
    assert len(clients.all()) == 4


def test_the_longest_quiet_gives_way(clients: StaleClients, now: Now) -> None:
    for n in range(6000):
        now.seconds = 1000.0 + n
        clients.seen(replace(PHONE, user=f"user {n}"), 1, None)
    assert len(clients.all()) <= 4096
    assert "user 5999" in {client.user for client in clients.all()}
