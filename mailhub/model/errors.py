"""What mailhub refuses, and why.

A refusal says what happened, never how a protocol puts it: ``imap.errors``, ``pop3.errors`` and
``lmtp.errors`` each hold one table from these classes to their replies.  ``str(refusal)`` is a
sentence for the person at the client, free of paths, SQL and other people's names.
"""

from __future__ import annotations


class Refusal(Exception):
    """Base of everything that may be told to a client."""

    explanation = "The request was refused"
    detail = ""
    """More for the log and the administrator, and nobody else."""
    reason_id = ""
    """Set where the refusal is logged, and shown to the client, to bring the two together."""

    def __init__(self, explanation: str | None = None) -> None:
        super().__init__(explanation or self.explanation)


class NoSuchMailbox(Refusal):
    explanation = "No such mailbox"


class MailboxExists(Refusal):
    explanation = "A mailbox of that name exists already"


class BadMailboxName(Refusal):
    explanation = "That is not a valid mailbox name"


class CannotDo(Refusal):
    """A request that can never succeed, such as deleting INBOX."""

    explanation = "That cannot be done"


class NotPermitted(Refusal):
    explanation = "You have no right to do that"


class OverQuota(Refusal):
    explanation = "The mailbox is full"


class FullForNow(OverQuota):
    """The same, where mail is to wait until there is room."""


class NoSuchQuotaRoot(Refusal):
    explanation = "No such quota root"


class LimitReached(Refusal):
    """A limit other than the quota: keywords in a mailbox, mailboxes in an account."""

    explanation = "A limit of this server has been reached"


class MessageTooLarge(Refusal):
    explanation = "The message is larger than this server accepts"


class MessageGone(Refusal):
    """A message was expunged and its content is no longer kept."""

    explanation = "The message has been deleted"


class MailboxGone(Refusal):
    """The mailbox was deleted while it was open."""

    explanation = "The mailbox has been deleted"


class InUse(Refusal):
    """Somebody else holds the maildrop or the resource exclusively."""

    explanation = "Somebody else is using the mailbox"


class Damaged(Refusal):
    """Stored data failed a check; an administrator has to look."""

    explanation = "The stored mail is damaged; the administrator has been told"


class Unavailable(Refusal):
    """Temporary: the same request may succeed later, and nothing was changed."""

    explanation = "Temporarily unavailable, try again later"


class StorageFull(Unavailable):
    """The disk is (nearly) full: new mail is refused, deleting still works."""

    explanation = "The server has no space for new mail at the moment"


class NoSuchAccount(Refusal):
    explanation = "No such account"


class AccountExists(Refusal):
    explanation = "An account, alias or domain of that name exists already"


class AccountDisabled(Refusal):
    explanation = "The account is disabled"


class NoSuchRecipient(Refusal):
    explanation = "There is nobody of that address here"


class CannotAdopt(Refusal):
    """A person of a directory whose account cannot be made; an administrator has to look."""

    explanation = "The mail account cannot be set up; the administrator has been told"
