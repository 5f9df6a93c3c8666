"""The commands, one module per family: grammar, action and reply in one place.

Importing a module registers its commands; the order here is CAPABILITY's.
"""

from mailhub.imap.commands import (  # noqa: F401, I001
    basic,
    login,
    authenticate,
    starttls,
    enable,
    id,
    namespace,
    list,
    lsub,
    mailboxes,
    status,
    quota,
    select,
    idle,
    append,
    fetch,
    store,
    search,
    copy,
    move,
    expunge,
)
