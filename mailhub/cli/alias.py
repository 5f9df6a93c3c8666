"""``mailhub alias``: further addresses of an account."""

from __future__ import annotations

import click

from mailhub.cli.context import Cli, options
from mailhub.cli.output import Row
from mailhub.store.hub import accounts, aliases
from mailhub.store.hub.addresses import canonical_domain
from mailhub.store.hub.aliases import Alias

COLUMNS = ("alias", "account", "enabled")


def row(alias: Alias) -> Row:
    return {
        "alias": alias.address,
        "account": alias.target,
        "account_id": alias.account,
        "enabled": alias.enabled,
        "created": alias.created,
    }


@click.group("alias")
def group() -> None:
    """Further addresses of an account, for getting mail (not for logging in)."""


@group.command()
@click.argument("address")
@click.argument("account")
@options
def add(cli: Cli, address: str, account: str) -> None:
    """Let mail for ADDRESS go to ACCOUNT."""
    with cli.hub.write() as tx:
        alias = aliases.add(tx, address, accounts.find(tx, account).id, cli.now())
    cli.done(f"Alias {alias.address} added for {alias.target}", row(alias))


@group.command("list")
@click.option("--domain", help="Only addresses of this domain.")
@click.option("--account", help="Only aliases of this account.")
@options
def list_(cli: Cli, domain: str | None, account: str | None) -> None:
    """Show aliases."""
    with cli.hub.read() as tx:
        found = aliases.all_aliases(
            tx,
            canonical_domain(domain) if domain else None,
            accounts.find(tx, account).id if account else None,
        )
    cli.out.rows([row(alias) for alias in found], COLUMNS)


@group.command()
@click.argument("address")
@options
def show(cli: Cli, address: str) -> None:
    """Show one alias."""
    with cli.hub.read() as tx:
        alias = aliases.get(tx, address)
    cli.out.record(row(alias))


@group.command()
@click.argument("old")
@click.argument("new")
@options
def rename(cli: Cli, old: str, new: str) -> None:
    """Change the address of an alias."""
    with cli.hub.write() as tx:
        alias = aliases.rename(tx, old, new, cli.now())
    cli.done(f"Alias {old} is now {alias.address}", row(alias))


@group.command()
@click.argument("address")
@options
def disable(cli: Cli, address: str) -> None:
    """Refuse mail for an alias, and keep its address from others."""
    _set_enabled(cli, address, False)


@group.command()
@click.argument("address")
@options
def enable(cli: Cli, address: str) -> None:
    """Undo disable."""
    _set_enabled(cli, address, True)


@group.command()
@click.argument("address")
@options
def delete(cli: Cli, address: str) -> None:
    """Delete an alias; mail that came through it stays."""
    with cli.hub.write() as tx:
        alias = aliases.delete(tx, address)
    cli.done(f"Alias {alias.address} deleted", row(alias))


def _set_enabled(cli: Cli, address: str, enabled: bool) -> None:
    with cli.hub.write() as tx:
        alias = aliases.set_enabled(tx, address, enabled)
    word = "enabled" if enabled else "disabled"
    cli.done(f"Alias {alias.address} {word}", row(alias))
