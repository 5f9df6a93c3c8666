"""FETCH from the items a client asked for to bytes (RFC 9051 6.4.5, 7.5.2).

- :mod:`.values`    columns of stored values to the bytes that stand for them
- :mod:`.plan`      a command's items, compiled once into one template and its columns
- :mod:`.run`       the answer, slice by slice
- :mod:`.sections`  BODY[...]: where a section lies in a message
- :mod:`.content`   BODY[...] and BINARY[...] of messages that come in a row
- :mod:`.binary`    content-transfer-encodings undone
- :mod:`.stream`    messages too long for a row, piece by piece
- :mod:`.flagrows`, :mod:`.flaglines`  flags that are told unasked, and by STORE

The table of items is :mod:`mailhub.imap.fetch_items`; the command is ``commands/fetch.py``.
"""
