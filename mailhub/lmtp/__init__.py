"""LMTP, the way mail comes in: RFC 2033 with PIPELINING, CHUNKING, SIZE, SMTPUTF8 and STARTTLS.

- :mod:`.wire`      framing of commands, DATA and BDAT; replies (sans-IO)
- :mod:`.paths`     MAIL and RCPT: addresses and parameters (sans-IO)
- :mod:`.session`   one connection's dialogue, command by command
- :mod:`.transaction`  one message on its way from MAIL to the replies of its recipients
- :mod:`.protocol`  the connection itself
- :mod:`.errors`    from refusals to replies with enhanced status codes
- :mod:`.factory`   what a listener serves

Left out on purpose: AUTH (who may deliver is a matter of sockets and networks), DSN and
BINARYMIME.  This is no SMTP server: HELO and EHLO are refused (RFC 2033 4.1).
"""
