"""``mailhub check``: what is wrong with a configuration, before a server runs with it."""

from __future__ import annotations

from pathlib import Path

import click

from mailhub.cli.context import EX_REFUSED, Cli, Failed, options
from mailhub.cli.output import counted
from mailhub.config.check import advise, describe
from mailhub.config.load import load
from mailhub.config.problems import ConfigError, Problem


@click.command("check")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@options
def group(cli: Cli, file: Path | None) -> None:
    """Tell every mistake in a configuration FILE, or what a server would do with it."""
    try:
        config = cli.config if file is None else load(file)
    except ConfigError as error:
        if cli.out.as_json:
            cli.out.json({"ok": False, "problems": [_row(problem) for problem in error.problems]})
        else:
            cli.out.lines(str(problem) for problem in error.problems)
        found = f"{counted(len(error.problems), 'problem')} found"
        raise Failed(found, EX_REFUSED, as_json=cli.out.as_json) from error
    advice, plan = advise(config), describe(config)
    if cli.out.as_json:
        cli.out.json({"ok": True, "warnings": advice, "plan": plan})
        return
    cli.out.lines(f"warning: {line}" for line in advice)
    cli.out.lines(plan)


def _row(problem: Problem) -> dict[str, object]:
    return {
        "file": str(problem.file) if problem.file else None,
        "line": problem.line,
        "key": problem.key,
        "text": problem.text,
        "hint": problem.hint,
    }
