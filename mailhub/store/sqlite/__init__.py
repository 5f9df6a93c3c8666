"""The embedded engine: one SQLite file per account.

- :mod:`.store`, :mod:`.account`, :mod:`.mailbox`: what provides ``interfaces``
- :mod:`.accountfile`: an open account: who reads it where
- :mod:`.writer`, :mod:`.groupcommit`, :mod:`.transaction`: how it is written
- :mod:`.folders`, :mod:`.filing`, :mod:`.moving`, :mod:`.flagging`: what is written
- :mod:`.views`, :mod:`.rows`, :mod:`.content`, :mod:`.searching`: what is read
- :mod:`.housekeeping`, :mod:`.check`: upkeep and proof
- :mod:`.files`, :mod:`.connection`, :mod:`.packing`, :mod:`.seams`: what they stand on

Functions that take a ``tx`` run in a writer thread inside a transaction, functions that take a
``db`` only read; both are plain and synchronous.
"""
