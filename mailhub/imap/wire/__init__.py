"""IMAP's bytes, without I/O: framing, reading commands, writing responses.

- :mod:`.framing`  cuts the incoming bytes into commands and literals
- :mod:`.reader`   a command's arguments, from one framed command (:mod:`.tokens`: the words)
- :mod:`.writer`   the only place that turns values into bytes
- :mod:`.sequence` sequence sets, as written
- :mod:`.dates`    INTERNALDATE and search dates
- :mod:`.utf7`     modified UTF-7, how IMAP4rev1 writes mailbox names

Nothing here imports Twisted or knows a command.
"""
