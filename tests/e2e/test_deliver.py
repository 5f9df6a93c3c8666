"""``mailhub deliver`` beside a running server."""

from __future__ import annotations

import os
import poplib
import ssl
import subprocess
import sys

from tests.e2e.server import ROOT, LiveServer, Login
from tests.harness import message


def deliver(
    server: LiveServer, *arguments: str, data: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", "from mailhub.cli import main; main()", "deliver", *arguments],
        input=data,
        capture_output=True,
        cwd=server.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )


def lmtp(server: LiveServer) -> str:
    return f"127.0.0.1:{server.port('lmtp', 'none')}"


def inbox(server: LiveServer, login: Login, trust: ssl.SSLContext) -> list[bytes]:
    client = poplib.POP3_SSL("127.0.0.1", server.port("pop3", "implicit"), context=trust)
    client.user(login.user)
    client.pass_(login.password)
    count, _ = client.stat()
    messages = [b"\r\n".join(client.retr(n)[1]) + b"\r\n" for n in range(1, count + 1)]
    client.quit()
    return messages


def test_a_message_from_a_pipe_is_filed(
    server: LiveServer, login: Login, trust: ssl.SSLContext
) -> None:
    sent = message("piped", ".\r\n.dots\r\n")

    done = deliver(
        server,
        *("-f", "ann@example.com", "--to", lmtp(server), login.user),
        data=b"From ann Mon Jan  1 00:00:00 2024\n" + sent.replace(b"\r\n", b"\n"),
    )

    assert (done.returncode, done.stderr) == (os.EX_OK, b"")
    (received,) = inbox(server, login, trust)
    assert received.startswith(b"Return-Path: <ann@example.com>\r\n")
    assert received.endswith(sent)


def test_nobody_is_an_error_with_its_own_code(server: LiveServer, login: Login) -> None:
    done = deliver(server, "--to", lmtp(server), "nobody@example.org", login.user, data=message())

    assert done.returncode == os.EX_NOUSER
    assert b"nobody@example.org: 550 5.1.1" in done.stderr


def test_without_a_server_the_mta_is_told_to_keep_the_message(server: LiveServer) -> None:
    done = deliver(server, "--to", "unix:/nowhere", "a@example.org", data=message())

    assert done.returncode == os.EX_TEMPFAIL


def test_a_mistake_in_the_configuration_bounces_nothing(server: LiveServer) -> None:
    bad = server.folder / "bad.toml"
    bad.write_text("nonsense = 1\n")

    done = deliver(server, "--config", str(bad), "a@example.org", data=message())

    assert done.returncode == os.EX_TEMPFAIL


def test_wrong_use_has_its_own_code(server: LiveServer) -> None:
    assert deliver(server, "--nonsense").returncode == os.EX_USAGE
    assert deliver(server).returncode == os.EX_USAGE
