"""``mailhub bench``: measure mail servers, this one or others, over their protocols."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from mailhub.bench import protocols as comparison
from mailhub.bench.micro import chosen
from mailhub.bench.micropage import micro_page
from mailhub.bench.page import protocols_page
from mailhub.bench.protocols import Plan
from mailhub.bench.results import as_json
from mailhub.bench.rounds import Plan as MicroPlan
from mailhub.bench.rounds import measure
from mailhub.bench.steps import BenchError
from mailhub.bench.tables import habits_tables, limited, micro_table, waiting_table
from mailhub.bench.target import TLS_MODES, Target, checked, read_target
from mailhub.cli.context import EX_REFUSED, Failed
from mailhub.cli.output import Output, console

PASSWORD = "MAILHUB_BENCH_PASSWORD"  # noqa: S105  the name of an environment variable


@click.group("bench")
def group() -> None:
    """Measure mail servers over IMAP, POP3 and LMTP.

    Use accounts made for it: the mail in their INBOX is deleted.  TARGET is a TOML file that
    describes a server; every option that describes one may stand in it.
    """


def described(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that describe a server; it gets a Target."""

    @click.argument("file", metavar="[TARGET]", required=False, type=click.Path(path_type=Path))
    @click.option("--host", help="Where the server is.  [default: 127.0.0.1]")
    @click.option("--imap", type=int, help="Port of IMAP.")
    @click.option("--pop3", type=int, help="Port of POP3.")
    @click.option("--lmtp", type=int, help="Port of LMTP.")
    @click.option("--tls", type=click.Choice(TLS_MODES), help="[default: none]")
    @click.option("--ca", help="Certificates to trust, a PEM file.")
    @click.option("--insecure", is_flag=True, default=None, help="Trust any certificate.")
    @click.option("--user", help="Log-in name; {n} is the number of the account.")
    @click.option("--recipient", help="Address of an account, if not its log-in name.")
    @click.option("--accounts", type=int, help="How many accounts there are.  [default: 1]")
    @click.option("--pid", type=int, help="Of the server, if its sockets do not tell.")
    @functools.wraps(command)
    def run(file: Path | None, **given: Any) -> None:
        names = Target.__dataclass_fields__
        options = {name: given.pop(name) for name in list(given) if name in names}
        command(_target(file, {k: v for k, v in options.items() if v is not None}), **given)

    return run


def _target(file: Path | None, options: dict[str, Any]) -> Target:
    try:
        target = read_target(file) if file else None
        base = asdict(target) if target else {}
        built = checked(Target(**{**base, **options}))
    except BenchError as error:
        raise Failed(str(error)) from error
    if built.password:
        return built
    password = os.environ.get(PASSWORD) or click.prompt("Password", hide_input=True, err=True)
    return Target(**{**asdict(built), "password": password})


def measuring(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of the workloads; it gets a Plan."""

    @click.option("--only", multiple=True, metavar="NAME", help="Only this workload; repeatable.")
    @click.option("--rounds", default=1, show_default=True, type=click.IntRange(1))
    @click.option(
        "--messages",
        default=10_000,
        show_default=True,
        type=click.IntRange(1),
        help="In the mailbox that is read.",
    )
    @click.option("--seconds", default=3.0, show_default=True, help="For each rate.")
    @click.option("--idle", default=2000, show_default=True, help="Idle connections.")
    @click.option(
        "--settle",
        default=8.0,
        show_default=True,
        help="Seconds until their memory is read: servers put idle sessions to rest.",
    )
    @click.option("--seed", default=1, show_default=True, help="Of the mail that is made.")
    @click.option("--erase", is_flag=True, help="The accounts may hold mail; it is deleted.")
    @click.option("--keep", is_flag=True, help="Leave the mail there for another run.")
    @click.option("--html", type=click.Path(path_type=Path), help="Write a page with charts.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    @functools.wraps(command)
    def run(*args: Any, only: Sequence[str], as_json: bool, **given: Any) -> None:
        names = ("rounds", "messages", "seconds", "idle", "settle", "seed", "erase", "keep")
        try:
            plan = MicroPlan(chosen(only), **{name: given.pop(name) for name in names})
            command(*args, plan=plan, out=Output(as_json=as_json), **given)
        except BenchError as error:
            raise Failed(str(error), as_json=as_json) from error

    return run


@group.command()
@described
@measuring
def micro(target: Target, plan: MicroPlan, out: Output, html: Path | None) -> None:
    """Single commands and deliveries, one workload after the other."""
    _measure([target], plan, out, html)


@group.command()
@click.argument("files", metavar="A B", nargs=2, type=click.Path(path_type=Path))
@measuring
def compare(files: Sequence[Path], plan: MicroPlan, out: Output, html: Path | None) -> None:
    """The workloads of micro on two servers in turn; the ratio is above 1 where A is better."""
    _measure([_target(file, {}) for file in files], plan, out, html)


@group.command()
@described
@click.option(
    "--clients",
    default="1,10,100",
    show_default=True,
    help="How many at once; each needs an account.",
)
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
@click.option(
    "--messages", default=50, show_default=True, type=click.IntRange(20), help="In every INBOX."
)
@click.option(
    "--interval",
    default=2.0,
    show_default=True,
    type=click.FloatRange(0.1),
    help="Seconds between two looks, while waiting.",
)
@click.option(
    "--large",
    default=5_000_000,
    show_default=True,
    type=click.IntRange(30_000),
    help="Octets of the large message.",
)
@click.option("--seed", default=1, show_default=True, help="Of the mail that is made.")
@click.option("--erase", is_flag=True, help="The accounts may hold mail; it is deleted.")
@click.option("--html", type=click.Path(path_type=Path), help="Write a page with charts.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def protocols(target: Target, clients: str, html: Path | None, as_json: bool, **given: Any) -> None:
    """IMAP beside POP3: what the same mail costs people and the server."""
    out = Output(as_json=as_json)
    try:
        document = comparison.compare(target, Plan(_numbers(clients), **given), _say)
        _say("")
    except BenchError as error:
        raise Failed(str(error), as_json=as_json) from error
    if html:
        html.write_text(protocols_page(document), "utf-8")
    if as_json:
        out.json(document)
    else:
        terminal = console()
        for table in (*habits_tables(document, terminal.width), waiting_table(document)):
            terminal.print(table, "", sep="\n")
        if limited(document):
            out.note("* the clients' own processes were busy: a larger machine would show more")


def _numbers(text: str) -> list[int]:
    try:
        numbers = sorted({int(word) for word in text.split(",")})
    except ValueError:
        raise click.BadParameter("numbers with commas between them", param_hint="clients") from None
    if numbers[0] < 1:
        raise click.BadParameter("at least 1", param_hint="clients")
    return numbers


def _measure(targets: Sequence[Target], plan: MicroPlan, out: Output, html: Path | None) -> None:
    rows = measure(targets, plan, _say)
    _say("")
    settings = asdict(plan) | {"workloads": [w.name for w in plan.workloads]}
    document = as_json(targets, rows, settings)
    if html:
        html.write_text(micro_page(document), "utf-8")
    if out.as_json:
        out.json(document)
    else:
        console().print(micro_table(targets, rows))
    if any(series.failed() for row in rows for series in row.servers):
        raise SystemExit(EX_REFUSED)


def _say(sentence: str) -> None:
    """What is being done, for somebody who waits."""
    if sys.stderr.isatty():
        room = shutil.get_terminal_size().columns - 1
        click.echo(f"{sentence[:room]}\x1b[K\r", nl=False, err=True)
