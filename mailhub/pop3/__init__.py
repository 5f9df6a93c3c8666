"""POP3 as a server: RFC 1939, 2449, 2595, 3206, 5034, 6856, 8314.

- :mod:`.wire`      lines, replies, dot-stuffing (sans-IO)
- :mod:`.commands`  which commands there are, in which state, and what they do
- :mod:`.maildrop`  INBOX as it was at log-in, packed
- :mod:`.surrogate` headers of internationalised mail for clients without UTF-8 mode
- :mod:`.session`   what a connection knows; dispatch of one command
- :mod:`.protocol`  the connection itself
- :mod:`.delay`     LOGIN-DELAY
- :mod:`.errors`    from refusals to ``-ERR [CODE]``
- :mod:`.factory`   what a listener serves

Left out on purpose: APOP, which needs passwords stored in clear, and any effect of POP3 on
flags: fetching a message with POP3 does not mark it as read, since POP3 clients fetch long before
anybody reads, and IMAP clients of the same account would show no new mail.
"""
