"""``mailhub passwd``: change the password of an account."""

from __future__ import annotations

import click

from mailhub.cli.context import Cli, options
from mailhub.cli.control import end_sessions
from mailhub.cli.passwords import choose, verifiers_of
from mailhub.store.hub import accounts, credentials


@click.command("passwd")
@click.argument("account")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--generate", is_flag=True, help="Make a password and print it.")
@click.option("--disable", is_flag=True, help="Let no password work.")
@click.option("--end-sessions", "end", is_flag=True, help="End the account's live sessions too.")
@options
def group(
    cli: Cli, account: str, password_stdin: bool, generate: bool, disable: bool, end: bool
) -> None:
    """Change the password of ACCOUNT; the old one stops working at once."""
    if password_stdin + generate + disable > 1:
        raise click.UsageError("Use one of --password-stdin, --generate and --disable.")
    with cli.hub.read() as tx:
        found = accounts.find(tx, account)
    password = "" if disable else choose(from_stdin=password_stdin, generate=generate)
    verifiers = verifiers_of(password) if password else ()
    with cli.hub.write() as tx:
        credentials.replace(tx, accounts.get(tx, found.id).number, verifiers)
    if end:
        end_sessions(cli.data, found.id)
    word = "disabled" if disable else "changed"
    made = password if generate else ""
    row = {"account": found.address, "id": found.id}
    cli.done(f"Password of {found.address} {word}", row, password=made)
