from __future__ import annotations

from typing import Any

from tests.cli.conftest import Commands, Server


def test_a_server_that_does_not_run_is_told_so(commands: Commands) -> None:
    assert commands("server", "status").code == 1
    assert commands("server", "reload").err.startswith("mailhub: No server is running")


def test_the_status_of_a_server_is_shown(commands: Commands, server: Server) -> None:
    assert commands.json("server", "status")["pid"] == 1
    told = commands("server", "status").out
    assert "0.1.0" in told
    assert "127.0.0.1:1143" in told
    assert ["0", "2", "2023-11-14", "22:13", "3", "yes", "1"] in [
        line.split() for line in told.splitlines()
    ]


def test_a_reload_says_what_was_read(commands: Commands, server: Server) -> None:
    assert commands("server", "reload").out == "certificates read again\n"
    assert server("reload") == {"command": "reload"}


def test_the_server_logs_what_an_administrator_did(
    commands: Commands, alice: dict[str, Any], server: Server
) -> None:
    commands("account", "enable", "alice@example.org")
    told = server("admin")
    assert told["action"] == "mailhub account enable"
    assert told["outcome"] == "Account alice@example.org enabled"
    assert told["user"]


def test_the_server_is_not_told_passwords(commands: Commands, server: Server) -> None:
    made = commands.json("account", "add", "bob@example.org", "--generate")
    assert made["password"] not in str(server("admin"))
    made = commands.json("passwd", "bob@example.org", "--generate")
    assert made["password"] not in str(server("admin"))
