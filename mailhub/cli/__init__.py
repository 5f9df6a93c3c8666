"""The command line: ``mailhub NOUN VERB``.

One module per noun, each with a click command or group named ``group`` and a docstring that says
what it is for; this list is all there is to register.  Exit codes: 0 done, 1 refused or problems
found, 2 wrong usage, 75 temporarily impossible.
"""

from __future__ import annotations

import click

from mailhub import __version__
from mailhub.cli import (
    account,
    alias,
    bench,
    check,
    deliver,
    directory,
    doctor,
    domain,
    explain,
    mailbox,
    passwd,
    policy,
    quota,
    report,
    server,
    session,
    staleclients,
)

NOUNS = (
    domain,
    account,
    alias,
    passwd,
    mailbox,
    session,
    server,
    check,
    explain,
    directory,
    policy,
    quota,
    staleclients,
    deliver,
    doctor,
    report,
    bench,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mailhub", message="%(prog)s %(version)s")
def cli() -> None:
    """Look after a mailhub server: works while the server runs.

    The server itself is started with: twist mailhub
    """


for noun in NOUNS:
    cli.add_command(noun.group)


def main() -> None:
    """The ``mailhub`` console script."""
    cli(prog_name="mailhub")
