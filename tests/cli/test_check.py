from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from mailhub.cli import cli


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mailhub.toml"


def test_every_mistake_is_told_at_once(file: Path) -> None:
    file.write_text('data_dirr = "x"\n[imap]\nmax_line = "long"\n')
    result = CliRunner().invoke(cli, ["check", str(file)])
    assert result.exit_code == 1
    assert "data_dirr" in result.stdout
    assert "imap.max_line" in result.stdout
    assert result.stderr == "mailhub: 2 problems found\n"
    result = CliRunner().invoke(cli, ["check", str(file), "--json"])
    problems = json.loads(result.stdout)["problems"]
    assert [problem["key"] for problem in problems] == ["data_dirr", "imap.max_line"]


def test_a_missing_file_is_a_mistake(file: Path) -> None:
    result = CliRunner().invoke(cli, ["check", str(file)])
    assert result.exit_code == 1
    assert "no such file" in result.stdout


def test_a_good_file_says_what_a_server_would_do(file: Path) -> None:
    file.write_text(
        'data_dir = "mail"\n[[listener]]\nprotocol = "lmtp"\naddress = "127.0.0.1:1024"\n'
    )
    result = CliRunner().invoke(cli, ["check", str(file)])
    assert (result.exit_code, result.stderr) == (0, "")
    assert str(file.parent / "mail") in result.stdout
    result = CliRunner().invoke(cli, ["check", "--json", "--config", str(file)])
    answer = json.loads(result.stdout)
    assert answer["ok"]
    assert answer["plan"]
