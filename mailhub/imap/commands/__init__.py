"""The commands, one module per family: grammar, action and reply in one place.

This list is what makes a command exist; the order is CAPABILITY's.
"""

from mailhub.imap.commands import (  # noqa: F401  (importing registers)
    basic,
    copy,
    expunge,
    fetch,
    move,
    search,
    store,
)
