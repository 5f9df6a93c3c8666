"""Twisted's TCP transports, asked to do at once what they would leave to the next turn.

Waiting for that turn costs two calls of epoll_ctl, one of epoll_wait and the reactor's way there
and back: as much as handling a small command.  What cannot be done at once is left to Twisted.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.tcp import Connection


def sent_now(transport: Any, data: bytes) -> int:
    """How many octets of *data* a plain socket with nothing in its buffers has taken at once.

    Twisted's own ``write`` leaves it to the next turn of the reactor.
    """
    if not _is_idle(transport):
        return 0
    sent = transport.writeSomeData(data)
    return sent if isinstance(sent, int) else 0  # an error: it comes again, and is seen to


def close_output(transport: Any) -> None:
    """Send no more than what is in the transport's buffers; the client may still send."""
    if _is_idle(transport):
        transport._writeDisconnecting = transport._writeDisconnected = True
        transport._closeWriteConnection()
    elif hasattr(transport, "loseWriteConnection"):
        transport.loseWriteConnection()
    else:
        transport.loseConnection()


def _is_idle(transport: Any) -> bool:
    """Whether it is a plain socket that is open and has nothing in its buffers."""
    if not isinstance(transport, Connection) or transport.disconnecting:
        return False
    return bool(
        transport.connected
        and not transport._writeDisconnecting
        and not transport.dataBuffer
        and not transport._tempDataBuffer
    )


def unsent(transport: Any) -> int:
    """What a Twisted TCP transport still has in its buffers; 0 for one that does not tell."""
    below = getattr(transport, "transport", None)  # TLS keeps next to nothing itself
    if below is not None:
        return unsent(below)
    waiting = getattr(transport, "_tempDataLen", 0) + len(getattr(transport, "dataBuffer", b""))
    return int(waiting) - int(getattr(transport, "offset", 0))
