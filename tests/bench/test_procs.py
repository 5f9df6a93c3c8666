"""What a local server uses."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from mailhub.bench.procs import Probe, Usage, is_local
from mailhub.bench.target import Target

PARENT = """
import subprocess, socket, sys
listening = socket.create_server(("127.0.0.1", 0))
code = "import sys; x = 'x' * 30_000_000; sys.stdin.read()"
child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
print(listening.getsockname()[1], flush=True)
sys.stdin.read()
child.communicate()
"""


def test_a_server_is_found_by_its_socket_and_its_children_count() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        probe = Probe(Target(imap=int(parent.stdout.readline())))
        usage = probe.usage()
        parent.communicate()
    assert probe.root == parent.pid
    assert usage is not None
    assert usage.processes == 2
    assert usage.memory_octets > 5_000_000
    assert probe.usage() is None


def test_a_server_that_is_elsewhere_or_not_there_has_no_usage() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    assert Probe(Target(imap=port)).usage() is None
    assert Probe(Target(host="192.0.2.1", imap=port)).usage() is None


@pytest.mark.parametrize(
    ("host", "local"), [("127.0.0.1", True), ("::1", True), ("192.0.2.1", False)]
)
def test_this_machine_is_known_by_its_addresses(host: str, local: bool) -> None:
    assert is_local(host) is local


def test_time_is_that_since_the_phase_began() -> None:
    before = Probe(Target(imap=1, pid=os.getpid())).usage()
    assert before is not None
    while sum(range(200_000)) and (now := Probe(Target(imap=1, pid=os.getpid())).usage()):
        if now.cpu_seconds > before.cpu_seconds:
            break
    assert now is not None
    assert now.since(before).cpu_seconds > 0
    assert Usage(1.0, 10, 1).since(Usage(2.0, 30, 1)) == Usage(0.0, 10, 1, -20)
