"""A server over real sockets for test_sockets: prints its port, obeys a few words.

``flood`` sends 64 MiB in slices, ``bye`` says goodbye and closes, ``memory`` tells the most memory
the process has used, in KiB; anything else is echoed.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Any

from twisted.internet import reactor as the_reactor  # noqa: TID251 - a process of its own
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory

from mailhub import log
from mailhub.config.options import Limits, Listener, TlsConfig
from mailhub.net.connection import Connection
from mailhub.net.doors import Door
from mailhub.net.doorway import Doorway, entry_of
from mailhub.net.host import Host
from mailhub.net.listen import bind
from mailhub.net.selfsigned import ensure_certificate
from mailhub.net.tls import TlsContexts

FLOOD_SLICES = 1024
SLICE = b"x" * 65536


class Obedient(Connection):
    def greet(self) -> None:
        self.write(b"hello\r\n")

    def received(self, data: bytes) -> None:
        if data.startswith(b"flood"):
            self.spawn(self._flood())
        elif data.startswith(b"bye"):
            self.write(b"goodbye\r\n")
            self.close()
        elif data.startswith(b"memory"):
            used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            self.write(b"%d\r\n" % used)
        else:
            self.write(data)

    async def _flood(self) -> None:
        for _ in range(FLOOD_SLICES):
            self.write(SLICE)
            await self.ready()

    def refused(self, reason: str) -> None:
        self.write(reason.encode() + b"\r\n")


class Obedients(Factory):
    noisy = False

    def __init__(self, host: Host) -> None:
        self._host = host

    def buildProtocol(self, addr: IAddress | None) -> Obedient:
        return Obedient(self._host, "test")


def serve(reactor: Any, folder: Path, tls: str, write_timeout: float) -> None:
    contexts = TlsContexts(TlsConfig((ensure_certificate(folder),)))
    limits = Limits(max_connections=20, write_timeout=write_timeout)
    host = Host(reactor, limits=limits, tls=contexts)
    listener = Listener("imap", "127.0.0.1:0", tls="implicit" if tls == "implicit" else "none")
    opened = bind(listener)
    Door(reactor, opened.socket, Doorway(Obedients(host), entry_of(listener)))
    print(opened.tcp_port, flush=True)


def main(folder: str, tls: str, write_timeout: str) -> None:
    from twisted.logger import globalLogBeginner

    observer = log.make_observer(log.StandardError(), "text", "debug")
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
    reactor: Any = the_reactor
    serve(reactor, Path(folder), tls, float(write_timeout))
    reactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
