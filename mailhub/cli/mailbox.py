"""``mailhub mailbox``: the folders of an account, also while its owner is logged in."""

from __future__ import annotations

import click

from mailhub.cli.context import Cli, Failed, options
from mailhub.cli.output import Row, counted
from mailhub.cli.store import immediate, open_account
from mailhub.model.mail import MailboxEntry, MailboxStatus, SpecialUse
from mailhub.model.names import mailbox_name

COLUMNS = ("mailbox", "messages", "unseen", "octets", "subscribed", "special_use")

USES = {use.value.lstrip("\\").lower(): use for use in SpecialUse}


def status_row(status: MailboxStatus) -> Row:
    return {
        "mailbox": status.name,
        "messages": status.exists,
        "unseen": status.unseen,
        "deleted": status.deleted,
        "octets": status.octets,
        "special_use": [use.value for use in status.special_use],
        "uidvalidity": status.uidvalidity,
        "uidnext": status.uidnext,
        "highest_modseq": status.highest_modseq,
        "mailbox_id": status.object_id,
        "keywords": [keyword for keyword in status.keywords if keyword],
    }


def entry_row(entry: MailboxEntry) -> Row:
    """Of a name that LIST shows; there is nothing to count in one that is only a parent."""
    return {
        "mailbox": entry.name,
        "messages": None,
        "unseen": None,
        "octets": None,
        "exists": entry.id is not None,
        "subscribed": entry.subscribed,
        "special_use": [use.value for use in entry.special_use],
    }


@click.group("mailbox")
def group() -> None:
    """The folders of an account."""


@group.command("list")
@click.argument("account")
@options
def list_(cli: Cli, account: str) -> None:
    """Show all folders of ACCOUNT."""
    mail = open_account(cli, account)
    rows: list[Row] = []
    for entry in immediate(mail.mailboxes()):
        counts = status_row(immediate(mail.status(entry.name))) if entry.id is not None else {}
        rows.append({**entry_row(entry), **counts})
    cli.out.rows(rows, COLUMNS)


@group.command()
@click.argument("account")
@click.argument("name", default="INBOX")
@options
def status(cli: Cli, account: str, name: str) -> None:
    """Show one folder of ACCOUNT with its counters."""
    mail = open_account(cli, account)
    cli.out.record(status_row(immediate(mail.status(mailbox_name(name)))))


@group.command()
@click.argument("account")
@click.argument("name")
@click.option("--special-use", type=click.Choice(sorted(USES)), help="What it is for (RFC 6154).")
@click.option("--no-subscribe", is_flag=True, help="Do not subscribe it.")
@options
def create(cli: Cli, account: str, name: str, special_use: str | None, no_subscribe: bool) -> None:
    """Make a folder, and the parents that are missing."""
    mail, mailbox = open_account(cli, account), mailbox_name(name)
    uses = frozenset({USES[special_use]}) if special_use else frozenset[SpecialUse]()
    made = immediate(mail.create(mailbox, uses))
    if not no_subscribe:
        immediate(mail.subscribe(mailbox))
    cli.done(f"Mailbox {made.name} created", status_row(made))


@group.command()
@click.argument("account")
@click.argument("old")
@click.argument("new")
@options
def rename(cli: Cli, account: str, old: str, new: str) -> None:
    """Rename a folder with all that is below it."""
    mail, target = open_account(cli, account), mailbox_name(new)
    immediate(mail.rename(mailbox_name(old), target))
    cli.done(f"Mailbox {old} is now {target}", {"old": old, "mailbox": target})


@group.command()
@click.argument("account")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@options
def delete(cli: Cli, account: str, name: str, yes: bool) -> None:
    """Delete a folder and the mail in it, for good; folders below it stay."""
    mail, mailbox = open_account(cli, account), mailbox_name(name)
    count = immediate(mail.status(mailbox)).exists
    question = f"Delete {mailbox} and its {counted(count, 'message')} for good?"
    if not yes and not click.confirm(question, err=True):
        raise Failed("Nothing was deleted", as_json=cli.out.as_json)
    immediate(mail.delete(mailbox))
    cli.done(f"Mailbox {mailbox} deleted", {"mailbox": mailbox, "messages": count})


@group.command()
@click.argument("account")
@click.argument("name")
@options
def subscribe(cli: Cli, account: str, name: str) -> None:
    """Let clients show a folder."""
    _subscribe(cli, account, name, True)


@group.command()
@click.argument("account")
@click.argument("name")
@options
def unsubscribe(cli: Cli, account: str, name: str) -> None:
    """Undo subscribe; the folder stays."""
    _subscribe(cli, account, name, False)


def _subscribe(cli: Cli, account: str, name: str, subscribed: bool) -> None:
    mail, mailbox = open_account(cli, account), mailbox_name(name)
    immediate(mail.subscribe(mailbox, subscribed))
    word = "subscribed" if subscribed else "unsubscribed"
    cli.done(f"Mailbox {mailbox} {word}", {"mailbox": mailbox, "subscribed": subscribed})
