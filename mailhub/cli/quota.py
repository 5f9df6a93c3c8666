"""``mailhub quota``: how full accounts and domains are, what limits them, and who says so."""

from __future__ import annotations

import re
from collections.abc import Mapping

import click

from mailhub.cli.context import Cli, Failed, options
from mailhub.cli.output import Row
from mailhub.cli.store import immediate, open_store
from mailhub.model.mail import Usage
from mailhub.model.quota import RESOURCES, Limits, Quota, described
from mailhub.store.hub import accounts, domains, quota
from mailhub.store.hub.accounts import Account
from mailhub.store.hub.database import Tx
from mailhub.store.sqlite.account import SqliteAccount

COLUMNS = ("account", "octets", "octet_limit", "messages", "message_limit", "percent")
DOMAINS = ("domain", "accounts", "octets", "octet_limit", "messages", "message_limit", "percent")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_AMOUNT = re.compile(r"(\d{1,18})([KMGT]?)(?:i?B)?", re.IGNORECASE)
LAST_ENTRIES = 10


class Amount(click.ParamType["int | None"]):
    """A number, with K, M, G or T (of 1024) after it if need be; ``none``: no limit."""

    name = "N[K|M|G|T]|none|default"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        text = str(value).strip()
        if text.lower() == "default":
            return -1
        if text.lower() in ("none", "unlimited", "0"):
            return 0
        found = _AMOUNT.fullmatch(text)
        if found is None:
            self.fail(f"{text!r} is not a number, with K, M, G or T if need be", param, ctx)
        amount = int(found[1]) * _UNITS[found[2].upper()]
        if amount >= 1 << 62:
            self.fail(f"{text} is more than can be counted", param, ctx)
        return amount


@click.group("quota")
def group() -> None:
    """How full accounts and domains are, and what limits them."""


@group.command()
@click.argument("account", required=False)
@click.option("--domain", help="The domain and its accounts.")
@options
def show(cli: Cli, account: str | None, domain: str | None) -> None:
    """Show usage and limits of an ACCOUNT, of a domain's accounts, or of all domains."""
    if account is not None and domain is not None:
        raise click.UsageError("Use one of ACCOUNT and --domain.")
    if account is not None:
        with cli.hub.read() as tx:
            cli.out.rows([_row(tx, cli, accounts.find(tx, account))], COLUMNS)
        return
    with cli.hub.read() as tx:
        if domain is None:
            rows = [_domain_row(tx, cli, each.name) for each in domains.all_domains(tx)]
        else:
            found = accounts.all_accounts(tx, domains.get(tx, domain).name)
            total, rows = _domain_row(tx, cli, domain), [_row(tx, cli, each) for each in found]
    if domain is None:
        cli.out.rows(rows, DOMAINS)
    elif cli.out.as_json:
        cli.out.json({**total, "of": rows})
    else:
        cli.out.rows([total], DOMAINS)
        cli.out.rows(rows, COLUMNS)


@group.command("set")
@click.argument("account", required=False)
@click.option("--domain", help="Of every account of the domain that has none of its own.")
@click.option("--total", is_flag=True, help="With --domain: of all its accounts together.")
@click.option("--octets", type=Amount(), help="Of all messages.")
@click.option("--messages", type=Amount())
@click.option("--mailboxes", type=Amount())
@click.option("--mailbox-messages", type=Amount(), help="In any one mailbox.")
@click.option("--message-octets", type=Amount(), help="Of any one message.")
@options
def set_(
    cli: Cli, /, account: str | None, domain: str | None, total: bool, **amounts: int | None
) -> None:
    """Set limits; what is not mentioned stays.  "default": let weaker sources decide again.

    A limit below what is used refuses new mail only.
    """
    changes = {name: amount for name, amount in amounts.items() if amount is not None}
    if (account is None) == (domain is None) or not changes or (total and domain is None):
        raise click.UsageError("Name an ACCOUNT or a --domain, and at least one limit.")
    if total and set(changes) - {"octets", "messages"}:
        raise click.UsageError("Totals are of --octets and --messages.")
    if account is not None:
        _set_account(cli, account, changes)
    else:
        assert domain is not None
        _set_domain(cli, domain, quota.TOTAL if total else quota.ACCOUNT, changes)


def _set_account(cli: Cli, name: str, changes: Mapping[str, int]) -> None:
    with cli.hub.write() as tx:
        account = accounts.find(tx, name)
        limits = _changed(quota.said_by(tx, account.id, quota.ADMINISTRATOR), changes)
        quota.set_limits(tx, account.id, quota.ADMINISTRATOR, limits, cli.now(), cli.user)
    cli.bell.ring(account.number)
    with cli.hub.read() as tx:
        row = _row(tx, cli, accounts.get(tx, account.id))
    cli.done(f"Limits of {account.address}: {described(limits)}", row)


def _set_domain(cli: Cli, name: str, scope: str, changes: Mapping[str, int]) -> None:
    with cli.hub.write() as tx:
        domain = domains.get(tx, name).name
        limits = _changed(quota.domain_limits(tx, domain, scope), changes)
        quota.set_domain_limits(tx, domain, scope, limits, cli.now(), cli.user)
        row = _domain_row(tx, cli, domain)
    what = f"Total of {domain}" if scope == quota.TOTAL else f"Limits of each account of {domain}"
    cli.done(f"{what}: {described(limits)}", row)


def _changed(present: Limits, changes: Mapping[str, int]) -> Limits:
    return quota.with_limits(present, {name: None if n == -1 else n for name, n in changes.items()})


@group.command()
@click.argument("account", required=False)
@click.option("--domain", help="What holds for an account of it that nothing else is said about.")
@click.option(
    "--entries",
    default=LAST_ENTRIES,
    show_default=True,
    type=click.IntRange(0),
    help="Of the ledger.",
)
@options
def explain(cli: Cli, account: str | None, domain: str | None, entries: int) -> None:
    """Tell which source every limit comes from, what counts, and what changed the usage last."""
    if (account is None) == (domain is None):
        raise click.UsageError("Name an ACCOUNT or a --domain.")
    config = cli.config.quota
    with cli.hub.read() as tx:
        if domain is not None:
            sources = quota.domain_sources(tx, domain, config)
            more = _domain_usage(_domain_row(tx, cli, domain), quota.effective(sources, config))
        else:
            assert account is not None
            found = accounts.find(tx, account)
            sources = quota.sources(tx, found.id, config, cli.rules)
    limits: list[Row] = [_limit_row(name, *sources.limit(name)) for name in RESOURCES]
    for name in ("octets", "messages"):
        limits.append(_limit_row(f"domain total of {name}", *sources.total_limit(name)))
    said: list[Row] = [
        {"source": one.source, "says": described(one.limits)} for one in sources.account
    ]
    told: dict[str, object] = {"limits": limits, "sources": said}
    told |= more if domain is not None else _usage(cli, found, entries)
    if cli.out.as_json:
        cli.out.json(told)
        return
    _print(cli, told)


def _domain_usage(row: Row, found: Quota) -> dict[str, object]:
    names = ("accounts", "octets", "messages", "percent")
    return {"usage": {name: row[name] for name in names}, **_exceptions(found)}


def _exceptions(found: Quota) -> dict[str, object]:
    """What does not count, or not quite."""
    return {
        "folders": [
            {"folder": f.name, "extra_percent": f.extra_percent, "ignored": f.ignore}
            for f in found.folders
        ],
        "grace": found.grace,
    }


def _usage(cli: Cli, account: Account, entries: int) -> dict[str, object]:
    mail = immediate(open_store(cli).account(account.id))
    if not isinstance(mail, SqliteAccount):
        raise Failed("This store keeps no ledger", as_json=cli.out.as_json)
    status, whole = immediate(mail.quota()), immediate(mail.usage())
    ledger: list[Row] = [
        {
            "seq": entry.seq,
            "at": entry.at or None,
            "cause": entry.cause,
            "mailbox": entry.mailbox,
            "octets": entry.octets,
            "messages": entry.messages,
        }
        for entry in immediate(mail.ledger(entries))
    ]
    return {
        "usage": {
            "octets": whole.octets,
            "messages": whole.messages,
            "counted_octets": status.usage.octets,
            "counted_messages": status.usage.messages,
            "mailboxes": status.mailboxes,
            "percent": status.quota.percent(status.usage),
        },
        **_exceptions(status.quota),
        "ledger": ledger,
    }


def _print(cli: Cli, told: Mapping[str, object]) -> None:
    cli.out.rows(told["limits"], ("limit", "value", "source"))  # type: ignore[arg-type]
    cli.out.lines([""])
    cli.out.rows(told["sources"], ("source", "says"))  # type: ignore[arg-type]
    cli.out.lines([""])
    cli.out.record(told["usage"])  # type: ignore[arg-type]
    if told["folders"]:
        cli.out.lines([""])
        cli.out.rows(told["folders"], ("folder", "extra_percent", "ignored"))  # type: ignore[arg-type]
    if told["grace"]:
        cli.out.lines(["", f"The message that crosses the line may exceed it by {told['grace']}"])
    if "ledger" in told:
        cli.out.lines(["", "The ledger, newest first:"])
        cli.out.rows(told["ledger"], ("seq", "at", "cause", "mailbox", "octets", "messages"))  # type: ignore[arg-type]


def _limit_row(name: str, value: int, source: str) -> Row:
    return {"limit": name, "value": value or "no limit", "source": source}


def _row(tx: Tx, cli: Cli, account: Account) -> Row:
    """As the hub last heard, a second ago at most while a server runs."""
    config = cli.config
    sources = quota.sources(tx, account.id, config.quota, cli.rules)
    found = quota.effective(sources, config.quota)
    return {
        "account": account.address,
        "octets": account.usage.octets,
        "octet_limit": found.octets or None,
        "messages": account.usage.messages,
        "message_limit": found.messages or None,
        "percent": found.percent(account.usage),
    }


def _domain_row(tx: Tx, cli: Cli, name: str) -> Row:
    sources = quota.domain_sources(tx, name, cli.config.quota)
    found = domains.get(tx, name)
    row = tx.execute("SELECT octets, messages FROM domain WHERE name = ?", (found.name,)).fetchone()
    assert row is not None
    octets, messages = int(str(row[0])), int(str(row[1]))
    total = Limits(sources.total_limit("octets")[0], sources.total_limit("messages")[0])
    return {
        "domain": found.name,
        "accounts": found.accounts,
        "octets": octets,
        "octet_limit": total.octets or None,
        "messages": messages,
        "message_limit": total.messages or None,
        "percent": quota.total_of(total).percent(Usage(octets, messages)),
    }
