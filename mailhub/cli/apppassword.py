"""``mailhub app-password``: secrets for single devices and programs."""

from __future__ import annotations

import datetime
import ipaddress
import re
from collections.abc import Sequence

import click

from mailhub.cli.context import Cli, options
from mailhub.cli.control import end_sessions
from mailhub.cli.output import Row
from mailhub.model import apppasswords as secret
from mailhub.model.apppasswords import AppPassword
from mailhub.model.policy import PROTOCOLS, Network
from mailhub.store.hub import accounts, apppasswords

COLUMNS = ("account", "name", "protocols", "read_only", "networks", "expires", "last_used", "from")
DAY_SECONDS = 86_400
MOST_DAYS = 36_500


def row(found: AppPassword) -> Row:
    return {
        "account": found.address,
        "account_id": found.account,
        "name": found.name,
        "protocols": sorted(found.protocols),
        "read_only": found.read_only,
        "networks": [str(network) for network in found.networks],
        "created": found.created,
        "expires": found.expires,
        "last_used": found.last_used,
        "from": found.last_address or None,
    }


@click.group("app-password")
def group() -> None:
    """Secrets for single devices and programs, beside the password of ACCOUNT."""


@group.command()
@click.argument("account")
@click.argument("name")
@click.option(
    "--protocol", multiple=True, type=click.Choice(PROTOCOLS), help="Only for this.  [repeatable]"
)
@click.option("--network", multiple=True, help="Only from this network.  [repeatable]")
@click.option("--read-only", is_flag=True, help="Mail can be read, nothing can be changed.")
@click.option("--expires", help="When it stops working: 90d, or a day like 2027-01-31.")
@options
def add(
    cli: Cli,
    account: str,
    name: str,
    protocol: Sequence[str],
    network: Sequence[str],
    read_only: bool,
    expires: str | None,
) -> None:
    """Make an app password called NAME (of the device, say) and print it, this once."""
    made = secret.generate()
    digest = secret.digest(made)
    assert digest is not None
    networks = [_network(each) for each in network]
    end = None if expires is None else _expiry(expires, cli.now())
    with cli.hub.write() as tx:
        added = apppasswords.add(
            tx,
            accounts.find(tx, account).number,
            name,
            digest,
            cli.now(),
            protocols=frozenset(protocol or PROTOCOLS),
            networks=networks,
            read_only=read_only,
            expires=end,
        )
    sentence = f"App password {added.name} of {added.address} added"
    cli.done(sentence, row(added), password=made)


@group.command("list")
@click.argument("account", required=False)
@options
def list_(cli: Cli, account: str | None) -> None:
    """Show the app passwords of ACCOUNT, or everybody's, and when each was used last."""
    with cli.hub.read() as tx:
        if account is None:
            found = apppasswords.everybodys(tx)
        else:
            found = apppasswords.of_account(tx, accounts.find(tx, account).number)
    cli.out.rows([row(each) for each in found], COLUMNS)


@group.command()
@click.argument("account")
@click.argument("name")
@click.option("--end-sessions", "end", is_flag=True, help="End the account's live sessions too.")
@options
def revoke(cli: Cli, account: str, name: str, end: bool) -> None:
    """Let the app password NAME not work any more, from now on."""
    with cli.hub.write() as tx:
        revoked = apppasswords.revoke(tx, accounts.find(tx, account).number, name)
    if end:
        end_sessions(cli.data, revoked.account)
    cli.done(f"App password {revoked.name} of {revoked.address} revoked", row(revoked))


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as bad:
        raise click.UsageError(f"--network: {bad}") from bad


def _expiry(text: str, now: int) -> int:
    """Seconds since 1970; of a day: its end."""
    if re.fullmatch(r"[1-9][0-9]{0,5}d", text) and int(text[:-1]) <= MOST_DAYS:
        return now + int(text[:-1]) * DAY_SECONDS
    try:
        day = datetime.datetime.strptime(text, "%Y-%m-%d")
    except ValueError as bad:
        problem = f"--expires: {text} is neither days (90d) nor a day (2027-01-31)"
        raise click.UsageError(problem) from bad
    end = int((day + datetime.timedelta(days=1)).timestamp())
    if end <= now:
        raise click.UsageError(f"--expires: {text} is over")
    return end
