"""ENABLE.  RFC 9051 6.3.1, RFC 5161.

Names that are unknown, or known and not to be enabled, are ignored; the ENABLED response comes
even if nothing was enabled.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailhub.imap import registry
from mailhub.imap.registry import command
from mailhub.imap.session import Session, State
from mailhub.imap.wire.reader import Reader

ENABLEABLE = ("CONDSTORE", "IMAP4rev2", "QRESYNC")


@dataclass(frozen=True, slots=True)
class Enable:
    names: tuple[str, ...]


def parse_enable(r: Reader) -> Enable:
    r.sp()
    names = [r.atom()]
    while r.more():
        names.append(r.atom())
    r.end()
    return Enable(tuple(names))


@command("ENABLE", parse_enable, state=State.AUTHENTICATED, capabilities=("ENABLE",))
async def enable(session: Session, cmd: Enable) -> None:
    asked = {name.upper() for name in cmd.names}
    advertised = registry.capabilities(session)
    enabled = [name for name in ENABLEABLE if name.upper() in asked and name in advertised]
    session.untagged("ENABLED", *enabled)
    for name in enabled:
        session.enable(name)
