"""Finding the data directory, failing in one line, and being the right user."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import pytest
from click.testing import CliRunner

from mailhub import __version__
from mailhub.cli import NOUNS, cli, context
from mailhub.store.hub import domains
from mailhub.store.hub.database import HubFile
from tests.cli.conftest import Commands


def program(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The console script in a process of its own."""
    command = [sys.executable, "-c", "from mailhub.cli import main; main()", *words]
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment)


@pytest.fixture(autouse=True)
def no_system_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(context, "SYSTEM_FILE", tmp_path / "no-such-file.toml")
    monkeypatch.delenv("MAILHUB_CONFIG", raising=False)


def test_a_directory_that_does_not_exist_is_not_made_by_looking(fresh: Commands) -> None:
    answer = fresh("account", "list")
    assert answer.code == 1
    assert answer.err == (
        f"mailhub: There is no mailhub data directory at {fresh.path}"
        " (the first start of the server makes one, or mailhub domain add)\n"
    )
    assert not fresh.path.exists()


def test_the_data_directory_is_that_of_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "mailhub.toml"
    file.write_text(
        'data_dir = "mail"\n[[listener]]\nprotocol = "lmtp"\naddress = "127.0.0.1:1024"\n'
    )
    words = ["domain", "add", "example.org", "--config", str(file)]
    assert CliRunner().invoke(cli, words).exit_code == 0
    assert (tmp_path / "mail" / "hub.db").exists()
    result = CliRunner().invoke(cli, ["domain", "list"], env={"MAILHUB_CONFIG": str(file)})
    assert "example.org" in result.stdout


def test_where_the_data_is_may_be_said_before_the_noun(tmp_path: Path) -> None:
    here, there = str(tmp_path / "here"), str(tmp_path / "there")
    for words in (
        ["--data-dir", here, "domain", "add", "before.example"],
        ["--data-dir", here, "domain", "add", "behind.example", "--data-dir", there],
    ):
        assert CliRunner().invoke(cli, words).exit_code == 0
    for path, domain in ((here, "before.example"), (there, "behind.example")):
        result = CliRunner().invoke(cli, ["domain", "list", "--json", "--data-dir", path])
        assert [row["domain"] for row in json.loads(result.stdout)] == [domain]
    file = tmp_path / "mailhub.toml"
    file.write_text("nonsense = 1\n")
    words = ["--config", str(file), "domain", "list"]
    result = CliRunner().invoke(cli, words, env={"MAILHUB_CONFIG": str(tmp_path / "other")})
    assert "nonsense" in result.stderr


def test_without_options_it_is_that_of_the_embedded_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(cli, ["domain", "add", "example.org"]).exit_code == 0
    assert (tmp_path / "var" / "hub.db").exists()


def test_a_configuration_with_mistakes_is_told(tmp_path: Path) -> None:
    file = tmp_path / "mailhub.toml"
    file.write_text("nonsense = 1\n")
    result = CliRunner().invoke(cli, ["domain", "list", "--config", str(file)])
    assert result.exit_code == 1
    assert "nonsense" in result.stderr


def test_a_locked_hub_is_temporary(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "BUSY_TIMEOUT_MS", 0)
    other = HubFile.open(commands.path / "hub.db")
    with other.write() as tx:
        domains.add(tx, "example.net", 1)
        answer = commands("domain", "add", "example.com")
    other.close()
    assert answer.code == 75
    assert "locked" in answer.err


def test_a_damaged_hub_is_told(commands: Commands) -> None:
    (commands.path / "hub.db").write_bytes(b"nonsense" * 1000)
    answer = commands("domain", "list")
    assert (answer.code, answer.err.count("\n")) == (1, 1)
    assert "damaged" in answer.err


BECOME = """
import sys
from pathlib import Path
from mailhub.cli.context import become_owner
become_owner(Path(sys.argv[1]))
Path(sys.argv[1], "made").touch()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_becomes_the_owner_of_the_data_directory() -> None:
    somebody = 12345
    with TemporaryDirectory() as folder:
        os.chown(folder, somebody, somebody)
        subprocess.run([sys.executable, "-c", BECOME, folder], check=True)
        made = Path(folder, "made").stat()
    assert (made.st_uid, made.st_gid) == (somebody, somebody)


def test_the_program_tells_its_version() -> None:
    done = program("--version")
    assert (done.returncode, done.stdout) == (0, f"mailhub {__version__}\n")


def test_wrong_usage_is_told_with_exit_code_2() -> None:
    done = program("account", "fly")
    assert done.returncode == 2
    assert "No such command" in done.stderr


def test_a_noun_does_not_import_what_only_others_need() -> None:
    loaded = "import sys, mailhub.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True)
    assert not {"ldap3", "argon2", "rich", "twisted"} & set(done.stdout.split())


def test_the_program_does_its_work_in_a_process_of_its_own(tmp_path: Path) -> None:
    assert program("domain", "add", "example.org", cwd=tmp_path).returncode == 0
    done = program("account", "add", "a@example.org", "--no-password", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "Account a@example.org added\n")


def test_every_command_takes_the_common_options_and_explains_itself() -> None:
    for noun in NOUNS:
        group = cli.get_command(click.Context(cli), noun)
        assert group is not None
        commands = getattr(group, "commands", {"": group})
        for command in commands.values():
            names = {option for p in command.params for option in p.opts}
            # bench measures servers from outside: it opens no data directory.
            common = {"--json"} if noun == "bench" else {"--json", "--config", "--data-dir"}
            assert common <= names, command.name
            assert command.help, command.name
