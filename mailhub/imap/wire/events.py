"""What framing finds in the incoming bytes; see :mod:`.framing`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Framed:
    """One command, or what follows a message literal in one.

    The text keeps each literal's ``{n}`` and the CRLF behind it; the octets stand in *literals*.
    """

    text: bytes
    literals: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Literal:
    """An announced literal.  ``waits``: the client sends it only after a continuation."""

    octets: int
    waits: bool
    binary: bool


@dataclass(frozen=True, slots=True)
class CommandReady:
    command: Framed


@dataclass(frozen=True, slots=True)
class ContinuationWanted:
    """The client waits before it sends a literal, which will be taken."""


@dataclass(frozen=True, slots=True)
class MessageAnnounced:
    """A message literal: either ``take`` it or ``abandon`` the command."""

    command: Framed
    literal: Literal


@dataclass(frozen=True, slots=True)
class CommandRefused:
    """Over a limit.  What belongs to the command has been dropped; the session can go on."""

    command: Framed
    reason: str


@dataclass(frozen=True, slots=True)
class Abandoned:
    """The rest of an abandoned command has been dropped."""


@dataclass(frozen=True, slots=True)
class Hopeless:
    """This connection cannot be understood any more: say *reason* and close it."""

    reason: str


Event = CommandReady | ContinuationWanted | MessageAnnounced | CommandRefused | Abandoned | Hopeless
