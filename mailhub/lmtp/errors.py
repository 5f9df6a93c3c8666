"""From what mailhub refuses to what LMTP answers: the one table.  RFC 5321 4.2, RFC 3463.

A 4xx keeps the message in the sender's queue, a 5xx returns it to the author: whatever may be
better later, and whatever an administrator can mend, is a 4xx.
"""

from __future__ import annotations

from mailhub.lmtp.wire import Reply, reply
from mailhub.model.errors import (
    AccountDisabled,
    Damaged,
    FullForNow,
    InUse,
    LimitReached,
    MailboxGone,
    MessageTooLarge,
    NoSuchAccount,
    NoSuchMailbox,
    NoSuchRecipient,
    NotPermitted,
    OverQuota,
    Refusal,
    StorageFull,
    Unavailable,
)

REPLIES: dict[type[Exception], tuple[int, str]] = {
    NoSuchRecipient: (550, "5.1.1"),
    NoSuchAccount: (550, "5.1.1"),  # deleted between RCPT and the end of the message
    AccountDisabled: (550, "5.2.1"),
    OverQuota: (552, "5.2.2"),
    FullForNow: (452, "4.2.2"),
    MessageTooLarge: (552, "5.3.4"),
    NotPermitted: (550, "5.7.1"),
    LimitReached: (452, "4.2.2"),
    StorageFull: (452, "4.3.1"),
    InUse: (451, "4.2.0"),
    MailboxGone: (451, "4.2.0"),
    NoSuchMailbox: (451, "4.2.0"),
    Damaged: (451, "4.2.0"),
    Unavailable: (451, "4.3.0"),
    Refusal: (550, "5.7.1"),  # a filter's own refusal
}


def reply_for(problem: Exception) -> Reply:
    """The reply to *problem*; one that is no Refusal is temporary and tells nothing."""
    for kind in type(problem).__mro__:
        if kind in REPLIES:
            code, status = REPLIES[kind]
            return reply(code, status, with_id(problem))
    return reply(451, "4.3.0", "Internal error, try again later")


def with_id(problem: Exception) -> str:
    """What *problem* says, and the id under which the log knows more."""
    reason_id = getattr(problem, "reason_id", "")
    return f"{problem} ({reason_id})" if reason_id else str(problem)
