"""Talking to the running server over its control socket.

One request and one answer, each a line of JSON: ``{"command": "sessions"}`` and
``{"ok": true, "result": ...}`` or ``{"ok": false, "error": "a sentence"}``.  The other side is
:mod:`mailhub.net.control`.
"""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

from mailhub.model.errors import Refusal, Unavailable
from mailhub.model.mail import AccountId
from mailhub.store.hub.datadir import DataDir

TIMEOUT_SECONDS = 15.0
_MAX_PATH = 100  # struct sockaddr_un has 108 octets


class NoServer(Refusal):
    explanation = "No server is running"


class ServerRefused(Refusal):
    """The server answered, and said no."""


def ask(data: DataDir, command: str, **arguments: object) -> Any:
    """The server's answer.  Raises NoServer, ServerRefused, Unavailable."""
    request = json.dumps({"command": command, **arguments}).encode() + b"\n"
    try:
        reply = _exchange(data.control_socket, request)
    except (FileNotFoundError, ConnectionRefusedError):
        raise NoServer(f"No server is running on {data.path}") from None
    except OSError as error:
        raise Unavailable(f"The server did not answer: {error}") from error
    try:
        answer = json.loads(reply)
    except ValueError as error:
        raise Unavailable("The server hung up without an answer") from error
    if not answer.get("ok"):
        raise ServerRefused(str(answer.get("error", "The server refused")))
    return answer.get("result")


def end_sessions(data: DataDir, account: AccountId) -> None:
    """End the account's live sessions; without a server there are none."""
    try:
        ask(data, "end", account=account)
    except NoServer:
        return


def _exchange(path: Path, request: bytes) -> bytes:
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(TIMEOUT_SECONDS)
            name = str(path)
            if len(os.fsencode(name)) > _MAX_PATH:
                name = f"/proc/self/fd/{folder}/{path.name}"
            connection.connect(name)
            connection.sendall(request)
            with connection.makefile("rb") as answers:
                return answers.readline()
    finally:
        os.close(folder)
