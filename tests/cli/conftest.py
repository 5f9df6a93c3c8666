"""Commands run in this process on a real data directory; a running server where one is needed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mailhub.cli import cli
from mailhub.store.hub.datadir import DataDir

PASSWORD = "correct horse"

Server = Callable[[str], dict[str, Any]]


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Commands:
    """``commands("account", "list")`` runs ``mailhub account list`` on the data directory."""

    path: Path

    def __call__(self, *words: str, input: str = "") -> Answer:
        end = words.index("--") if "--" in words else len(words)
        arguments = [*words[:end], "--data-dir", str(self.path), *words[end:]]
        result = CliRunner().invoke(cli, arguments, input=input, prog_name="mailhub")
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Answer(result.exit_code, result.stdout, result.stderr)

    def json(self, *words: str, input: str = "") -> Any:
        """What a command that succeeds prints with --json."""
        answer = self(*words, "--json", input=input)
        assert (answer.code, answer.err) == (0, ""), answer
        return answer.json


@pytest.fixture
def fresh(tmp_path: Path) -> Commands:
    """Before anything was set up."""
    return Commands(tmp_path / "data")


@pytest.fixture
def commands(fresh: Commands, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """With the domain example.org."""
    fresh.json("domain", "add", "example.org")
    return fresh


@pytest.fixture
def alice(commands: Commands) -> dict[str, Any]:
    """The account alice@example.org, as account add prints it."""
    words = ("account", "add", "alice@example.org", "--name", "Alice", "--password-stdin")
    made = commands.json(*words, input=PASSWORD + "\n")
    assert isinstance(made, dict)
    return made


@pytest.fixture
def data(commands: Commands) -> DataDir:
    return DataDir(commands.path)


# The part of a server that commands talk to: the real control protocol, over handlers that
# write down what they were asked.
SERVER = """
import json, sys
from pathlib import Path
from twisted.internet import reactor
from mailhub.net.control import ControlError, ControlFactory
from mailhub.store.hub.datadir import DataDir

data = DataDir(Path(sys.argv[1]))
lock = data.claim_server()

def handler(name, answer):
    async def handle(request):
        if request.get("id") == "nobody":
            raise ControlError("there is no such session")
        print(json.dumps(request), flush=True)
        return answer
    return handle

session = {"id": "k3f1a", "protocol": "imap", "address": "192.0.2.7", "port": 4711,
    "account": "alice@example.org", "tls": True, "seconds": 5.0, "idle": 1.0}
status = {"pid": 1, "version": "0.1.0", "started": 1700000000, "connections": 1,
    "workers": [{"number": 0, "pid": 2, "started": 1700000001, "restarts": 3,
        "serves": True, "connections": 1}],
    "listeners": [{"protocol": "imap", "address": "127.0.0.1:1143", "tls": "starttls"}]}
answers = {"status": status, "reload": ["certificates read again"], "admin": None,
    "sessions": [session],
    "dump": "0.000 S: * OK\\n0.100 C: a LOGOUT", "end": 2}
handlers = {name: handler(name, answer) for name, answer in answers.items()}
reactor.listenUNIX(str(data.control_socket), ControlFactory(reactor, handlers), mode=0o600)
print("ready", flush=True)
reactor.run()
"""


@pytest.fixture
def server(data: DataDir) -> Iterator[Server]:
    """Call it with a command for the next such request that the server has taken."""
    command = [sys.executable, "-c", SERVER, str(data.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        output = process.stdout
        assert output.readline() == b"ready\n"

        def request(command: str) -> dict[str, Any]:
            while True:
                taken: dict[str, Any] = json.loads(output.readline())
                if taken["command"] == command:
                    return taken

        yield request
        process.kill()
