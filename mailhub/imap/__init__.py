"""IMAP4rev1 and IMAP4rev2.  RFC 3501, RFC 9051.

bytes -> :mod:`.wire.framing` -> :mod:`.dispatch` finds the command in :mod:`.registry` and checks
its state -> its ``parse`` -> its handler, with a :class:`.session.Session` -> updates of the
selected mailbox (:mod:`.updates`) -> the tagged reply.  One module per family of commands in
:mod:`.commands` holds grammar, action and reply.
"""
