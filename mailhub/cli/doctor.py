"""``mailhub doctor``: is everything in order, and if not, put right what can be."""

from __future__ import annotations

from collections.abc import Iterator

import click
from rich.progress import Progress

from mailhub.cli.context import EX_REFUSED, Cli, Failed, options
from mailhub.cli.output import Row, advance, counted
from mailhub.store.doctor import Doctor, Finding
from mailhub.store.hub import accounts
from mailhub.store.hub.accounts import Account

COLUMNS = ("where", "kind", "problem", "state")


@click.command("doctor")
@click.option("--account", help="Look at one account only.")
@click.option("--repair", is_flag=True, help="Put right what can be.")
@options
def group(cli: Cli, account: str | None, repair: bool) -> None:
    """Check the whole store, also while a server runs on it.

    Exit code 0 when everything is in order (or has been put in order), 1 otherwise.
    """
    doctor = Doctor(cli.data, cli.hub, cli.bell, repair)
    doctor.take_in_journals()
    if account is None:
        examined = doctor.accounts()
    else:
        with cli.hub.read() as tx:
            examined = [accounts.find(tx, account)]
    with cli.out.progress("Examining accounts", len(examined)) as progress:
        findings = list(_examine(doctor, examined, progress, whole=account is None))
    _tell(cli, findings, len(examined))


def _examine(
    doctor: Doctor, examined: list[Account], progress: Progress | None, *, whole: bool
) -> Iterator[Finding]:
    if whole:
        yield from doctor.examine_hub()
    for account in examined:
        yield from doctor.examine_account(account)
        advance(progress)
    if whole:
        yield from doctor.examine_files()


def _tell(cli: Cli, findings: list[Finding], examined: int) -> None:
    left = [finding for finding in findings if not finding.repaired]
    rows = [_row(finding) for finding in findings]
    if cli.out.as_json:
        cli.out.json({"ok": not left, "accounts": examined, "findings": rows})
    elif rows:
        cli.out.rows(rows, COLUMNS)
    else:
        cli.out.lines([f"{counted(examined, 'account')} examined, everything is in order"])
    if left:
        hint = "; --repair puts some of them right" if any(f.repairable for f in left) else ""
        found = f"{counted(len(left), 'problem')} found{hint}"
        raise Failed(found, EX_REFUSED, as_json=cli.out.as_json)


def _row(finding: Finding) -> Row:
    state = "repaired" if finding.repaired else "repairable" if finding.repairable else "open"
    return {
        "where": finding.where,
        "kind": finding.kind,
        "problem": finding.text,
        "state": state,
    }
