"""What makes IMAP connections: give it a portal and an endpoint, and it serves.

>>> endpoint.listen(IMAP4Factory(portal))                              # doctest: +SKIP

The portal may be anybody's; its avatars provide :class:`mailhub.interfaces.IAccount`.
"""

from __future__ import annotations

from twisted.cred.portal import Portal
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import ServerFactory

from mailhub.config.options import AuthConfig, ImapConfig
from mailhub.imap.protocol import ImapProtocol
from mailhub.interfaces_quota import IQuotaRoots
from mailhub.net.host import Host
from mailhub.net.login import LogIn


class IMAP4Factory(ServerFactory):
    """Serves the accounts of *portal*; one factory may serve many listeners.

    *host* lends the reactor, limits, TLS and counters (None: defaults, no TLS); *auth* says where
    passwords may come in clear; *quota_roots* lets administrators set quotas (None: nobody can).
    """

    noisy = False

    def __init__(
        self,
        portal: Portal,
        config: ImapConfig | None = None,
        host: Host | None = None,
        auth: AuthConfig | None = None,
        quota_roots: IQuotaRoots | None = None,
    ) -> None:
        self._portal = portal
        self._config = config or ImapConfig()
        self._auth = auth or AuthConfig()
        self._host = host
        self._quota_roots = quota_roots
        self._log_in: LogIn | None = None

    def buildProtocol(self, addr: IAddress | None) -> ImapProtocol:
        host = self._host = self._host or Host.default()
        log_in = self._log_in = self._log_in or LogIn(self._portal, host, self._auth)
        protocol = ImapProtocol(host, log_in, self._config, self._quota_roots)
        protocol.factory = self
        return protocol
