"""``mailhub domain``: the domains that mail is taken for."""

from __future__ import annotations

import click

from mailhub.cli.context import Cli, options
from mailhub.cli.control import end_sessions
from mailhub.cli.output import Row
from mailhub.store.hub import accounts, domains
from mailhub.store.hub.addresses import display_domain
from mailhub.store.hub.domains import Domain

COLUMNS = ("domain", "enabled", "accounts", "aliases", "catch_all")


def row(domain: Domain) -> Row:
    return {
        "domain": domain.name,
        "unicode": display_domain(domain.name),
        "enabled": domain.enabled,
        "catch_all": domain.catch_all,
        "accounts": domain.accounts,
        "aliases": domain.aliases,
        "created": domain.created,
    }


@click.group("domain")
def group() -> None:
    """The domains that mail is taken for."""


@group.command()
@click.argument("name")
@options
def add(cli: Cli, name: str) -> None:
    """Take mail for a domain; sets up the data directory if there is none."""
    cli.new_data.prepare()
    with cli.hub.write() as tx:
        domain = domains.add(tx, name, cli.now())
    cli.done(f"Domain {domain.name} added", row(domain))


@group.command("list")
@options
def list_(cli: Cli) -> None:
    """Show all domains."""
    with cli.hub.read() as tx:
        found = domains.all_domains(tx)
    cli.out.rows([row(domain) for domain in found], COLUMNS)


@group.command()
@click.argument("name")
@options
def show(cli: Cli, name: str) -> None:
    """Show one domain."""
    with cli.hub.read() as tx:
        domain = domains.get(tx, name)
    cli.out.record(row(domain))


@group.command()
@click.argument("old")
@click.argument("new")
@options
def rename(cli: Cli, old: str, new: str) -> None:
    """Give a domain, and every address in it, another name.

    Mail and passwords stay.  People log in with the new address from now on.
    """
    with cli.hub.write() as tx:
        domain = domains.rename(tx, old, new)
        renamed = accounts.all_accounts(tx, domain.name)
    for account in renamed:
        cli.bell.ring(account.number)
    cli.done(f"Domain {old} is now {domain.name}", row(domain))


@group.command()
@click.argument("name")
@options
def disable(cli: Cli, name: str) -> None:
    """Let nobody of a domain log in or get mail; nothing is deleted."""
    with cli.hub.write() as tx:
        domain = domains.set_enabled(tx, name, False)
        affected = accounts.all_accounts(tx, domain.name)
    for account in affected:
        cli.bell.ring(account.number)
        end_sessions(cli.data, account.id)
    cli.done(f"Domain {domain.name} disabled", row(domain))


@group.command()
@click.argument("name")
@options
def enable(cli: Cli, name: str) -> None:
    """Undo disable."""
    with cli.hub.write() as tx:
        domain = domains.set_enabled(tx, name, True)
    cli.done(f"Domain {domain.name} enabled", row(domain))


@group.command("catch-all")
@click.argument("name")
@click.argument("account", required=False)
@click.option("--none", "nobody", is_flag=True, help="Refuse mail for unknown addresses.")
@options
def catch_all(cli: Cli, name: str, account: str | None, nobody: bool) -> None:
    """Say which ACCOUNT gets mail for unknown addresses of a domain."""
    if (account is None) != nobody:
        raise click.UsageError("Give either an ACCOUNT or --none.")
    with cli.hub.write() as tx:
        target = None if account is None else accounts.find(tx, account).id
        domain = domains.set_catch_all(tx, name, target)
    cli.done(f"Unknown addresses of {domain.name}: {domain.catch_all or 'refused'}", row(domain))


@group.command()
@click.argument("name")
@options
def delete(cli: Cli, name: str) -> None:
    """Delete a domain that has no accounts and no aliases any more."""
    with cli.hub.write() as tx:
        domain = domains.get(tx, name)
        domains.delete(tx, name)
    cli.done(f"Domain {domain.name} deleted", row(domain))
