"""kill -9 of one worker after the other under load: what was acknowledged is there, and the other
workers serve on meanwhile.

``MAILHUB_CRASH_ROUNDS`` says how often; the default is what the suite has time for.
"""

from __future__ import annotations

import os
import poplib
import random
import signal
import time
from pathlib import Path

from mailhub.cli.control import ask
from tests.crash.clients import (
    FOLDERS,
    GONE,
    PATIENCE_SECONDS,
    Load,
    append,
    fetch_once,
    lmtp,
    whole,
)
from tests.crash.ledger import Ledger
from tests.crash.test_kill_server import OPTIONS, complaints, settled
from tests.e2e.server import LiveServer

ROUNDS = int(os.environ.get("MAILHUB_CRASH_ROUNDS", "5"))
WORKERS = 2


def pids(server: LiveServer) -> list[int]:
    """Of the workers that serve; waits until all do."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        serving = [each for each in ask(server.data, "status")["workers"] if each["serves"]]
        if len(serving) == WORKERS:
            return [each["pid"] for each in serving]
        assert time.monotonic() < deadline, "a worker was not started again"


def fetch_on(load: Load, token: str, chance: random.Random) -> None:
    """By POP3, from whichever worker lives, until none is left to connect to."""
    while True:
        try:
            fetch_once(load)
        except ConnectionRefusedError:
            return
        except poplib.error_proto as failure:
            # The lock of a maildrop goes with its process, perhaps a moment after the connection.
            if "EOF" not in str(failure) and "[IN-USE]" not in str(failure):
                raise
        except GONE:
            continue


def test_the_death_of_workers_loses_nothing_and_stops_nobody_else(tmp_path: Path) -> None:
    chance = random.Random(12)
    server = LiveServer(tmp_path, OPTIONS, before=f"workers = {WORKERS}\n")
    reader, popper = (server.add_account(f"{n}@example.org", f"secret {n}") for n in ("ann", "pop"))
    ledgers = {reader: Ledger(), popper: Ledger()}
    client = Load(server, reader, ledgers[reader], "").imap()
    for folder in FOLDERS:
        client.create(folder)
    client.logout()
    loads = [Load(server, popper, ledgers[popper], "fetch")]
    loads[0].start(fetch_on)
    try:
        for death in range(ROUNDS):
            serving = pids(server)
            reading = Load(server, reader, ledgers[reader], f"r{death}")
            popping = Load(server, popper, ledgers[popper], f"p{death}")
            reading.start(lmtp, append, append)
            popping.start(lmtp)
            loads += [reading, popping]
            ledgers[reader].wait(chance.randrange(20, 80), PATIENCE_SECONDS)
            ledgers[popper].wait(5, PATIENCE_SECONDS)
            os.kill(chance.choice(serving), signal.SIGKILL)
            for login, ledger in ledgers.items():  # all before may have been served by the dead one
                fresh = Load(server, login, ledger, f"n{death}")
                fresh.start(lmtp, lmtp)
                loads.append(fresh)
                ledger.wait(5, PATIENCE_SECONDS)
        server.process.kill()
        for load in loads:
            load.finish()
        assert complaints(server) == []
        server.start()
        for login, ledger in ledgers.items():
            assert settled(server, login, ledger) == []
        client = Load(server, reader, ledgers[reader], "").imap()
        assert whole(client) > ROUNDS
        client.logout()
    finally:
        server.process.stop()
