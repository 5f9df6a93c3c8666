"""``mailhub directory status|trust|leavers|link``: the accounts of a directory's people."""

from __future__ import annotations

import click

from mailhub.cli.context import Cli, Failed, options
from mailhub.cli.directories import configured
from mailhub.cli.output import Row
from mailhub.config.options import DirectoryConfig
from mailhub.directory.lookup import Lookup
from mailhub.directory.troubles import Trouble
from mailhub.directory.watching import Nobody
from mailhub.model.directory import Person, PersonId
from mailhub.model.identity import Identity
from mailhub.model.steps import UNHEARD
from mailhub.store.hub import accounts, adoption, identities, trust

STATUS = ("directory", "accounts", "suspended", "gone", "walked", "trusted")
LEAVERS = ("account", "directory", "since", "why", "person")


@click.command()
@click.argument("name", required=False)
@options
def status(cli: Cli, name: str | None) -> None:
    """Show how many accounts are whose, and whether what a directory says of losses is believed."""
    rows: list[Row] = []
    with cli.hub.read() as tx:
        for directory in configured(cli, name):
            state, count = trust.of(tx, directory.name), identities.count(tx, directory.name)
            rows.append(
                {
                    "directory": directory.name,
                    "accounts": count.accounts,
                    "suspended": count.suspended,
                    "gone": count.gone,
                    "walked": state.finished,
                    "trusted": state.distrusted is None,
                    "distrusted_since": state.distrusted,
                    "losses": state.losses,
                }
            )
    cli.out.rows(rows, STATUS)
    for row in rows:
        if not row["trusted"] and not cli.out.as_json:
            cli.out.note(
                f"{row['directory']}: {row['losses']} of {row['accounts']} people are missing or"
                " suspended at once; nobody is taken for gone until most are back, or until"
                f" mailhub directory trust {row['directory']}"
            )


@click.command("trust")
@click.argument("name")
@options
def trust_command(cli: Cli, name: str) -> None:
    """Say that a directory is right: the next walk, within a minute, suspends whom it lacks."""
    (directory,) = configured(cli, name)
    with cli.hub.write() as tx:
        trust.trust(tx, directory.name)
    cli.done(f"Directory {name} is believed", {"directory": name, "trusted": True})


@click.command()
@click.argument("name", required=False)
@options
def leavers(cli: Cli, name: str | None) -> None:
    """List the accounts whose people are gone from a directory, or suspended there."""
    rows: list[Row] = []
    with cli.hub.read() as tx:
        for directory in configured(cli, name):
            for identity in identities.lost(tx, directory.name):
                rows.append(_leaver(identity, accounts.get(tx, identity.account).address))
    cli.out.rows(rows, LEAVERS)


@click.command()
@click.argument("account")
@click.argument("name")
@click.option("--login", help="The person's log-in name there.  [default: the account's address]")
@click.option("--id", "person_id", help="The person's id there, instead.")
@options
def link(cli: Cli, account: str, name: str, login: str | None, person_id: str | None) -> None:
    """Let the local ACCOUNT be a person's of directory NAME.

    Mail and address stay.  A password stored here goes on to be the one that
    counts, until mailhub passwd --disable leaves passwords to the directory.
    """
    (directory,) = configured(cli, name)
    with cli.hub.read() as tx:
        found = accounts.find(tx, account)
    person = _person(cli, directory, login or found.address, person_id)
    with cli.hub.write() as tx:
        adoption.link(tx, person, found, cli.now())
        adopted = adoption.adopt(tx, person, directory.domains, cli.now())
    cli.bell.ring(found.number)
    row = {"account": adopted.address, "directory": name, "person": person.dn, "id": person.id}
    cli.done(f"Account {adopted.address} is {person.dn}'s", row)


def _leaver(identity: Identity, address: str) -> Row:
    return {
        "account": address,
        "id": identity.account,
        "directory": identity.person.directory,
        "since": identity.gone or identity.blocked,
        "why": "gone" if identity.gone else identity.person.standing.value,
        "person": identity.person.dn,
    }


def _person(cli: Cli, directory: DirectoryConfig, login: str, person_id: str | None) -> Person:
    lookup = Lookup(directory, Nobody())
    try:
        if person_id is not None:
            found = lookup.by_id(PersonId(person_id), lookup.deadline(), UNHEARD)
        else:
            found = lookup.by_login(login, lookup.deadline(), UNHEARD)
    except Trouble as trouble:
        raise Failed(f"directory {directory.name}: {trouble}", as_json=cli.out.as_json) from trouble
    finally:
        lookup.close()
    if found is None:
        who = person_id if person_id is not None else login
        raise Failed(
            f"directory {directory.name} does not know {who}, or knows several",
            as_json=cli.out.as_json,
        )
    return found


COMMANDS = (status, trust_command, leavers, link)
