"""Commands beside a running server: what they change counts at once, and nobody is disturbed."""

from __future__ import annotations

import imaplib
import poplib
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Commands
from tests.e2e.server import ROOT, LiveServer

ALICE = "alice@example.org"
PASSWORD = "correct horse"

# Another process that files a message with the same engine, as an import would.
FILE = """
import sys
from pathlib import Path
from mailhub.cli.context import Cli
from mailhub.cli.store import immediate, open_account
from mailhub.interfaces import Incoming
from mailhub.model.names import INBOX

with Cli(None, Path(sys.argv[1]), as_json=True) as cli:
    account = open_account(cli, sys.argv[2])
    staging = account.stage()
    immediate(staging.write(b"Subject: hello\\r\\n\\r\\nhello\\r\\n"))
    staged = immediate(staging.finish())
    immediate(account.append(INBOX, [Incoming(staged)]))
    staged.release()
"""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    server = LiveServer(tmp_path_factory.mktemp("live"))
    Commands(server.data.path).json("domain", "add", "example.org")
    yield server
    server.process.stop()


@pytest.fixture
def beside(live: LiveServer) -> Iterator[Commands]:
    """Commands on the server's data directory; alice is there, and gone afterwards."""
    commands = Commands(live.data.path)
    words = ("account", "add", ALICE, "--password-stdin")
    commands.json(*words, input=PASSWORD + "\n")
    yield commands
    commands("account", "delete", ALICE, "--yes")


@pytest.fixture
def trust(live: LiveServer) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(live.ca))


def log_in(live: LiveServer, trust: ssl.SSLContext, password: str = PASSWORD) -> imaplib.IMAP4:
    port = live.port("imap", "implicit")
    client = imaplib.IMAP4_SSL("localhost", port, ssl_context=trust, timeout=20)
    client.login(ALICE, password)
    return client


def test_an_idle_client_sees_what_another_process_files(
    live: LiveServer, beside: Commands, trust: ssl.SSLContext
) -> None:
    client = log_in(live, trust)
    client.select("INBOX")
    client.send(b"i IDLE\r\n")
    assert client.readline().startswith(b"+")
    environment = {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", FILE, str(live.data.path), ALICE]
    subprocess.run(command, check=True, env=environment)
    assert client.readline() == b"* 1 EXISTS\r\n"
    client.send(b"DONE\r\n")
    client.shutdown()


def test_a_live_session_is_listed_dumped_and_ended(
    live: LiveServer, beside: Commands, trust: ssl.SSLContext
) -> None:
    client = log_in(live, trust)
    (session,) = beside.json("session", "list")
    assert (session["protocol"], session["account"], session["tls"]) == ("imap", ALICE, True)
    dialogue = beside.json("session", "dump", session["id"])["text"]
    assert "LOGIN" in dialogue
    assert PASSWORD not in dialogue
    assert beside.json("session", "end", session["id"]) == {"ended": 1}
    assert client.readline().startswith(b"* BYE")
    assert client.readline() == b""
    client.shutdown()


def test_what_a_client_was_refused_is_explained_by_its_id(
    live: LiveServer, beside: Commands, trust: ssl.SSLContext
) -> None:
    with pytest.raises(imaplib.IMAP4.error, match="r-") as refused:
        log_in(live, trust, "not this one")
    reason_id = str(refused.value).rpartition("(")[2].partition(")")[0]
    known = beside.json("explain", reason_id)
    assert (known["user"], known["outcome"], known["mechanism"]) == (
        ALICE,
        "BadCredentials",
        "password",
    )
    assert [step["what"] for step in known["steps"]] == ["source", "refused"]
    assert "not this one" not in str(known)


def test_a_phone_with_the_old_password_is_told_from_a_guess(
    live: LiveServer, beside: Commands, trust: ssl.SSLContext
) -> None:
    log_in(live, trust).logout()
    with pytest.raises(imaplib.IMAP4.error):
        log_in(live, trust, "a guess")
    beside.json("passwd", ALICE, "--password-stdin", input="a new one\n")
    with pytest.raises(imaplib.IMAP4.error):
        log_in(live, trust)
    (phone,) = beside.json("stale-clients", "alice")
    assert (phone["what"], phone["attempts"], phone["protocol"]) == ("an old password", 1, "imap")
    log_in(live, trust, "a new one").logout()
    assert beside.json("stale-clients", "alice") == []


def test_disabling_an_account_ends_its_sessions_and_refuses_its_log_ins(
    live: LiveServer, beside: Commands, trust: ssl.SSLContext
) -> None:
    client = log_in(live, trust)
    beside.json("account", "disable", ALICE)
    assert client.readline().startswith(b"* BYE")
    assert live.process.log.until(f"Account {ALICE} disabled")
    client.shutdown()
    with pytest.raises(imaplib.IMAP4.error):
        log_in(live, trust)
    beside.json("account", "enable", ALICE)
    log_in(live, trust).logout()


def test_a_changed_password_works_at_once_and_the_old_one_no_more(
    live: LiveServer, beside: Commands, trust: ssl.SSLContext
) -> None:
    log_in(live, trust).logout()
    beside.json("passwd", ALICE, "--password-stdin", input="another one\n")
    with pytest.raises(imaplib.IMAP4.error):
        log_in(live, trust)
    log_in(live, trust, "another one").logout()


def test_a_deleted_account_is_gone_and_a_new_one_of_its_name_is_empty(
    live: LiveServer, beside: Commands, trust: ssl.SSLContext
) -> None:
    client = log_in(live, trust)
    client.append("INBOX", "", "", b"Subject: old\r\n\r\nold\r\n")
    old = beside.json("account", "show", ALICE)
    beside.json("account", "delete", ALICE, "--yes")
    assert client.readline().startswith(b"* BYE")
    client.shutdown()
    assert not Path(old["file"]).exists()
    with pytest.raises(imaplib.IMAP4.error):
        log_in(live, trust)
    beside.json("account", "add", ALICE, "--password-stdin", input=PASSWORD + "\n")
    client = log_in(live, trust)
    assert client.select("INBOX") == ("OK", [b"0"])
    client.logout()
    assert beside("doctor").code == 0


def test_a_folder_made_by_command_is_there_for_a_live_session(
    live: LiveServer, beside: Commands, trust: ssl.SSLContext
) -> None:
    client = log_in(live, trust)
    beside.json("mailbox", "create", ALICE, "Plans")
    assert client.select("Plans") == ("OK", [b"0"])
    client.append("Plans", "", "", b"Subject: x\r\n\r\nx\r\n")
    assert beside.json("mailbox", "status", ALICE, "Plans")["messages"] == 1
    client.logout()


def test_a_second_pop3_session_is_refused_while_the_first_one_lives(
    live: LiveServer, beside: Commands, trust: ssl.SSLContext
) -> None:
    port = live.port("pop3", "implicit")
    first = poplib.POP3_SSL("localhost", port, context=trust, timeout=20)
    first.user(ALICE)
    first.pass_(PASSWORD)
    second = poplib.POP3_SSL("localhost", port, context=trust, timeout=20)
    second.user(ALICE)
    with pytest.raises(poplib.error_proto, match="IN-USE"):
        second.pass_(PASSWORD)
    second.close()
    first.quit()


def test_the_doctor_finds_a_live_store_in_order(live: LiveServer, beside: Commands) -> None:
    assert beside.json("doctor")["ok"]


def test_a_second_server_on_the_same_data_is_refused(live: LiveServer) -> None:
    command = [sys.executable, "-m", "twisted", "mailhub", "--config", str(live.config)]
    environment = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=live.folder, capture_output=True, text=True, env=environment, timeout=60
    )
    assert done.returncode != 0
    assert "is serving" in done.stdout + done.stderr
