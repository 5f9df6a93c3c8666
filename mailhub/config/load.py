"""Reading a configuration: a TOML file to a :class:`~mailhub.config.options.Config`.

``load`` either returns a configuration that can work or raises ConfigError with every mistake:
unknown options, wrong types, values out of range, files that are not there.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from mailhub.config.convert import Converter, Report
from mailhub.config.directories import check_directories
from mailhub.config.files import check_files
from mailhub.config.lines import lines_of
from mailhub.config.options import AuthConfig, Config, DirectoryConfig, Listener
from mailhub.config.problems import ConfigError, Problem
from mailhub.config.rules import check_rules

SYSTEM_FILE = Path("/etc/mailhub/mailhub.toml")
EMBEDDED_DOMAIN = "example.org"
_EMBEDDED_LISTENERS = (
    ("imap", 1143, "starttls"),
    ("imap", 1993, "implicit"),
    ("pop3", 1110, "starttls"),
    ("pop3", 1995, "implicit"),
    ("lmtp", 1024, "none"),
    ("metrics", 1080, "none"),
)


def load(path: Path) -> Config:
    """The configuration in the file *path*.  Raises ConfigError.

    Relative paths in it are taken from the file's folder.
    """
    return parse(_text(path), path)


def load_directories(path: Path) -> tuple[DirectoryConfig, ...]:
    """Only the ``[[directory]]`` sections of the file *path*.  Raises ConfigError."""
    text = _text(path)
    sections = {"directory": _table(text, path).get("directory", [])}
    return _configuration(sections, path, lines_of(text), check_directories).directories


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise ConfigError([Problem("", _reason(error), file=path)]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([Problem("", f"is not UTF-8: {error.reason}", file=path)]) from error


def parse(text: str, path: Path) -> Config:
    """The configuration that *text*, read from *path*, says.  Raises ConfigError."""
    return _configuration(_table(text, path), path, lines_of(text), check_rules, check_files)


def _table(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([Problem("", f"is not TOML: {error}", file=path)]) from error


def embedded_config(data_dir: Path = Path("var"), port_offset: int = 0) -> Config:
    """What ``twist mailhub`` serves without a file: loopback, high ports, example accounts."""
    return Config(
        data_dir=data_dir.absolute(),
        embedded=True,
        workers=1,
        listeners=tuple(
            Listener(protocol, f"127.0.0.1:{port + port_offset}", tls)  # type: ignore[arg-type]
            for protocol, port, tls in _EMBEDDED_LISTENERS
        ),
        auth=AuthConfig(plaintext="loopback", default_domain=EMBEDDED_DOMAIN),
    )


def _configuration(
    table: dict[str, Any],
    path: Path,
    lines: dict[str, int],
    *checks: Callable[[Config, Report], None],
) -> Config:
    problems: dict[str, Problem] = {}

    def report(key: str, text: str, hint: str) -> None:
        line, above = lines.get(key), key
        while line is None and above:
            above = above.rpartition(".")[0]
            line = lines.get(above)
        problems.setdefault(key, Problem(key, text, hint, path, line))  # the first explains most

    base = path.absolute().parent
    config = Converter(report, base).table(Config, table)
    config = replace(config, data_dir=base / config.data_dir)
    without_preset = {key.removesuffix("preset") for key in problems if key.endswith(".preset")}

    def report_unless_preset(key: str, text: str, hint: str) -> None:
        """What a preset would have said is not missing when it was only misspelt."""
        if not any(key.startswith(section) for section in without_preset):
            report(key, text, hint)

    for check in checks:
        check(config, report_unless_preset)
    if problems:
        raise ConfigError(sorted(problems.values(), key=lambda p: (p.line or 0, p.key)))
    return config


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
