"""``mailhub explain``: why something was refused, or would be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing

import click

from mailhub.cli.context import Cli, Failed, options
from mailhub.cli.meanings import meaning
from mailhub.cli.output import Row, human, printable, step_lines
from mailhub.cli.tokens import token
from mailhub.cli.trial import delivery, login
from mailhub.log import as_sentence
from mailhub.store.hub.refusals import Record, Refusals

_ID = re.compile(r"r?-?([0-9a-hjkmnp-tv-z]{8})")
_ALIKE = str.maketrans("ilo", "110")  # what is read out on the phone
_TOLD = ("time", "event", "reason_id", "steps", "traceback", "process")


class _IdOrNoun(click.Group):
    """``explain r-1a2b3c4d`` is ``explain id r-1a2b3c4d``."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and reason_id_in(args[0]):
            args = ["id", *args]
        return super().resolve_command(ctx, args)


@click.group("explain", cls=_IdOrNoun)
def group() -> None:
    """Why something was refused: mailhub explain ID, with the id that the client was shown."""


for _try in (delivery, login, token):
    group.add_command(_try)


@group.command("id")
@click.argument("reason_id", metavar="ID")
@options
def id_(cli: Cli, reason_id: str) -> None:
    """What is known about the refusal with this id."""
    wanted = reason_id_in(reason_id)
    if not wanted:
        raise click.UsageError(f"{reason_id} is no reason id: r- and eight signs")
    with closing(Refusals(cli.data)) as refusals:
        record = refusals.find(wanted)
    if record is None:
        text = f"nothing is kept about {wanted}: it is too old, or of another server"
        raise Failed(text, as_json=cli.out.as_json)
    if cli.out.as_json:
        cli.out.json(record | {"meaning": meaning(record)})
    else:
        cli.out.lines(map(printable, _told(record)))


@group.command()
@click.option("--account", help="Only of this account, user name or recipient.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@options
def recent(cli: Cli, account: str | None, limit: int) -> None:
    """The latest refusals, the last one first."""
    with closing(Refusals(cli.data)) as refusals:
        records = [r for r in refusals.recent() if account is None or _concerns(r, account)]
    cli.out.rows([_row(record) for record in records[:limit]], COLUMNS)


COLUMNS = ("time", "reason_id", "protocol", "who", "peer", "outcome", "detail")


def reason_id_in(text: str) -> str:
    """The id that somebody has copied or typed, perhaps with brackets; "": there is none."""
    found = _ID.fullmatch(text.strip(" ()[].").lower().translate(_ALIKE))
    return f"r-{found[1]}" if found else ""


def _told(record: Record) -> Iterator[str]:
    yield f"{record['reason_id']}: {as_sentence(record['event'], record)}"
    yield ""
    fields: Row = {"when": human("time", int(record["time"]))} | {
        key: value for key, value in record.items() if key not in _TOLD
    }
    width = max(map(len, fields))
    for key, value in fields.items():
        yield f"{key.replace('_', ' '):<{width}}  {human(key, value)}"
    if steps := record.get("steps"):
        yield ""
        yield from step_lines(steps)
    if traceback := record.get("traceback"):
        yield ""
        yield from traceback.splitlines()
    yield ""
    yield meaning(record)


def _who(record: Record) -> object:
    return next((record[k] for k in ("user", "recipient", "account") if record.get(k)), None)


def _concerns(record: Record, account: str) -> bool:
    known = (str(record.get(key, "")).casefold() for key in ("user", "recipient", "account"))
    return account.casefold() in known


def _row(record: Record) -> Row:
    return {
        "time": int(record["time"]),
        "reason_id": record["reason_id"],
        "protocol": record.get("protocol"),
        "who": _who(record),
        "peer": record.get("peer"),
        "outcome": record.get("outcome", "internal error"),
        "detail": record.get("detail") or record.get("reason"),
    }
