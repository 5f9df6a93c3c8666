"""What a POP3 listener serves."""

from __future__ import annotations

from twisted.cred.portal import Portal
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import ServerFactory

from mailhub.config.options import AuthConfig, Pop3Config
from mailhub.net.host import Host
from mailhub.net.login import LogIn
from mailhub.pop3.delay import LoginDelay
from mailhub.pop3.protocol import Pop3Protocol


class POP3Factory(ServerFactory):
    """Serves the INBOX of whoever *portal* lets in; its avatars provide IAccount.

    Nothing global: without *host* one with all defaults is made when the first client connects.
    One factory may serve many listeners.
    """

    noisy = False

    def __init__(
        self,
        portal: Portal,
        config: Pop3Config | None = None,
        host: Host | None = None,
        auth: AuthConfig | None = None,
    ) -> None:
        self._portal = portal
        self._config = config or Pop3Config()
        self._auth = auth or AuthConfig()
        self._host = host
        self._served: tuple[Host, LogIn, LoginDelay] | None = None

    def buildProtocol(self, addr: IAddress | None) -> Pop3Protocol:
        if self._served is None:
            self._served = self._make(self._host or Host.default())
        host, log_in, delay = self._served
        protocol = Pop3Protocol(host, log_in, self._config, delay)
        protocol.factory = self
        return protocol

    def _make(self, host: Host) -> tuple[Host, LogIn, LoginDelay]:
        delay = LoginDelay(self._config.login_delay, host.reactor.seconds, host.shared)
        return host, LogIn(self._portal, host, self._auth), delay
