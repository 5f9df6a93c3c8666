"""What the documentation says to type exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from mailhub.cli import NOUNS, cli

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.rst", *sorted((ROOT / "docs").glob("*.rst"))]
MAX_CONTRIBUTING_LINES = 100


def commands(page: Path) -> Iterator[list[str]]:
    """Every command line of ours: in literal blocks, and between double backquotes."""
    text = page.read_text()
    for typed in re.findall(r"(?:^    |``|[|$] )mailhub ([a-z][^`\n]*)", text, re.MULTILINE):
        if not typed.startswith("is ready"):
            yield typed.split()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_the_documentation_exists(page: Path) -> None:
    for words in commands(page):
        command: click.Command | None = cli
        context = click.Context(cli)
        for word in words:
            if not isinstance(command, click.Group):
                break
            command = command.get_command(context, word.lower())  # explain ID is explain id ID
        assert command is not None, " ".join(words)
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, " ".join(words)


def test_the_documentation_shows_the_main_commands() -> None:
    shown = {words[0] for page in PAGES for words in commands(page)}
    assert shown >= set(NOUNS)


def test_contributing_can_be_read_in_one_sitting() -> None:
    own = (ROOT / "docs" / "contributing.rst").read_text().count("\n")
    assert own < MAX_CONTRIBUTING_LINES


def test_readme_is_one_screen_or_two_at_most() -> None:
    assert (ROOT / "README.rst").read_text().count("\n") < 90


def test_make_has_the_targets_that_are_named() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = {
        target
        for page in PAGES
        for target in re.findall(r"(?:^    |``)make ([a-z-]+)", page.read_text(), re.MULTILINE)
    }
    assert {"run", "test", "check"} <= named
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
