"""The values and refusals that every part of mailhub shares.

Plain data: nothing here knows a protocol, a database or Twisted.

- :mod:`.errors`   what can be refused, and why (each protocol maps these to its own replies)
- :mod:`.flags`    message flags as bits
- :mod:`.names`    mailbox names
- :mod:`.numbers`  sets of UIDs or sequence numbers
- :mod:`.mail`     identifiers and records of accounts, mailboxes and messages
- :mod:`.search`   what a search asks for
"""
