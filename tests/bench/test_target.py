"""The description of a server that is measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailhub.bench.results import about
from mailhub.bench.steps import BenchError
from mailhub.bench.target import read_target

GOOD = 'user = "bench{n}@example.org"\naccounts = 3\npassword = "secret"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("user =", "Invalid"),
        ("", "user is needed"),
        (GOOD + "colour = 1", "unknown option colour"),
        (GOOD + 'imap = "143"', "imap must be int"),
        (GOOD + "pid = true", "pid must be int"),
        (GOOD + 'tls = "ssl"', "tls must be one of none, starttls, implicit"),
        ('user = "bench"\naccounts = 2', "user needs {n}"),
        ('user = "bench"\naccounts = 0', "accounts must be at least 1"),
    ],
)
def test_a_file_with_a_mistake_is_refused_and_says_which(
    tmp_path: Path, text: str, told: str
) -> None:
    path = tmp_path / "server.toml"
    path.write_text(text)
    with pytest.raises(BenchError, match=told):
        read_target(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"gone\.toml: No such file"):
        read_target(tmp_path / "gone.toml")


def test_what_is_not_said_is_derived(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.toml"
    path.write_text(GOOD + 'tls = "implicit"')
    target = read_target(path)
    assert (target.name, target.imap, target.pop3, target.lmtp) == ("elsewhere", 993, 995, 0)
    assert [target.login(n) for n in (0, 2, 3)] == [
        "bench1@example.org",
        "bench3@example.org",
        "bench1@example.org",
    ]
    assert target.endpoint("lmtp").tls == "none"
    assert "secret" not in repr(about(target))
