"""kill -9 of a whole server under LMTP, IMAP and POP3 load, again and again.

``MAILHUB_CRASH_ROUNDS`` says how often; the default is what the suite has time for.
"""

from __future__ import annotations

import os
import random
from contextlib import closing
from pathlib import Path

from mailhub.store.doctor import Doctor
from mailhub.store.hub.bell import Bell
from mailhub.store.hub.database import HubFile
from tests.crash.clients import FOLDERS, PATIENCE_SECONDS, Load, append, fetch, lmtp, placed, whole
from tests.crash.ledger import Ledger
from tests.e2e.server import LiveServer, Login

ROUNDS = int(os.environ.get("MAILHUB_CRASH_ROUNDS", "5"))
OPTIONS = """
[auth]
plaintext = "loopback"

[store]
expunge_grace = 0
"""


def complaints(server: LiveServer) -> list[str]:
    """What the doctor finds while nobody serves."""
    with closing(HubFile.open(server.data.hub_db)) as hub:
        bell = Bell.open(server.data.bell)
        try:
            doctor = Doctor(server.data, hub, bell)
            doctor.take_in_journals()
            found = [*doctor.examine_hub(), *doctor.examine_files()]
            for account in doctor.accounts():
                found += doctor.examine_account(account)
        finally:
            bell.stop()
    return [f"{each.where}: {each.text}" for each in found]


def settled(server: LiveServer, login: Login, ledger: Ledger) -> list[str]:
    client = Load(server, login, ledger, "").imap()
    wrong = ledger.settle(placed(client))
    client.logout()
    return wrong


def test_what_a_killed_server_had_acknowledged_is_there_once_and_whole(tmp_path: Path) -> None:
    chance = random.Random(11)
    server = LiveServer(tmp_path, OPTIONS)
    reader, popper = (server.add_account(f"{n}@example.org", f"secret {n}") for n in ("ann", "pop"))
    ledgers = {reader: Ledger(), popper: Ledger()}
    client = Load(server, reader, ledgers[reader], "").imap()
    for folder in FOLDERS:
        client.create(folder)
    client.logout()
    try:
        for crash in range(ROUNDS):
            reading = Load(server, reader, ledgers[reader], f"r{crash}")
            popping = Load(server, popper, ledgers[popper], f"r{crash}")
            reading.start(lmtp, lmtp, append, append, append)
            popping.start(lmtp, lmtp, fetch)
            ledgers[reader].wait(chance.randrange(1, 120), PATIENCE_SECONDS)
            server.process.kill()
            for load in (reading, popping):
                load.finish()
            assert complaints(server) == []
            server.start()
            for login, ledger in ledgers.items():
                assert settled(server, login, ledger) == []
        assert all(ledger.acknowledged > ROUNDS for ledger in ledgers.values())
        client = Load(server, reader, ledgers[reader], "").imap()
        assert whole(client) > ROUNDS
        client.logout()
    finally:
        server.process.stop()
