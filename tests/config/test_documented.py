"""options.py, etc/mailhub.toml and docs/configuration.rst agree."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailhub.config.check import advise, describe
from mailhub.config.convert import is_array, options_of
from mailhub.config.lines import lines_of
from mailhub.config.load import load
from mailhub.config.options import Config

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "etc" / "mailhub.toml"
REFERENCE = ROOT / "docs" / "configuration.rst"


def options(cls: type[Any] = Config, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Every option's full name and default; sections and lists of sections are walked into."""
    for key, (field, hint) in options_of(cls).items():
        if is_array(hint):
            yield from options(hint.__args__[0], f"{prefix}{key}.")
        elif dataclasses.is_dataclass(hint):
            yield from options(hint, f"{prefix}{key}.")  # type: ignore[arg-type]
        else:
            yield f"{prefix}{key}", field.default


def toml(default: object) -> str:
    """A default as the documentation writes it; nothing for what must be given."""
    if default is dataclasses.MISSING or default is None:
        return ""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, str | Path):
        return f'"{default}"'
    if isinstance(default, tuple):
        return "[" + ", ".join(map(toml, default)) + "]"
    return str(default)


def sample() -> str:
    """etc/mailhub.toml with the options that are commented out."""
    return re.sub(r"^# (?=\w+ = |\[)", "", SAMPLE.read_text(), flags=re.MULTILINE)


def test_the_sample_is_a_valid_file_with_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "mailhub.toml"
    path.write_bytes(SAMPLE.read_bytes())
    config = load(path)
    assert config.listeners
    plain = dataclasses.replace(config, listeners=(), data_dir=Path("var"))
    assert plain == Config()


def test_the_sample_describes_itself_without_warnings() -> None:
    config = load(SAMPLE)
    assert len(describe(config)) > len(config.listeners)
    assert [line for line in advise(config) if "CAP_NET_BIND_SERVICE" not in line] == []


@pytest.mark.parametrize(("name", "default"), list(options()))
def test_the_sample_shows_every_option_with_its_default(name: str, default: object) -> None:
    section, _, key = name.rpartition(".")
    text = sample()
    entries = [
        text.splitlines()[line - 1]
        for option, line in lines_of(text).items()
        if re.sub(r"\[\d+\]", "", option) == (f"{section}.{key}" if section else key)
    ]
    assert entries, f"etc/mailhub.toml does not show {name}"
    if default is not dataclasses.MISSING and default is not None:
        assert f"{key} = {toml(default)}" in entries


@pytest.mark.parametrize(("name", "default"), list(options()))
def test_the_reference_describes_every_option_with_its_default(name: str, default: object) -> None:
    entry = re.search(
        rf"^\.\. option:: {re.escape(name)}\n\n((?:   .*\n|\n)+)",
        REFERENCE.read_text(),
        re.MULTILINE,
    )
    assert entry, f"docs/configuration.rst does not describe {name}"
    expected = toml(default)
    if expected:
        assert f"Default: ``{expected}``" in entry[1]


def test_the_reference_describes_nothing_else() -> None:
    described = set(re.findall(r"^\.\. option:: (\S+)$", REFERENCE.read_text(), re.MULTILINE))
    assert described == {name for name, _ in options()}
