"""The command line: ``mailhub NOUN VERB``.

One module per noun, each with a click command or group named ``group`` and a docstring that says
what it is for; this list is all there is to register.  A noun's module is imported when somebody
uses it: ``mailhub deliver`` runs for every message and must not pay for the others.  Exit codes:
0 done, 1 refused or problems found, 2 wrong usage, 75 temporarily impossible.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import click

from mailhub import __version__

NOUNS = (
    "domain",
    "account",
    "alias",
    "passwd",
    "app-password",
    "mailbox",
    "session",
    "server",
    "check",
    "explain",
    "directory",
    "policy",
    "quota",
    "stale-clients",
    "deliver",
    "doctor",
    "report",
    "bench",
)


class Nouns(click.Group):
    """The commands of the modules that NOUNS names; a hyphen is left out of a module's name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(NOUNS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in NOUNS:
            return None
        module = import_module(f"{__name__}.{cmd_name.replace('-', '')}")
        group: click.Command = module.group
        return group


@click.group(cls=Nouns, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mailhub", message="%(prog)s %(version)s")
@click.option("--config", type=click.Path(path_type=Path), envvar="MAILHUB_CONFIG", hidden=True)
@click.option("--data-dir", type=click.Path(path_type=Path), hidden=True)
def cli(config: Path | None, data_dir: Path | None) -> None:
    """Look after a mailhub server: works while the server runs.

    The server itself is started with: twist mailhub
    """
    # Both are options of every command, which looks here when they stand before its noun.


def main() -> None:
    """The ``mailhub`` console script."""
    cli(prog_name="mailhub")
