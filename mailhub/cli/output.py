"""What commands print: tables and sentences for people, JSON for programs.

With ``--json`` exactly one JSON value goes to standard output, times as ISO 8601 in UTC and sizes
as octets.  Progress and questions go to standard error, so that output can be piped.
"""

from __future__ import annotations

import datetime
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

Value = object
Row = Mapping[str, Value]

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_PIPE_WIDTH = 1000
"""When nobody watches, a line is never folded: it will be searched with grep."""


class Output:
    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def rows(self, rows: Sequence[Row], columns: Sequence[str]) -> None:
        """A list of things: all they have in JSON, *columns* for people."""
        if self.as_json:
            self.json(rows)
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(column.replace("_", " "))
        for row in rows:
            table.add_row(*(Text(human(column, row[column])) for column in columns))
        console().print(table)

    def record(self, row: Row) -> None:
        """One thing with all it has."""
        if self.as_json:
            self.json(row)
            return
        width = max(len(key) for key in row)
        for key, value in row.items():
            click.echo(f"{key.replace('_', ' '):<{width}}  {human(key, value)}")

    def done(self, sentence: str, row: Row) -> None:
        """What has been done: a sentence for people, the thing for programs."""
        if self.as_json:
            self.json(row)
        else:
            click.echo(sentence)

    def lines(self, lines: Iterable[str]) -> None:
        for line in lines:
            click.echo(line)

    def json(self, value: Value) -> None:
        click.echo(json.dumps(plain("", value), indent=2, ensure_ascii=False))

    def note(self, sentence: str) -> None:
        """Something to know beside the result."""
        click.echo(sentence, err=True)

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Progress | None]:
        """A bar on standard error while somebody is watching it."""
        if self.as_json or not sys.stderr.isatty():
            yield None
            return
        with Progress(console=Console(stderr=True), transient=True) as progress:
            progress.add_task(what, total=total)
            yield progress


def advance(progress: Progress | None) -> None:
    if progress is not None:
        progress.advance(progress.task_ids[0])


def human(key: str, value: Value) -> str:
    """A value for people; its key says what kind of number it is."""
    match value:
        case None:
            return "never" if key in ("last_login", "last_used", "expires", "walked") else "-"
        case bool():
            return "yes" if value else "no"
        case int() if key in TIMES:
            return datetime.datetime.fromtimestamp(value).strftime("%Y-%m-%d %H:%M")
        case int() if key.endswith("octets"):
            return size(value)
        case Mapping():
            return "; ".join(f"{name} = {human('', item)}" for name, item in value.items()) or "-"
        case list() | tuple():
            return ", ".join(human("", item) for item in value) or "-"
        case _:
            return printable(str(value)) or "-"


TIMES = (
    *("time", "created", "last_login", "since", "started", "last_activity"),
    *("worked", "logged_in", "expires", "last_used", "walked", "distrusted_since"),
)


def plain(key: str, value: Value) -> Value:
    """A value as JSON knows it."""
    match value:
        case Mapping():
            return {str(k): plain(str(k), v) for k, v in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain("", item) for item in value]
        case float() | int() if key in TIMES and not isinstance(value, bool):
            when = datetime.datetime.fromtimestamp(int(value), datetime.UTC)
            return when.strftime("%Y-%m-%dT%H:%M:%SZ")
        case None | bool() | int() | float() | str():
            return value
        case _:
            return str(value)


def step_lines(steps: Sequence[Row]) -> Iterator[str]:
    """One line for each step: its name, then the facts."""
    width = max((len(str(step["what"])) for step in steps), default=0)
    for number, step in enumerate(steps, 1):
        facts = ", ".join(
            f"{key.replace('_', ' ')}: {human(key, value)}"
            for key, value in step.items()
            if key != "what" and value not in (None, "", [])
        )
        yield f"{number:>3}  {step['what']:<{width}}  {facts}"


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def size(octets: int) -> str:
    amount, unit = float(octets), 0
    while amount >= 1024 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{octets} B" if unit == 0 else f"{amount:.1f} {_UNITS[unit]}"


def printable(text: str) -> str:
    """Without control characters: names come from clients and must not drive a terminal."""
    return "".join(c if c.isprintable() or c == " " else "\ufffd" for c in text)


def console() -> Console:
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, width=_PIPE_WIDTH, color_system=None)
