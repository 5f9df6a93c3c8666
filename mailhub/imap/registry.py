"""The commands there are: name, grammar, handler, and what is true of them.

A module in :mod:`.commands` registers its commands with :func:`command`; dispatch and CAPABILITY
read nothing but this table.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from mailhub.imap.errors import Done
from mailhub.imap.session import Session, State
from mailhub.imap.wire.reader import Reader
from mailhub.imap.wire.writer import Raw, render

T = TypeVar("T")

Handler = Callable[[Session, T], Coroutine[Any, Any, Done | None]]
Capability = str | Callable[[Session], tuple[str, ...]]
"""A name, or what gives the names that hold for a session as it is now."""
Varying = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Command:
    """One row; the fields are those of :func:`command`."""

    name: str
    parse: Callable[[Reader], Any]
    run: Handler[Any]
    state: State
    capabilities: tuple[Capability, ...]
    expunge_ok: bool
    trycreate: bool
    secret: bool
    is_message: Callable[[Reader], bool] | None


_commands: dict[str, Command] = {}


def command(
    name: str,
    parse: Callable[[Reader], T],
    *,
    state: State,
    capabilities: tuple[Capability, ...] = (),
    expunge_ok: bool = True,
    trycreate: bool = False,
    secret: bool = False,
    is_message: Callable[[Reader], bool] | None = None,
) -> Callable[[Handler[T]], Handler[T]]:
    """Register the decorated handler as *name* ("UID FETCH" for the UID form of FETCH).

    *parse* reads what follows the name, up to the end.  *state* is where the command is allowed.
    *capabilities* are advertised because of it.  Not *expunge_ok*: message numbers must not
    change before its reply (9051 7.5.1).  *trycreate*: a mailbox that does not exist is worth
    creating (9051 7.1).  *secret*: its arguments are kept out of the flight record.
    *is_message* says at a literal's mark whether it is a message, which the handler then reads
    from ``session.message``.
    """

    def register(run: Handler[T]) -> Handler[T]:
        assert name not in _commands, name
        _commands[name] = Command(
            name, parse, run, state, capabilities, expunge_ok, trycreate, secret, is_message
        )
        return run

    return register


def find(name: str) -> Command | None:
    """The command of that name, which is in upper case."""
    return _commands.get(name)


def commands() -> tuple[Command, ...]:
    """All of them, in the order in which the modules list them."""
    return tuple(_commands.values())


def nothing(r: Reader) -> None:
    """The grammar of commands without arguments."""
    r.end()


def capabilities(session: Session) -> tuple[str, ...]:
    """What CAPABILITY tells *session*, each once, without those hidden by the configuration."""
    return _capabilities(_of(session), session.config.hidden_capabilities)


def rendered_capabilities(session: Session) -> Raw:
    """The same as it goes out; every connection is told twice."""
    return _rendered(_of(session), session.config.hidden_capabilities)


def _of(session: Session) -> Varying:
    """What is its own among the capabilities."""
    return tuple([capability(session) for capability in _varying(len(_commands))])


@lru_cache(1)
def _varying(count: int) -> list[Callable[[Session], tuple[str, ...]]]:
    """Those of the *count* commands' capabilities that are not the same for every session."""
    return [c for entry in commands() for c in entry.capabilities if not isinstance(c, str)]


@lru_cache(256)
def _capabilities(varying: Varying, hidden: tuple[str, ...]) -> tuple[str, ...]:
    unseen = {name.upper() for name in hidden}
    found = iter(varying)
    names: dict[str, None] = {}
    for entry in commands():
        for capability in entry.capabilities:
            some = (capability,) if isinstance(capability, str) else next(found)
            names.update(dict.fromkeys(some))
    return tuple(name for name in names if name.upper() not in unseen)


@lru_cache(256)
def _rendered(varying: Varying, hidden: tuple[str, ...]) -> Raw:
    return Raw(render(_capabilities(varying, hidden)))
