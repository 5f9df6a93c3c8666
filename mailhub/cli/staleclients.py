"""``mailhub stale-clients``: which devices nobody has told of a new password."""

from __future__ import annotations

from contextlib import closing

import click

from mailhub.cli.context import Cli, options
from mailhub.store.hub.staleclients import StaleClient, StaleClients

COLUMNS = ("user", "address", "protocol", "mechanism", "since", "last_activity", "attempts", "what")


@click.command("stale-clients")
@click.argument("user", required=False)
@click.option("--all", "everything", is_flag=True, help="Also those that have logged in since.")
@options
def group(cli: Cli, user: str | None, everything: bool) -> None:
    """Which clients keep presenting an old or wrong password (of USER)."""
    with closing(StaleClients(cli.data)) as clients:
        found = [
            client
            for client in clients.all()
            if (everything or client.ended is None) and (user is None or _is(client, user))
        ]
    if cli.out.as_json:
        cli.out.json([_row(client) for client in found])
    elif found:
        cli.out.rows([_row(client) for client in found], COLUMNS)
    else:
        cli.out.note("No client keeps presenting a password that does not work")


def _is(client: StaleClient, user: str) -> bool:
    """Whether it is the name that the client gives, with or without its domain."""
    given, wanted = client.user.casefold(), user.casefold()
    if "@" in given and "@" in wanted:
        return given == wanted
    return given.partition("@")[0] == wanted.partition("@")[0]


def _row(client: StaleClient) -> dict[str, object]:
    return {
        "user": client.user,
        "address": client.address,
        "protocol": client.protocol,
        "mechanism": client.mechanism,
        "since": client.first,
        "last_activity": client.last,
        "attempts": client.count,
        "what": _what(client),
        "worked": client.worked,
        "logged_in": client.ended,
    }


def _what(client: StaleClient) -> str:
    if client.ended is not None:
        return "has logged in since"
    if client.mechanism.startswith("SCRAM-"):
        return "a wrong password"
    return "the same wrong password" if client.worked is None else "an old password"
