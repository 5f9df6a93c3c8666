from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from mailhub.store.hub.datadir import DataDir
from tests.cli.conftest import Commands, Server


@pytest.mark.parametrize("words", [("list",), ("dump", "k3f1a"), ("end", "k3f1a")])
def test_without_a_server_there_is_nothing_to_show(
    commands: Commands, words: tuple[str, ...]
) -> None:
    answer = commands("session", *words)
    assert answer.code == 1
    assert answer.err.startswith("mailhub: No server is running on ")


@pytest.mark.parametrize("reply", [b"", b"nonsense\n", b'{"ok": tru'])
def test_a_server_that_answers_nonsense_is_told_as_temporary(
    commands: Commands, data: DataDir, reply: bytes
) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(data.control_socket))
        listening.listen(1)

        def answer_once() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(reply)

        thread = threading.Thread(target=answer_once)
        thread.start()
        answer = commands("session", "list")
        thread.join()
    assert answer.code == 75
    assert answer.err.count("\n") == 1


def test_live_sessions_are_listed(commands: Commands, server: Server) -> None:
    assert commands.json("session", "list")[0]["id"] == "k3f1a"
    lines = commands("session", "list").out.splitlines()
    assert lines[1].split() == [
        *("k3f1a", "imap", "alice@example.org", "192.0.2.7", "yes", "5.0", "1.0"),
    ]


def test_a_dialogue_is_dumped(commands: Commands, server: Server, tmp_path: Path) -> None:
    text = "0.000 S: * OK\n0.100 C: a LOGOUT"
    assert commands("session", "dump", "k3f1a").out == text + "\n"
    assert server("dump") == {"command": "dump", "id": "k3f1a"}
    assert commands.json("session", "dump", "k3f1a")["text"] == text
    file = tmp_path / "dump.txt"
    commands("session", "dump", "k3f1a", "--output", str(file))
    assert file.read_text() == text


def test_sessions_are_ended_by_id_and_by_account(
    commands: Commands, alice: dict[str, Any], server: Server
) -> None:
    assert commands("session", "end", "k3f1a").out == "Sessions ended: 2\n"
    assert server("end") == {"command": "end", "id": "k3f1a"}
    commands("session", "end", "alice@example.org")
    assert server("end") == {"command": "end", "account": alice["id"]}


def test_what_the_server_refuses_is_told(commands: Commands, server: Server) -> None:
    answer = commands("session", "dump", "nobody")
    assert (answer.code, answer.err) == (1, "mailhub: there is no such session\n")
