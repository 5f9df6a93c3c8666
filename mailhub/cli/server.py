"""``mailhub server``: the running server itself."""

from __future__ import annotations

import click

from mailhub.cli.context import Cli, options
from mailhub.cli.control import ask

COLUMNS = ("protocol", "address", "tls")
WORKER_COLUMNS = ("number", "pid", "started", "restarts", "serves", "connections")


@click.group("server")
def group() -> None:
    """The running server itself (started with: twist mailhub)."""


@group.command()
@options
def status(cli: Cli) -> None:
    """Show whether the server runs, since when, its workers, and where it listens.

    Exit code 1 when it does not.
    """
    told = ask(cli.data, "status")
    if cli.out.as_json:
        cli.out.json(told)
        return
    tables = {"workers": WORKER_COLUMNS, "listeners": COLUMNS}
    cli.out.record({key: value for key, value in told.items() if key not in tables})
    for name, columns in tables.items():
        cli.out.lines([""])
        cli.out.rows(told[name], columns)


@group.command()
@options
def reload(cli: Cli) -> None:
    """Read configuration and certificates again, as SIGHUP does; drops no connection."""
    told = ask(cli.data, "reload")
    cli.done("\n".join(told), {"reloaded": told})
