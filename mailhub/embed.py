"""mailhub inside a Twisted application of your own.

``IMAP4Factory`` and ``POP3Factory`` take a twisted.cred Portal whose realm gives out avatars that
provide :class:`mailhub.interfaces.IAccount`; ``LMTPFactory`` takes an object that provides
:class:`mailhub.interfaces.IDelivery`.  A ``Host`` carries what connections share (limits, TLS,
metrics); without one a factory makes its own with defaults.  Nothing here is global:
docs/embedding.rst composes both protocols over one portal, and ``twist mailhub`` is composed of
the same parts.
"""

from __future__ import annotations

from mailhub.imap.factory import IMAP4Factory
from mailhub.lmtp.factory import LMTPFactory
from mailhub.net.host import Host
from mailhub.net.tls import TlsContexts
from mailhub.pop3.factory import POP3Factory

__all__ = ["Host", "IMAP4Factory", "LMTPFactory", "POP3Factory", "TlsContexts"]
