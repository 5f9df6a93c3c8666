"""Metrics: what is counted, and that labels stay bounded."""

from __future__ import annotations

from mmap import mmap

import pytest

from mailhub.metrics import MAX_SERIES, Metrics
from mailhub.metrics.cells import (
    COUNTERS,
    DIRECTORY_OCTETS,
    GAUGES,
    REGION_OCTETS,
    Cells,
    wipe_gauges,
)
from mailhub.metrics.families import FAMILIES


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"mailhub_{name}", labels)


def test_connections_are_counted_and_the_open_ones_known(metrics: Metrics) -> None:
    for _ in range(3):
        metrics.connection_opened("imap")
    metrics.connection_closed("imap")

    assert value(metrics, "connections_total", protocol="imap") == 3
    assert value(metrics, "connections_open", protocol="imap") == 2


def test_commands_are_counted_and_timed(metrics: Metrics) -> None:
    metrics.command("imap", "FETCH", "ok", 0.002)

    labels = {"protocol": "imap", "command": "FETCH"}
    assert value(metrics, "commands_total", outcome="ok", **labels) == 1
    assert value(metrics, "command_seconds_bucket", le="0.0025", **labels) == 1
    assert value(metrics, "command_seconds_bucket", le="0.001", **labels) == 0


def test_everything_else_that_happens_is_counted(metrics: Metrics) -> None:
    metrics.connection_refused("imap", "limit")
    metrics.handshake("imap", "TLSv1.3")
    metrics.login("imap", "PLAIN", "ok")
    metrics.crash("pop3")
    metrics.commit("ok", 0.001)
    metrics.delivery("filed", 4000)
    metrics.delivery("refused")

    assert value(metrics, "connections_refused_total", protocol="imap", reason="limit") == 1
    assert value(metrics, "tls_handshakes_total", protocol="imap", outcome="TLSv1.3") == 1
    assert value(metrics, "logins_total", protocol="imap", mechanism="PLAIN", outcome="ok") == 1
    assert value(metrics, "crashes_total", protocol="pop3") == 1
    assert value(metrics, "commit_seconds_count", outcome="ok") == 1
    assert value(metrics, "deliveries_total", outcome="filed") == 1
    assert value(metrics, "delivered_octets_total") == 4000


def test_labels_beyond_the_bound_are_counted_together(metrics: Metrics) -> None:
    for number in range(MAX_SERIES + 50):
        metrics.crash(f"protocol {number}")

    assert value(metrics, "crashes_total", protocol="other") == 50
    assert metrics.render().count(b"mailhub_crashes_total{") == MAX_SERIES + 1


def test_two_servers_in_one_process_do_not_share_counters() -> None:
    one, other = Metrics(), Metrics()
    one.crash("imap")

    assert value(other, "crashes_total", protocol="imap") is None


def test_distrust_of_a_directory_is_a_gauge(metrics: Metrics) -> None:
    metrics.directory_trust("corp", is_distrusted=True, people=12, losses=6)
    assert value(metrics, "directory_distrusted", directory="corp") == 1
    assert value(metrics, "directory_people", directory="corp") == 12
    assert value(metrics, "directory_losses", directory="corp") == 6
    metrics.directory_trust("corp", is_distrusted=False, people=6, losses=0)
    assert value(metrics, "directory_distrusted", directory="corp") == 0


class Workers:
    """The metrics of some processes that count together."""

    def __init__(self, number: int = 2) -> None:
        self.regions = [memoryview(mmap(-1, REGION_OCTETS)) for _ in range(number)]
        self.all = [self.start(n) for n in range(number)]

    def start(self, number: int) -> Metrics:
        return Metrics(Cells(self.regions[number]), lambda: self.regions)


def test_each_worker_shows_the_sums_of_all() -> None:
    workers = Workers()
    for metrics in workers.all:
        metrics.connection_opened("imap")
        metrics.command("imap", "FETCH", "ok", 0.002)
    workers.all[0].login("imap", "PLAIN", "ok")

    for metrics in workers.all:
        assert value(metrics, "connections_open", protocol="imap") == 2
        assert value(metrics, "command_seconds_count", protocol="imap", command="FETCH") == 2
        assert value(metrics, "command_seconds_sum", protocol="imap", command="FETCH") == 0.004
        assert value(metrics, "logins_total", protocol="imap", mechanism="PLAIN", outcome="ok") == 1


def test_counters_outlive_a_worker_and_gauges_do_not() -> None:
    workers = Workers()
    for metrics in workers.all:
        metrics.connection_opened("imap")
    wipe_gauges(workers.regions[1])

    assert value(workers.all[0], "connections_total", protocol="imap") == 2
    assert value(workers.all[0], "connections_open", protocol="imap") == 1
    heir = workers.start(1)
    heir.connection_opened("imap")
    assert value(workers.all[0], "connections_total", protocol="imap") == 3
    assert value(workers.all[0], "connections_open", protocol="imap") == 2
    assert workers.all[0].render().count(b"mailhub_connections_total{") == 1


def test_a_server_is_down_when_one_worker_says_so() -> None:
    workers = Workers()
    for metrics, is_down in zip(workers.all, (True, True), strict=True):
        metrics.directory_server("corp", "ldap1", is_down=is_down)

    labels = {"directory": "corp", "server": "ldap1"}
    assert value(workers.all[0], "directory_server_down", **labels) == 1
    for metrics in workers.all:
        metrics.directory_server("corp", "ldap1", is_down=False)
    assert value(workers.all[0], "directory_server_down", **labels) == 0


def test_a_worker_that_died_while_it_made_a_series_spoils_nothing() -> None:
    workers = Workers(1)
    workers.all[0].crash("imap")
    end = 64 + workers.regions[0][:8].cast("Q")[0]
    workers.regions[0][end : end + 20] = b"x" * 20  # a record that was never finished
    heir = workers.start(0)
    heir.crash("pop3")

    assert value(heir, "crashes_total", protocol="pop3") == 1


def test_labels_may_hold_anything() -> None:
    workers = Workers(1)
    workers.all[0].crash('"\n\\é\x1f')
    assert value(workers.start(0), "crashes_total", protocol='"\n\\é\x1f') == 1


def test_there_is_room_for_every_series_that_there_can_be() -> None:
    series = MAX_SERIES + 1
    counters = sum(f.cells * (series if f.labels else 1) for f in FAMILIES if f.kind != "gauge")
    gauges = sum(series if f.labels else 1 for f in FAMILIES if f.kind == "gauge")
    assert counters <= COUNTERS
    assert gauges <= GAUGES
    assert (counters + gauges) * 60 <= DIRECTORY_OCTETS * 15
