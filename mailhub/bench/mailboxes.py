"""The INBOXes of a comparison: always the same mail, without filing all of it again every time.

What a habit has added is taken away, what it has deleted is filed again.  The large message, where
it is wanted, is the last one.
"""

from __future__ import annotations

from collections.abc import Iterable

from mailhub.bench import mail
from mailhub.bench.connection import Connection
from mailhub.bench.crew import Crew
from mailhub.bench.imap import Imap
from mailhub.bench.job import Job, Part
from mailhub.bench.steps import Steps

_FEEDERS = 8


class Mailboxes:
    """*feeders* file the mail: other processes than those that are measured."""

    def __init__(self, feeders: Crew, messages: int, large_octets: int, seed: int) -> None:
        self._feeders = feeders
        self._options = {"messages": messages, "large_octets": large_octets, "seed": seed}
        self._known: set[int] = set()
        self._large: set[int] = set()

    def make_ready(self, accounts: int, *, large: bool) -> None:
        """Let the first *accounts* hold the mail of the plan, and *large*: the large message."""
        wanted = set(range(accounts))
        options = {
            "fresh": wanted - self._known,
            "with_large": self._large & wanted,
            "large": large,
        }
        self._feed(_restore, wanted, options)
        self._known |= wanted
        self._large = self._large | wanted if large else self._large - wanted

    def add(self, accounts: int, messages: int) -> None:
        """New mail for the first *accounts*."""
        self._feed(_add, range(accounts), {"more": messages})

    def _feed(self, script: object, accounts: Iterable[int], options: dict[str, object]) -> None:
        numbers = sorted(accounts)
        every = {**self._options, **options, "accounts": numbers, "script": script}
        self._feeders.run(Job(_client, min(_FEEDERS, len(numbers)), options=every))


def _client(part: Part, number: int) -> tuple[Connection, Steps[None]]:
    imap = Imap(part.target, part.counts)

    def steps() -> Steps[None]:
        for account in part.options["accounts"][number::_FEEDERS]:
            yield from imap.log_in(account)
            yield from imap.learn()
            yield from part.options["script"](part, imap, account)
            yield from imap.log_out()

    return imap, steps()


def _restore(part: Part, imap: Imap, account: int) -> Steps[None]:
    wanted, seed = part.options["messages"], part.options["seed"]
    large = part.options["large"]
    if account in part.options["fresh"]:
        yield from _remove_from(imap, 1)
    keep = wanted + 1 if large and account in part.options["with_large"] else wanted
    yield from _remove_from(imap, keep + 1)
    missing = keep - (yield from imap.select(b"INBOX"))["EXISTS"]
    if missing:
        yield from imap.append(b"INBOX", [mail.typical(n, seed) for n in range(missing)])
    if large and keep == wanted:
        octets = part.options["large_octets"]
        yield from imap.append(b"INBOX", (mail.message(1, octets, seed),))


def _remove_from(imap: Imap, first: int) -> Steps[None]:
    """Expunge the messages from the *first* number on."""
    if (yield from imap.select(b"INBOX"))["EXISTS"] >= first:
        yield from imap.command(b"STORE %d:* +FLAGS.SILENT (\\Deleted)" % first)
        yield from imap.command(b"EXPUNGE")


def _add(part: Part, imap: Imap, account: int) -> Steps[None]:
    first, seed = part.options["messages"], part.options["seed"]
    numbers = range(first, first + part.options["more"])
    yield from imap.append(b"INBOX", [mail.typical(n, seed) for n in numbers])
