"""IDLE.  RFC 9051 6.3.13, RFC 2177.

A line now and then tells routers with address translation, and the clients behind them, that
the connection lives.
"""

from __future__ import annotations

from mailhub.imap.errors import Bad, Done
from mailhub.imap.registry import command, nothing
from mailhub.imap.session import Session, State
from mailhub.imap.wire.writer import Text


@command("IDLE", nothing, state=State.AUTHENTICATED, capabilities=("IDLE",))
async def idle(session: Session, _: None) -> Done:
    session.continuation("Idling")
    session.idling = True
    heartbeat = Heartbeat(session)
    try:
        line = await _line(session)
    finally:
        heartbeat.stop()
        session.idling = False
    if line.strip().upper() != b"DONE":
        raise Bad("DONE expected")
    return Done("IDLE terminated")


async def _line(session: Session) -> bytes:
    """The line that ends it; meanwhile, what happens in the mailbox is told at once."""
    await session.catch_up(expunge=True)
    while (line := session.input.line_now()) is None:
        if session.selected is not None and session.selected.watch.stale:
            await session.catch_up(expunge=True)  # meanwhile the line may come
        else:
            await session.input.wait()
    return line


class Heartbeat:
    """Says something every ``idle_heartbeat`` seconds."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._again()

    def _again(self) -> None:
        seconds = self._session.config.idle_heartbeat
        self._call = self._session.connection.call_later(seconds, self._beat)

    def _beat(self) -> None:
        self._session.untagged("OK", Text("Still here"))
        self._again()

    def stop(self) -> None:
        if self._call.active():
            self._call.cancel()
