"""What spans accounts: who exists, who may log in, and how processes tell each other.

- :mod:`.datadir`   the data directory: its layout, and the lock that keeps out a second server
- :mod:`.database`  hub.db: opening, transactions
- :mod:`.domains`, :mod:`.accounts`, :mod:`.aliases`, :mod:`.credentials`, :mod:`.usage`
  synchronous functions over a transaction, for the CLI and for :mod:`.hub`
- :mod:`.hub`       the same for a server: awaitable, batching what need not be durable at once
- :mod:`.bell`      ``run/bell``: "something of this account has changed", between processes
- :mod:`.maildrop`  ``run/pop3.lock``: POP3's exclusive lock, across processes
- :mod:`.standard`  the folders every new account starts with

The account files are the truth about mail; this package only knows their names.
"""
