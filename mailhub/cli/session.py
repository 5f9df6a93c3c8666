"""``mailhub session``: who is connected to the running server."""

from __future__ import annotations

from pathlib import Path

import click

from mailhub.cli.context import Cli, options
from mailhub.cli.control import ask
from mailhub.store.hub import accounts

COLUMNS = ("id", "protocol", "account", "address", "tls", "seconds", "idle")


@click.group("session")
def group() -> None:
    """Who is connected to the running server."""


@group.command("list")
@options
def list_(cli: Cli) -> None:
    """Show the live sessions."""
    found = ask(cli.data, "sessions")
    cli.out.rows([dict.fromkeys(COLUMNS) | session for session in found], COLUMNS)


@group.command()
@click.argument("session_id", metavar="ID")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to a file.")
@options
def dump(cli: Cli, session_id: str, output: Path | None) -> None:
    """Print the last KBs of a session's dialogue, secrets and mail left out."""
    text = str(ask(cli.data, "dump", id=session_id))
    if output is not None:
        output.write_text(text, "utf-8")
        cli.out.done(f"Written to {output}", {"id": session_id, "file": str(output)})
    elif cli.out.as_json:
        cli.out.json({"id": session_id, "text": text})
    else:
        cli.out.lines(text.splitlines())


@group.command()
@click.argument("who", metavar="ID|ACCOUNT")
@options
def end(cli: Cli, who: str) -> None:
    """End one session, or all of an account."""
    if "@" in who:
        with cli.hub.read() as tx:
            account = accounts.find(tx, who)
        ended = ask(cli.data, "end", account=account.id)
    else:
        ended = ask(cli.data, "end", id=who)
    cli.done(f"Sessions ended: {ended}", {"ended": ended})
