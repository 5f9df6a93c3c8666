"""Metrics: what is counted, and that labels stay bounded."""

from __future__ import annotations

import pytest

from mailhub.metrics import MAX_SERIES, Metrics


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


def test_a_watched_value_is_read_when_asked_for(metrics: Metrics) -> None:
    values = iter((1.0, 2.0))
    metrics.watch("free_octets", "Free space", lambda: next(values))

    assert value(metrics, "free_octets") == 1
    assert value(metrics, "free_octets") == 2


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
