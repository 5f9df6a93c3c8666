"""``mailhub report quota``: who keeps most, how fast it grows, when it will be full."""

from __future__ import annotations

import csv
import datetime
import io
from pathlib import Path
from typing import Any

import click

from mailhub.cli.context import Cli, options
from mailhub.cli.output import Row, size
from mailhub.cli.quotapage import quota_page
from mailhub.model.mail import Usage
from mailhub.model.quota import Limits, Quota
from mailhub.rules import Rules
from mailhub.store.hub import accounts, domains, growth, quota, samples
from mailhub.store.hub.accounts import Account
from mailhub.store.hub.database import Tx
from mailhub.store.hub.samples import DAY_SECONDS, Sample

HISTORY_DAYS = 180
"""That charts show."""
COLUMNS = ("name", "used", "limit", "percent", "messages", "growth", "full_on")
FIELDS = (
    "kind", "name", "octets", "octet_limit", "messages", "message_limit", "percent",
    "octets_per_day", "messages_per_day", "full_on",
)  # fmt: skip


@click.command("quota")
@click.option("--domain", help="Only this one.")
@click.option("--top", default=50, show_default=True, type=click.IntRange(1), help="Accounts.")
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values.")
@click.option("--html", type=click.Path(path_type=Path), help="Write a page with charts.")
@options
def quota_report(cli: Cli, domain: str | None, top: int, as_csv: bool, html: Path | None) -> None:
    """Domains and the accounts that keep most; growth, and when they will be full."""
    if as_csv and cli.out.as_json:
        raise click.UsageError("Use one of --csv and --json.")
    document = _document(cli, domain, top)
    if html is not None:
        html.write_text(quota_page(document), "utf-8")
    if cli.out.as_json:
        cli.out.json(document)
    elif as_csv:
        cli.out.lines([_csv(document)])
    else:
        _print(cli, document)


def _document(cli: Cli, domain: str | None, top: int) -> dict[str, Any]:
    today = cli.now() // DAY_SECONDS
    with cli.hub.read() as tx:
        chosen = [domains.get(tx, domain)] if domain else domains.all_domains(tx)
        people = accounts.all_accounts(tx, chosen[0].name if domain else None)
        people.sort(key=lambda each: (-each.usage.octets, each.address))
        return {
            "at": _date(today),
            "domains": [_domain(tx, cli, each.name, today) for each in chosen],
            "accounts": [_account(tx, cli, each, today) for each in people[:top]],
            "of_accounts": len(people),
        }


def _domain(tx: Tx, cli: Cli, name: str, today: int) -> dict[str, Any]:
    sources = quota.domain_sources(tx, name, cli.config.quota)
    limits = Limits(sources.total_limit("octets")[0], sources.total_limit("messages")[0])
    row = tx.execute("SELECT octets, messages FROM domain WHERE name = ?", (name,)).fetchone()
    assert row is not None
    usage = Usage(int(str(row[0])), int(str(row[1])))
    history = samples.of_domain(tx, name, today - HISTORY_DAYS)
    return _entry("domain", name, usage, quota.total_of(limits), history, today)


def _account(tx: Tx, cli: Cli, account: Account, today: int) -> dict[str, Any]:
    config = cli.config.quota
    found = quota.effective(
        quota.sources(tx, account.id, config, Rules(cli.config.policies)), config
    )
    history = samples.of_account(tx, account.number, today - HISTORY_DAYS)
    return _entry("account", account.address, account.usage, found, history, today)


def _entry(
    kind: str, name: str, usage: Usage, limits: Quota, history: list[Sample], today: int
) -> dict[str, Any]:
    history = [each for each in history if each.day <= today]  # a clock may have run ahead
    found = growth.growth(history, usage, limits, today)
    return {
        "kind": kind,
        "name": name,
        "octets": usage.octets,
        "octet_limit": limits.octets or None,
        "messages": usage.messages,
        "message_limit": limits.messages or None,
        "percent": limits.percent(usage) if limits.octets or limits.messages else None,
        "octets_per_day": None if found.octets is None else round(found.octets),
        "messages_per_day": None if found.messages is None else round(found.messages, 1),
        "full_on": None if found.full_day is None else _date(found.full_day),
        "history": [[_date(s.day), s.usage.octets] for s in history]
        + [[_date(today), usage.octets]],
    }


def _date(day: int) -> str:
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days=day)).isoformat()


def _not_formula(name: str) -> str:
    """Spreadsheets compute what begins with one of these, and addresses may be chosen by people."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@", "\t")) else name


def _csv(document: dict[str, Any]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for entry in (*document["domains"], *document["accounts"]):
        writer.writerow({**entry, "name": _not_formula(entry["name"])})
    return text.getvalue().rstrip("\n")


def _print(cli: Cli, document: dict[str, Any]) -> None:
    cli.out.rows([_row(each) for each in document["domains"]], COLUMNS)
    cli.out.lines([""])
    cli.out.rows([_row(each) for each in document["accounts"]], COLUMNS)
    hidden = document["of_accounts"] - len(document["accounts"])
    if hidden:
        cli.out.note(f"{hidden} more accounts keep less: --top {document['of_accounts']}")


def _row(entry: dict[str, Any]) -> Row:
    rate = entry["octets_per_day"]
    return {
        "name": entry["name"],
        "used": size(entry["octets"]),
        "limit": size(entry["octet_limit"]) if entry["octet_limit"] else "-",
        "percent": entry["percent"],
        "messages": f"{entry['messages']:,}",
        "growth": "-" if rate is None else f"{'-' if rate < 0 else '+'}{size(abs(rate))} a day",
        "full_on": entry["full_on"] or "-",
    }
