"""mailhub: the mailbox server of organisations that have a directory.

Mail arrives over LMTP, is filed into an SQLite message store and is read over IMAP4 (rev1 and
rev2) and POP3.  ``twist mailhub`` runs it; :mod:`mailhub.embed` is for those who compose it
into a Twisted application of their own.
"""

__version__ = "0.1.0"
