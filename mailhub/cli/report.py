"""``mailhub report``: what the server's records say about its use."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from mailhub.bench.live import NotEvents, read
from mailhub.bench.livepage import live_page
from mailhub.cli.context import Cli, Failed, options
from mailhub.cli.output import size
from mailhub.cli.quotareport import quota_report

LABELS = {
    "users": "users",
    "sessions": "sessions",
    "sessions_without_mail": "sessions without mail",
    "hours_connected": "hours connected",
    "octets_in": "octets from clients",
    "octets_out": "octets to clients",
    "messages": "messages taken whole",
    "messages_again": "of them taken again",
    "octets_again": "octets taken again",
}


@click.group("report")
def group() -> None:
    """What the server's records say about its use."""


group.add_command(quota_report)


@group.command()
@click.argument("files", nargs=-1, metavar="[LOG]...", type=click.Path(path_type=Path))
@click.option("--since", default="", metavar="WHEN", help="A date (UTC), or 7d, 24h before now.")
@click.option("--html", type=click.Path(path_type=Path), help="Write a page with charts.")
@options
def protocols(cli: Cli, files: Sequence[Path], since: str, html: Path | None) -> None:
    """IMAP beside POP3 in real use, and who would be better off with IMAP.

    Reads log files in JSON, also *.gz, oldest first; without any the configured one.
    """
    try:
        document = read(files or [_configured(cli)], _moment(since)).document()
    except NotEvents as error:
        raise Failed(str(error), as_json=cli.out.as_json) from error
    if html:
        html.write_text(live_page(document), "utf-8")
    if cli.out.as_json:
        cli.out.json(document)
    else:
        _show(cli, document)


def _configured(cli: Cli) -> Path:
    log = cli.config.log
    if log.file is None:
        raise Failed("No log file is configured: name one", as_json=cli.out.as_json)
    if log.format != "json":
        raise Failed(
            f'{log.file} is written as text: set [log] format = "json"', as_json=cli.out.as_json
        )
    return log.file


def _moment(text: str) -> str:
    """The beginning, as events write their time; empty: no limit."""
    now = datetime.datetime.now(datetime.UTC)
    if ago := re.fullmatch(r"(\d{1,4})([dh])", text):
        unit = "days" if ago[2] == "d" else "hours"
        return (now - datetime.timedelta(**{unit: int(ago[1])})).strftime("%Y-%m-%dT%H:%M:%S")
    if text and not re.fullmatch(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?)?Z?", text):
        raise click.BadParameter("2026-02-07, 7d or 24h, say", param_hint="--since")
    return text.rstrip("Z")


def _cell(key: str, value: float) -> str:
    return size(int(value)) if key.startswith("octets") else f"{value:,}"


def _show(cli: Cli, document: dict[str, Any]) -> None:
    imap, pop3 = document["protocols"]["imap"], document["protocols"]["pop3"]
    if not document["from"]:
        cli.out.note("No sessions in these events")
        return
    cli.out.lines([f"{document['from']} to {document['to']}", ""])
    rows = [
        {"": label, "IMAP": _cell(key, imap[key]), "POP3": _cell(key, pop3[key])}
        for key, label in LABELS.items()
    ]
    cli.out.rows(rows, ("", "IMAP", "POP3"))
    if not document["better_off_with_imap"]:
        return
    cli.out.lines(["", "Better off with IMAP:", ""])
    for row in document["better_off_with_imap"]:
        cli.out.lines([row["account"], *(f"  - {reason}" for reason in row["reasons"])])
