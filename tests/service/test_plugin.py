"""The command line of twist mailhub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.application.service import IServiceMaker
from twisted.logger import LogLevel
from twisted.plugin import getPlugins
from twisted.python.usage import UsageError

from mailhub.config.options import LogConfig
from mailhub.service.plugin import Options, leave, log_through


def parsed(*arguments: str) -> Options:
    options = Options()  # type: ignore[no-untyped-call]
    options.parseOptions(list(arguments))  # type: ignore[no-untyped-call]
    return options


@pytest.mark.parametrize(
    "arguments",
    [
        ("--config", "a.toml", "--data-dir", "b"),
        ("--config", "a.toml", "--port-offset", "5"),
        ("--port-offset", "-1"),
        ("--port-offset", "60001"),
        ("--port-offset", "many"),
        ("--nonsense",),
        ("stray",),
    ],
)
def test_options_that_make_no_sense_are_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        parsed(*arguments)


def test_without_options_the_example_is_served_from_var(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = parsed().read_config()
    assert config.embedded
    assert config.data_dir == tmp_path / "var"


def test_a_file_is_found_again_after_the_folder_was_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mailhub.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    assert parsed("--config", "mailhub.toml").read_config().data_dir == tmp_path / "var"


def test_twist_knows_the_plugin() -> None:
    makers = {maker.tapname: maker for maker in getPlugins(IServiceMaker)}
    assert makers["mailhub"].options is Options


def test_every_line_that_is_said_at_the_end_has_the_programs_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        leave("one\ntwo", 78)
    assert ended.value.code == 78
    assert capsys.readouterr().err == "mailhub: one\nmailhub: two\n"


def entries(folder: Path, level: Any, *given: dict[str, Any]) -> str:
    """What a log file holds after twist's observer was given some entries."""
    twist: dict[str, Any] = {}
    log_through(twist, LogConfig(file=folder / "log", level=level))
    observer = twist["fileLogObserverFactory"](None)
    for entry in given:
        observer(entry)
    return (folder / "log").read_text()


CHATTER = {"log_level": LogLevel.info, "log_format": "Starting reactor...", "log_time": 0.0}
TROUBLE = {"log_level": LogLevel.critical, "log_format": "Unhandled error", "log_time": 0.0}
EVENT = {
    "log_level": LogLevel.info,
    "log_format": "mailhub stops",
    "log_time": 0.0,
    "event": "server.stopping",
}


def test_what_twisted_says_about_itself_is_left_out(tmp_path: Path) -> None:
    text = entries(tmp_path, "info", CHATTER, EVENT, TROUBLE)
    assert "Starting reactor" not in text
    assert "server.stopping" in text
    assert "Unhandled error" in text


def test_at_level_debug_everything_is_written(tmp_path: Path) -> None:
    assert "Starting reactor" in entries(tmp_path, "debug", CHATTER)


def test_a_log_file_that_cannot_be_written_ends_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        log_through({}, LogConfig(file=tmp_path / "none" / "log"))
    assert "none/log: No such file or directory" in capsys.readouterr().err


def test_the_log_file_can_be_opened_again(tmp_path: Path) -> None:
    reopen = log_through({}, LogConfig(file=tmp_path / "log"))
    (tmp_path / "log").rename(tmp_path / "log.1")
    reopen()
    assert (tmp_path / "log").exists()
