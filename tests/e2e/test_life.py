"""Starting, monitoring, reloading and stopping a server."""

from __future__ import annotations

import imaplib
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from mailhub.cli.control import ask
from tests.config.test_files import write_pair
from tests.e2e.clients import deliver
from tests.e2e.server import PATIENCE_SECONDS, ROOT, LiveServer, Login, MailhubProcess
from tests.harness import message


@pytest.fixture
def own(tmp_path: Path) -> Iterator[LiveServer]:
    """A server that a test may reload, stop and kill."""
    live = LiveServer(tmp_path)
    try:
        yield live
    finally:
        live.process.stop()
    assert "Traceback" not in live.process.log.rest()


# --- what keeps it from starting ----------------------------------------------------------


def refused(folder: Path, *arguments: str | Path) -> tuple[int, str]:
    """The exit status of a server that does not start, and the one line that it says."""
    process = MailhubProcess(folder, *arguments)
    status, said = process.wait(), process.log.rest()
    assert process.output.rest() == ""
    assert "Traceback" not in said
    return status, said


def test_mistakes_in_the_configuration_are_told_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "mailhub.toml").write_text('data_dri = "x"\n[imap]\nmax_line = "64k"\n')
    status, said = refused(tmp_path, "--config", "mailhub.toml")
    assert status == os.EX_CONFIG
    first, second = said.splitlines()
    assert first.endswith('mailhub.toml:1: data_dri: unknown option (did you mean "data_dir"?)')
    assert "mailhub.toml:3: imap.max_line" in second


def test_an_address_in_use_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "mailhub.toml").write_text(
            f'[[listener]]\nprotocol = "imap"\naddress = "127.0.0.1:{port}"\n'
        )
        status, said = refused(tmp_path, "--config", "mailhub.toml")
    assert status == os.EX_UNAVAILABLE
    (line,) = (line for line in said.splitlines() if line.startswith("mailhub: "))
    assert f"address in use: 127.0.0.1:{port}" in line


def test_a_second_server_on_the_same_data_is_refused_in_one_line(own: LiveServer) -> None:
    (own.folder / "second.toml").write_text('data_dir = "mail"\n')
    status, said = refused(own.folder, "--config", "second.toml")
    assert status == os.EX_UNAVAILABLE
    assert said == (
        f"mailhub: A mailhub server (process {own.process.process.pid}) is serving {own.data.path}"
    )


def test_a_data_folder_that_cannot_be_made_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    status, said = refused(tmp_path, "--data-dir", tmp_path / "file" / "var")
    assert status == os.EX_UNAVAILABLE
    assert said == f"mailhub: {tmp_path}/file/var: Not a directory"


def test_options_that_contradict_each_other_are_told(tmp_path: Path) -> None:
    process = MailhubProcess(tmp_path, "--config", "a.toml", "--data-dir", "b")
    assert process.wait() == os.EX_USAGE
    assert "--config names the data directory" in process.output.rest() + process.log.rest()


def test_help_explains_what_is_served(tmp_path: Path) -> None:
    process = MailhubProcess(tmp_path, "--help")
    assert process.wait() == 0
    said = process.output.rest()
    assert "--config" in said
    assert "alice and bob" in said


# --- monitoring ---------------------------------------------------------------------------


def get(server: LiveServer, path: str) -> tuple[int, str]:
    url = f"http://{server.address('metrics', 'none')}{path}"
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_server_says_that_it_lives_and_is_ready(server: LiveServer) -> None:
    assert get(server, "/healthz") == (200, "alive\n")
    assert get(server, "/readyz") == (200, "ready\n")


def test_log_ins_and_deliveries_are_counted(
    server: LiveServer, login: Login, trust: ssl.SSLContext
) -> None:
    deliver(server, login, message())
    imap = imaplib.IMAP4_SSL("localhost", server.port("imap", "implicit"), ssl_context=trust)
    imap.login(login.user, login.password)
    imap.logout()
    status, text = get(server, "/metrics")
    assert status == 200
    assert re.search(r'^mailhub_logins_total\{.*outcome="ok".*\} [1-9]', text, re.MULTILINE)
    assert re.search(r"^mailhub_deliveries_total\{.*\} [1-9]", text, re.MULTILINE)
    assert re.search(r'^mailhub_commit_seconds_count\{outcome="ok"\} [1-9]', text, re.MULTILINE)


# --- SIGHUP -------------------------------------------------------------------------------


def hang_up(live: LiveServer) -> str:
    """Reload by signal; the event that tells what came of it."""
    live.process.process.send_signal(signal.SIGHUP)
    return live.process.log.until("server.reloaded").splitlines()[-1]


def served_name(live: LiveServer) -> str:
    """Whom the certificate that a new connection sees is for."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", live.port("imap", "implicit"))) as plain,
        context.wrap_socket(plain) as connection,
    ):
        seen = connection.getpeercert(binary_form=True)
    assert seen is not None
    return x509.load_der_x509_certificate(seen).subject.rfc4514_string()


def test_a_new_certificate_is_used_and_open_connections_stay(own: LiveServer) -> None:
    trust = ssl.create_default_context(cafile=str(own.ca))
    login = own.add_account("ann@example.org", "secret")
    imap = imaplib.IMAP4_SSL("localhost", own.port("imap", "implicit"), ssl_context=trust)
    imap.login(login.user, login.password)
    pair = write_pair(own.folder, "fresh")
    own.config.write_text(
        own.config.read_text()
        + f'[[tls.certificate]]\ncertificate = "{pair.certificate}"\nkey = "{pair.key}"\n'
    )
    assert "certificates read again" in hang_up(own)
    assert served_name(own) == "CN=fresh.example.org"
    assert imap.noop()[0] == "OK"
    imap.logout()


def test_a_reload_with_mistakes_changes_nothing(own: LiveServer) -> None:
    own.config.write_text(own.config.read_text() + "[imap]\nmax_line = 1\n")
    told = hang_up(own)
    assert "nothing was changed" in told
    assert "imap.max_line" in told
    assert get(own, "/readyz") == (200, "ready\n")


def test_new_limits_apply_to_new_connections(own: LiveServer) -> None:
    with imaplib.IMAP4("127.0.0.1", own.port("imap", "starttls")):
        own.config.write_text(own.config.read_text() + "[limits]\nmax_connections = 1\n")
        assert ask(own.data, "reload")[-1] == "new connections get the new limits"
        with pytest.raises(imaplib.IMAP4.error, match="[Tt]oo many connections"):
            imaplib.IMAP4("127.0.0.1", own.port("imap", "starttls"))


def test_what_needs_a_restart_is_said(own: LiveServer) -> None:
    text = own.config.read_text()
    own.config.write_text(text.replace("mail.example.org", "mx.example.org"))
    assert "a restart is needed for hostname" in hang_up(own)


def test_a_rotated_log_file_is_opened_again(tmp_path: Path) -> None:
    options = '[log]\nfile = "mailhub.log"\nformat = "json"\n'
    live = LiveServer(tmp_path, options=options, before="workers = 1\n")
    (tmp_path / "mailhub.log").rename(tmp_path / "mailhub.log.1")
    ask(live.data, "reload")
    live.process.stop()
    assert '"event": "server.started"' in (tmp_path / "mailhub.log.1").read_text()
    fresh = (tmp_path / "mailhub.log").read_text()
    assert '"event": "server.reloaded"' in fresh
    assert '"event": "server.stopping"' in fresh
    assert "critical" not in fresh  # nor does a server without workers leave anything open


# --- the end ------------------------------------------------------------------------------


def test_clients_are_told_goodbye_when_the_server_stops(own: LiveServer) -> None:
    imap = imaplib.IMAP4("127.0.0.1", own.port("imap", "starttls"))
    own.process.process.send_signal(signal.SIGTERM)
    imap.sock.settimeout(PATIENCE_SECONDS)
    assert imap.readline().startswith(b"* BYE ")
    assert imap.readline() == b""
    own.process.wait()


def test_mail_is_there_after_a_restart(own: LiveServer) -> None:
    login = own.add_account("ann@example.org", "secret")
    deliver(own, login, message(subject="kept"))
    own.restart()
    trust = ssl.create_default_context(cafile=str(own.ca))
    imap = imaplib.IMAP4_SSL("localhost", own.port("imap", "implicit"), ssl_context=trust)
    imap.login(login.user, login.password)
    imap.select("INBOX")
    assert imap.search(None, "SUBJECT", "kept") == ("OK", [b"1"])
    imap.logout()


def test_the_command_line_tool_works_beside_the_server(own: LiveServer) -> None:
    mailhub = [sys.executable, "-c", "from mailhub.cli import main; main()"]
    for arguments in (
        ["domain", "add", "example.net"],
        ["account", "add", "--password-stdin", "ann@example.net"],
    ):
        subprocess.run(
            [*mailhub, *arguments, "--config", own.config], input=b"secret\n", check=True, cwd=ROOT
        )
    trust = ssl.create_default_context(cafile=str(own.ca))
    imap = imaplib.IMAP4_SSL("localhost", own.port("imap", "implicit"), ssl_context=trust)
    assert imap.login("ann@example.net", "secret")[0] == "OK"
    imap.logout()
