"""Makes ``twist mailhub`` known to Twisted.  The folders above have no ``__init__.py``: they add
to Twisted's own package."""

from twisted.application.service import ServiceMaker

mailhub = ServiceMaker(
    "mailhub", "mailhub.service.plugin", "A mailbox server: IMAP4, POP3 and LMTP.", "mailhub"
)
