"""``mailhub deliver``: file a message from standard input, for MTAs that deliver by pipe.

Postfix, in master.cf::

    mailhub unix - n n - - pipe flags=DXhu user=mailhub
      argv=/usr/bin/mailhub deliver -f ${sender} -- ${recipient}

with ``mailhub_destination_recipient_limit = 1`` in main.cf.  LMTP needs no process per message and
is the better way where the MTA knows it.
"""

from __future__ import annotations

import os

import click

from mailhub.cli.context import Cli, Failed, options
from mailhub.config.problems import ConfigError
from mailhub.delivery.pipe import (
    NotReached,
    as_message,
    exit_code,
    hand_over,
    named_address,
    server_address,
)

MAX_OCTETS = 1024 * 1024 * 1024
"""Of a message from the pipe, which this process holds in memory; the server's limit is lower."""


class SysexitsCommand(click.Command):
    """An MTA reads exit codes as sysexits.h has them, also when the options are wrong."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as problem:
            problem.exit_code = os.EX_USAGE  # type: ignore[misc]  # click reads it there
            raise


@click.command("deliver", cls=SysexitsCommand)
@click.argument("recipients", metavar="RECIPIENT...", nargs=-1, required=True)
@click.option(
    "-f", "--sender", envvar="SENDER", default="", help="Envelope sender; empty for a bounce."
)
@click.option("--to", "address", metavar="ADDRESS", help="LMTP address of the server.")
@options
def group(cli: Cli, recipients: tuple[str, ...], sender: str, address: str | None) -> None:
    """File a message from standard input, through the running server.

    Ends with the codes of sysexits.h: 0 filed, 67 no such user, 73 mailbox full, 65 message too
    large, 77 not permitted, 69 refused otherwise, 75 try again later (also when the server is not
    running).
    """
    try:
        where = named_address(address) if address else server_address(cli.config.listeners)
        answers = hand_over(where, _bare(sender), [_bare(r) for r in recipients], _read())
    except (NotReached, ConfigError, OSError) as problem:
        # A mistake in a file must not bounce anybody's mail.
        raise Failed(str(problem), os.EX_TEMPFAIL, as_json=cli.out.as_json) from problem
    if cli.out.as_json:
        cli.out.json([{"recipient": a.recipient, "code": a.code, "text": a.text} for a in answers])
    for answer in answers:
        if answer.exit_code:
            cli.out.note(f"{answer.recipient}: {answer.code} {answer.status} {answer.text}")
    raise SystemExit(exit_code(answers))


def _read() -> bytes:
    with click.open_file("-", "rb") as stdin:
        data = stdin.read(MAX_OCTETS + 1)
    if len(data) > MAX_OCTETS:
        raise Failed(f"the message is larger than {MAX_OCTETS} octets", os.EX_DATAERR)
    return as_message(data)


def _bare(address: str) -> str:
    """Without the angle brackets that some MTAs leave on."""
    return address.removeprefix("<").removesuffix(">")
