"""``mailhub explain login`` and ``explain delivery``: what would happen, step by step."""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Sequence

import click

from mailhub.cli.context import EX_REFUSED, EX_TEMPFAIL, Cli, options
from mailhub.cli.meanings import meaning
from mailhub.cli.output import Row, printable, step_lines
from mailhub.cli.trying import Attempt, Verdict, try_delivery
from mailhub.imap.errors import log_in_failed
from mailhub.imap.wire.writer import Text, render
from mailhub.interfaces import LogInRefused, LogInUnavailable, PasswordNeeded
from mailhub.lmtp.errors import reply_for
from mailhub.model.errors import Refusal
from mailhub.model.mail import Client, Recipient
from mailhub.model.steps import Steps
from mailhub.pop3.errors import refusal as pop3_refusal
from mailhub.store.hub.refusals import step_row

PROTOCOLS = ("imap", "pop3")


@click.command()
@click.argument("user")
@click.option("--protocol", type=click.Choice(PROTOCOLS), help="[default: both]")
@click.option("--from-ip", default="127.0.0.1", show_default=True, help="Where the client is.")
@click.option("--no-tls", is_flag=True, help="As if the connection had no TLS.")
@click.option("--password-stdin", is_flag=True, help="Prove the password on standard input.")
@options
def login(
    cli: Cli, user: str, protocol: str | None, from_ip: str, no_tls: bool, password_stdin: bool
) -> None:
    """Try a log-in of USER and print every step; nothing is changed by it.

    Without a password it is taken to be right.  Exit code: 0 let in, 1 refused, 75 not now.
    """
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else "taken to be right"
    steps = Steps()
    attempt = Attempt(cli, as_client(from_ip, no_tls), steps, prove=password_stdin)
    verdicts = attempt.run(user, password, [protocol] if protocol else PROTOCOLS)
    finish(cli, {"user": user, "from": from_ip}, steps, verdicts)


def as_client(from_ip: str, no_tls: bool) -> Client:
    """Who is to log in."""
    here = _is_here(from_ip)
    return Client("explain", "", _address(from_ip), 0, tls=not no_tls, trusted=here)


def finish(cli: Cli, asked: Row, steps: Steps, verdicts: Sequence[Verdict]) -> None:
    """Print everything and leave."""
    _tell(cli, asked, steps, [_verdict_row(verdict) for verdict in verdicts])
    refusals = [verdict.refusal for verdict in verdicts if verdict.refusal is not None]
    if any(isinstance(refusal, LogInUnavailable) for refusal in refusals):
        raise SystemExit(EX_TEMPFAIL)
    if refusals:
        raise SystemExit(EX_REFUSED)


@click.command()
@click.argument("address")
@click.option("--size", default=0, type=click.IntRange(0), help="Of the message, in octets.")
@options
def delivery(cli: Cli, address: str, size: int) -> None:
    """Look for the recipient of mail for ADDRESS and print every step; nothing is delivered.

    Exit code: 0 taken, 1 refused, 75 not now.
    """
    steps = Steps()
    found = try_delivery(cli, address, size, steps)
    if isinstance(found, Recipient):
        row: Row = {
            "reply": "250 2.1.5 Recipient ok",
            "account": found.address,
            "folder": f"{found.detail}, or INBOX if there is none" if found.detail else "INBOX",
        }
    else:
        reply = reply_for(found)
        row = {"reply": f"{reply.code} {reply.status} {found}", **_why(found)}
    _tell(cli, {"address": address, "size": size}, steps, [{"protocol": "lmtp", **row}])
    if isinstance(found, Refusal):
        raise SystemExit(EX_TEMPFAIL if reply.code < 500 else EX_REFUSED)


def _tell(cli: Cli, asked: Row, steps: Steps, outcomes: Sequence[Row]) -> None:
    """Steps, then outcomes."""
    taken = [step_row(step) for step in steps.taken]
    if cli.out.as_json:
        cli.out.json({**asked, "steps": taken, "outcomes": outcomes})
        return
    cli.out.lines(map(printable, step_lines(taken)))
    for row in outcomes:
        cli.out.lines(["", printable(f"{row['protocol']}: {row['reply']}")])
        told = [key for key in ("account", "folder", "detail", "meaning") if row.get(key)]
        cli.out.lines(printable(f"    {key}: {row[key]}") for key in told)


def _verdict_row(verdict: Verdict) -> Row:
    refusal, protocol = verdict.refusal, verdict.protocol
    if refusal is None:
        reply = "OK" if protocol == "imap" else "+OK"
        return {"protocol": protocol, "reply": reply, "outcome": "ok"}
    if isinstance(refusal, PasswordNeeded):
        return {
            "protocol": protocol,
            "reply": "cannot be told without the password",
            **_why(refusal),
        }
    if protocol == "imap":
        no = log_in_failed(refusal)
        reply = render([no.status, *([no.code] if no.code else ()), Text(no.text)]).decode()
    else:
        text, code = pop3_refusal(refusal)
        reply = f"-ERR [{code}] {text}"
    return {"protocol": protocol, "reply": reply, **_why(refusal)}


def _why(refusal: LogInRefused | Refusal) -> Row:
    outcome = type(refusal).__name__
    return {
        "outcome": outcome,
        "detail": refusal.detail,
        "meaning": meaning({"outcome": outcome}),
    }


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as bad:
        raise click.UsageError(f"--from-ip: {bad}") from bad


def _is_here(address: str) -> bool:
    return ipaddress.ip_address(_address(address)).is_loopback
