"""How much an account may keep, and what it keeps.

0 is no limit, always; None is "not said", where a weaker source may say something.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from mailhub.model.mail import SpecialUse, Usage
from mailhub.model.names import MailboxName, is_below


@dataclass(frozen=True, slots=True)
class Limits:
    """What one source says."""

    octets: int | None = None
    messages: int | None = None
    mailboxes: int | None = None
    mailbox_messages: int | None = None
    """Messages in any one mailbox."""
    message_octets: int | None = None
    """Of any one message."""

    def __bool__(self) -> bool:
        return any(getattr(self, name) is not None for name in RESOURCES)


RESOURCES = tuple(field.name for field in fields(Limits))


def described(limits: Limits) -> str:
    """For people: what is said, 0 as "no limit"."""
    said = ((name, getattr(limits, name)) for name in RESOURCES)
    words = [f"{name} {value or 'no limit'}" for name, value in said if value is not None]
    return ", ".join(words) or "nothing"


@dataclass(frozen=True, slots=True)
class FolderRule:
    """``name`` is a mailbox with all that is below it, or a special use such as ``\\Trash``."""

    name: str
    extra_percent: int = 0
    """Mail may be filed there when the account is full, up to so much above its limits."""
    ignore: bool = False
    """What is there does not count."""

    def applies(self, name: MailboxName, special_use: Iterable[SpecialUse]) -> bool:
        if self.name.startswith("\\"):
            wanted = self.name.casefold()
            return any(use.value.casefold() == wanted for use in special_use)
        return name == self.name or is_below(name, MailboxName(self.name))


@dataclass(frozen=True, slots=True)
class Quota:
    """What holds for an account, from all sources together; 0: no limit."""

    octets: int = 0
    messages: int = 0
    mailboxes: int = 0
    mailbox_messages: int = 0
    message_octets: int = 0
    grace: int = 0
    """By so many octets the message that crosses the line may exceed it."""
    folders: tuple[FolderRule, ...] = ()
    total_octets: int = 0
    """Of all accounts of the domain together; so is total_messages."""
    total_messages: int = 0
    warn: tuple[int, ...] = ()
    """Per cent of a limit at which people are warned, ascending."""

    @property
    def limits_mail(self) -> bool:
        """Whether filing a message has anything to be compared with."""
        return bool(self.octets or self.messages or self.mailbox_messages or self.message_octets)

    @property
    def has_total(self) -> bool:
        return bool(self.total_octets or self.total_messages)

    def percent(self, usage: Usage) -> int:
        """How full an account with *usage* is, of the limit that it is nearest to."""
        shares = [
            100 * used // limit
            for used, limit in ((usage.octets, self.octets), (usage.messages, self.messages))
            if limit
        ]
        return max(shares, default=0)

    def warning(self, usage: Usage) -> int:
        """The highest threshold that *usage* has reached; 0: none."""
        full = self.percent(usage)
        return max((threshold for threshold in self.warn if full >= threshold), default=0)


UNLIMITED = Quota()


@dataclass(frozen=True, slots=True)
class QuotaStatus:
    """``usage`` is what counts: without the folders that are ignored."""

    quota: Quota
    usage: Usage
    mailboxes: int
    most_mailboxes: int
    """That the server allows anybody."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an account's ledger; all of them together are its usage."""

    seq: int
    at: int
    cause: str
    mailbox: str
    """Its name; empty when it is gone, or for what comes from several."""
    octets: int
    messages: int
