"""What an LMTP listener serves."""

from __future__ import annotations

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import ServerFactory

from mailhub.config.options import LmtpConfig
from mailhub.interfaces import IDelivery
from mailhub.lmtp.protocol import LmtpProtocol
from mailhub.net.host import Host


class LMTPFactory(ServerFactory):
    """Takes in mail for *delivery*; nothing global, one factory may serve many listeners."""

    noisy = False

    def __init__(
        self, delivery: IDelivery, config: LmtpConfig | None = None, host: Host | None = None
    ) -> None:
        self._delivery = delivery
        self._config = config or LmtpConfig()
        self._host = host

    def buildProtocol(self, addr: IAddress | None) -> LmtpProtocol:
        if self._host is None:
            self._host = Host.default()
        protocol = LmtpProtocol(self._host, self._delivery, self._config)
        protocol.factory = self
        return protocol
