"""``mailhub account``: the accounts of people."""

from __future__ import annotations

import click

from mailhub.cli.context import Cli, Failed, options
from mailhub.cli.control import end_sessions
from mailhub.cli.output import Row, counted
from mailhub.cli.passwords import choose, verifiers_of
from mailhub.cli.store import immediate, open_store
from mailhub.store.hub import accounts, aliases
from mailhub.store.hub.accounts import Account
from mailhub.store.hub.addresses import canonical_domain
from mailhub.store.hub.removal import remove_files
from mailhub.store.hub.standard import create_standard_folders

COLUMNS = ("address", "name", "enabled", "messages", "octets", "last_login")


def row(account: Account) -> dict[str, object]:
    return {
        "address": account.address,
        "id": account.id,
        "name": account.display_name,
        "enabled": account.enabled,
        "domain_enabled": account.domain_enabled,
        "messages": account.usage.messages,
        "octets": account.usage.octets,
        "created": account.created,
        "last_login": account.last_login,
    }


@click.group("account")
def group() -> None:
    """The accounts of people.  ACCOUNT is an address, or the id that show prints."""


@group.command()
@click.argument("address")
@click.option("--name", default="", help="The person's name.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--generate", is_flag=True, help="Make a password and print it.")
@click.option("--no-password", is_flag=True, help="Nobody can log in until passwd is used.")
@options
def add(
    cli: Cli, address: str, name: str, password_stdin: bool, generate: bool, no_password: bool
) -> None:
    """Add an account with its standard folders; asks for a password."""
    if password_stdin + generate + no_password > 1:
        raise click.UsageError("Use one of --password-stdin, --generate and --no-password.")
    password = "" if no_password else choose(from_stdin=password_stdin, generate=generate)
    verifiers = verifiers_of(password) if password else ()
    with cli.hub.write() as tx:
        account = accounts.add(tx, address, cli.now(), display_name=name, verifiers=verifiers)
        accounts.set_enabled(tx, account.id, False)
    # Nobody gets in, and no mail, before the folders are there.
    store = open_store(cli)
    immediate(create_standard_folders(immediate(store.account(account.id))))
    with cli.hub.write() as tx:
        account = accounts.set_enabled(tx, account.id, True)
    cli.bell.ring(account.number)
    made = password if generate else ""
    cli.done(f"Account {account.address} added", row(account), password=made)


@group.command("list")
@click.option("--domain", help="Only accounts of this domain.")
@options
def list_(cli: Cli, domain: str | None) -> None:
    """Show accounts."""
    with cli.hub.read() as tx:
        found = accounts.all_accounts(tx, canonical_domain(domain) if domain else None)
    cli.out.rows([row(account) for account in found], COLUMNS)


@group.command()
@click.argument("account")
@options
def show(cli: Cli, account: str) -> None:
    """Show one account."""
    with cli.hub.read() as tx:
        found = accounts.find(tx, account)
        names = [alias.address for alias in aliases.all_aliases(tx, account=found.id)]
    file = {"aliases": names, "file": str(cli.data.account_file(found.id))}
    cli.out.record(row(found) | file)


@group.command()
@click.argument("account")
@click.argument("address")
@click.option("--keep-alias", is_flag=True, help="Let the old address remain as an alias.")
@options
def rename(cli: Cli, account: str, address: str, keep_alias: bool) -> None:
    """Give ACCOUNT another ADDRESS; mail and password stay."""
    with cli.hub.write() as tx:
        present = accounts.find(tx, account)
        renamed = accounts.rename(tx, present.id, address, cli.now(), keep_alias=keep_alias)
    cli.bell.ring(renamed.number)
    cli.done(f"Account {present.address} is now {renamed.address}", row(renamed))


@group.command("name")
@click.argument("account")
@click.argument("name")
@options
def set_name(cli: Cli, account: str, name: str) -> None:
    """Set the person's name."""
    with cli.hub.write() as tx:
        found = accounts.set_display_name(tx, accounts.find(tx, account).id, name)
    cli.done(f"Account {found.address} is {found.display_name}'s", row(found))


@group.command()
@click.argument("account")
@options
def disable(cli: Cli, account: str) -> None:
    """Let an account not log in and not get mail; ends its sessions, deletes nothing."""
    with cli.hub.write() as tx:
        found = accounts.set_enabled(tx, accounts.find(tx, account).id, False)
    cli.bell.ring(found.number)
    end_sessions(cli.data, found.id)
    cli.done(f"Account {found.address} disabled", row(found))


@group.command()
@click.argument("account")
@options
def enable(cli: Cli, account: str) -> None:
    """Undo disable."""
    with cli.hub.write() as tx:
        found = accounts.set_enabled(tx, accounts.find(tx, account).id, True)
    cli.bell.ring(found.number)
    cli.done(f"Account {found.address} enabled", row(found))


@group.command()
@click.argument("account")
@click.option("--yes", is_flag=True, help="Do not ask.")
@options
def delete(cli: Cli, account: str, yes: bool) -> None:
    """Delete an account and all its mail, for good."""
    with cli.hub.read() as tx:
        found = accounts.find(tx, account)
    if not yes and not _confirmed(found):
        raise Failed("Nothing was deleted", as_json=cli.out.as_json)
    with cli.hub.write() as tx:
        accounts.delete(tx, found.id, cli.now())
    # From here on nobody finds it; what is left to do may be done again by the doctor.
    cli.bell.ring(found.number)
    end_sessions(cli.data, found.id)
    remove_files(cli.data, found.id)
    with cli.hub.write() as tx:
        accounts.removed(tx, found.id, cli.now())
    cli.done(f"Account {found.address} deleted", _deleted(found))


def _confirmed(account: Account) -> bool:
    mail = counted(account.usage.messages, "message")
    question = f"Delete {account.address} and its {mail} for good?"
    return click.confirm(question, err=True)


def _deleted(account: Account) -> Row:
    return {"address": account.address, "id": account.id, "deleted": True}
