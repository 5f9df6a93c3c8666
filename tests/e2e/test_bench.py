"""Measuring a real server, and the report about what it did meanwhile."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from mailhub.bench.micro import WORKLOADS
from tests.e2e.server import ROOT, LiveServer

MAILHUB = Path(sys.executable).with_name("mailhub")
ACCOUNTS = 3


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("measured")
    server = LiveServer(folder, '[log]\nformat = "json"\nfile = "log"\n')
    for number in range(1, ACCOUNTS + 1):
        server.add_account(f"bench{number}@example.org", "secret")
    yield server
    server.process.stop()


@pytest.fixture(scope="module")
def target(measured: LiveServer) -> Path:
    path = measured.folder / "target.toml"
    path.write_text(
        f"""
        imap = {measured.port("imap", "implicit")}
        pop3 = {measured.port("pop3", "implicit")}
        lmtp = {measured.port("lmtp", "none")}
        tls = "implicit"
        insecure = true
        user = "bench{{n}}@example.org"
        accounts = {ACCOUNTS}
        password = "secret"
        """
    )
    return path


def mailhub(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [MAILHUB, *map(str, arguments)], capture_output=True, text=True, check=False, cwd=ROOT
    )


def as_json(*arguments: str | Path) -> Any:
    done = mailhub(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


SMALL = ("--messages", "30", "--seconds", "0.1", "--idle", "4", "--settle", "0.1")


def test_every_workload_gives_a_figure_or_says_why_not(target: Path) -> None:
    told = as_json("bench", "micro", target, *SMALL)
    assert [workload["name"] for workload in told["workloads"]] == [w.name for w in WORKLOADS]
    for workload in told["workloads"]:
        result = workload["servers"]["target"]
        if "skipped" in result:
            assert "not advertised" in result["skipped"]
        else:
            assert result["median"] is not None, workload["name"]
            assert workload["name"] == "idle" or result["median"] > 0, workload["name"]
    assert "secret" not in json.dumps(told)


def test_two_servers_are_measured_in_turn_and_compared(target: Path, tmp_path: Path) -> None:
    other = target.with_name("other.toml")
    other.write_text(target.read_text())
    page = tmp_path / "page.html"
    told = as_json(
        *("bench", "compare", target, other, *SMALL, "--only", "append", "--only", "sort"),
        *("--rounds", "2", "--html", page),
    )
    workload, _ = sorted(told["workloads"], key=lambda each: str(each["name"]))
    assert [len(result["values"]) for result in workload["servers"].values()] == [2, 2]
    assert workload["ratio"] > 0
    _well_formed(page.read_text())
    same = mailhub("bench", "compare", target, target, *SMALL)
    assert "both servers are named target" in same.stderr


def test_imap_beside_pop3_as_figures_and_as_a_page(target: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    told = as_json(
        *("bench", "protocols", target, "--clients", "1,3", "--messages", "20"),
        *("--interval", "0.1", "--large", "200000", "--rounds", "1", "--html", page),
    )
    habits = {habit["name"]: habit["results"] for habit in told["habits"]}
    assert [row["clients"] for row in habits["poll"]] == [1, 3]
    for results in habits.values():
        for row in results:
            assert row["imap"]["round_trips"] < row["pop3"]["round_trips"]
    text = habits["read-text"][0]
    assert text["imap"]["received_octets"] < 10_000 < 150_000 < text["pop3"]["received_octets"]
    delays = {way["name"]: way["results"][-1]["delay_median_ms"] for way in told["waiting"]}
    assert set(delays) == {"idle", "imap-poll", "pop3-poll"}
    assert None not in delays.values()
    _well_formed(page.read_text())


def test_the_report_knows_who_has_downloaded_mail_again(measured: LiveServer, target: Path) -> None:
    collected_twice = ("--only", "pop3", "--seconds", "0.01", "--rounds", "2")
    as_json("bench", "micro", target, *collected_twice)
    told = as_json("report", "protocols", measured.folder / "log")
    assert told["protocols"]["pop3"]["messages_again"] >= 200
    assert told["protocols"]["imap"]["users"] == ACCOUNTS
    assert {row["account"] for row in told["better_off_with_imap"]} <= {
        f"bench{n}@example.org" for n in range(1, ACCOUNTS + 1)
    }
    configured = mailhub("report", "protocols", "--config", measured.config, "--since", "1h")
    assert "Better off with IMAP" in configured.stdout, configured.stderr


def test_strangers_mail_is_not_deleted(measured: LiveServer, target: Path) -> None:
    as_json("bench", "micro", target, *SMALL, "--only", "append", "--keep")
    refused = mailhub("bench", "micro", target, *SMALL, "--only", "append")
    assert refused.returncode == 1
    assert "holds" in refused.stderr
    assert "--erase" in refused.stderr
    as_json("bench", "micro", target, *SMALL, "--only", "append", "--erase")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("micro", "--user", "nobody@example.org"), "Connection refused"),
        (("micro", "--user", "x", "--accounts", "2"), "user needs {n}"),
        (("micro", "--user", "x", "--only", "sleep"), "no workload sleep; known are idle"),
        (("protocols", "--user", "x", "--clients", "1,2"), "2 clients need as many accounts"),
        (("protocols", "--user", "x", "--clients", "none"), "numbers with commas"),
    ],
)
def test_mistakes_are_told_in_one_line(
    arguments: tuple[str, ...], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILHUB_BENCH_PASSWORD", "wrong")
    done = mailhub("bench", *arguments, "--imap", "1", "--pop3", "1")
    assert done.returncode in (1, 2)
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_goes_away_is_told_as_a_failure(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Only POP3 is missing: the rest is measured, and the exit code says that not all was."""
    server = LiveServer(tmp_path_factory.mktemp("half"))
    try:
        server.add_account("bench1@example.org", "secret")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        done = subprocess.run(
            [
                *(MAILHUB, "bench", "micro", "--imap", str(server.port("imap", "implicit"))),
                *("--pop3", str(port), "--tls", "implicit", "--insecure", *SMALL),
                *("--user", "bench1@example.org", "--only", "pop3", "--only", "append"),
            ],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "MAILHUB_BENCH_PASSWORD": "secret"},
        )
    finally:
        server.process.stop()
    assert done.returncode == 1
    assert "failed: pop3 127.0.0.1" in done.stdout
    assert "APPEND 4 KB, 1 connection" in done.stdout


def test_a_wrong_password_is_told_without_showing_it(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = target.with_name("wrong.toml")
    wrong.write_text(target.read_text().replace('"secret"', '"not so secret"'))
    done = mailhub("bench", "micro", wrong)
    assert done.returncode == 1
    assert "LOGIN: " in done.stderr
    assert "not so secret" not in done.stderr


class _Tags(HTMLParser):
    VOID = ("meta", "rect", "line", "circle", "polyline", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        assert tag not in ("script", "link", "img", "iframe")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def _well_formed(text: str) -> None:
    tags = _Tags()
    tags.feed(text)
    assert tags.open == []
    assert "http" not in text
