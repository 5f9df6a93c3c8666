"""The seams of mailhub: what one part may ask of another.

Protocols and delivery see the store, the accounts and the log-in only through these interfaces,
so another engine, realm or address book can take their place.  All I/O is awaitable; what
awaits nothing is documented to be immediate.  Methods raise :mod:`mailhub.model.errors`
refusals and nothing else that a caller is expected to handle.

Rules that every engine keeps (the contract tests in ``tests/store`` check them):

- What a method acknowledged is durable before it returns, flag changes excepted
  (they survive the process, not necessarily the machine).
- UIDs ascend, are never reused, and UIDVALIDITY never repeats for a name.
- ModSeqs ascend within an account; every change to a message raises its modseq above
  all modseqs the account has issued before.
- Watchers are called after the change is durable, in commit order.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from zope.interface import Attribute, Interface

from mailhub.mime.analysis import Analysis
from mailhub.model.directory import Past, People, Person, PersonId
from mailhub.model.flags import FlagChange
from mailhub.model.mail import (
    AccountId,
    Appended,
    Changes,
    Client,
    Copied,
    Field,
    FlagRows,
    Found,
    InternalDate,
    MailboxEntry,
    MailboxId,
    MailboxStatus,
    Recipient,
    Rows,
    SpecialUse,
    Stored,
    StoredCredentials,
    Usage,
)
from mailhub.model.names import MailboxName
from mailhub.model.numbers import ModSeq, NumberSet, Uid
from mailhub.model.policy import Terms
from mailhub.model.quota import QuotaStatus
from mailhub.model.search import Query
from mailhub.model.steps import UNHEARD, Hearer

# --- messages on their way in -------------------------------------------------------------


class IStaging(Interface):
    """A message that is still arriving.  Small ones stay in memory, others spool to disk.

    The bytes are analysed while they arrive.  Exactly one of finish and discard ends it.
    """

    async def write(data: bytes) -> None:
        """Take the next bytes.  Raises StorageFull; the staging is then already discarded."""

    async def finish() -> IStaged:
        """The whole message, analysed."""

    def discard() -> None:
        """Forget the bytes.  Immediate; harmless when called again or after finish."""


class IStaged(Interface):
    """A whole message outside any mailbox, to be filed any number of times, then released."""

    size: int = Attribute("Octets.")
    analysis: Analysis = Attribute("What mime found in it.")

    def with_prefix(header_lines: bytes) -> IStaged:
        """The same message with *header_lines* (whole, CRLF-ended) before it; shares the bytes.

        Immediate.  Releasing the result does not release the original.
        """

    def release() -> None:
        """Give up the bytes (a spool file is removed).  Immediate, idempotent."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message to file: APPEND's arguments, or a delivery.

    ``flags`` are names (system flags in canonical spelling); keywords the mailbox does not know
    are created.  No ``date``: now.
    """

    staged: IStaged
    flags: frozenset[str] = frozenset()
    date: InternalDate | None = None


# --- the store ----------------------------------------------------------------------------


class IMailStore(Interface):
    """All accounts' mail."""

    async def account(account: AccountId) -> IAccount:
        """A handle on an account, opened.  Raises NoSuchAccount, Unavailable, Damaged."""

    def stage(size_hint: int = 0) -> IStaging:
        """Start taking in a message of about *size_hint* octets (0: unknown).  Immediate.

        Raises StorageFull.
        """


class IAccount(Interface):
    """One account's mail: also the avatar that protocols get from the portal."""

    id: AccountId = Attribute("Immutable id.")
    address: str = Attribute("Its primary address, for people and logs.")
    read_only: bool = Attribute("Whether everything that would change it is refused: NotPermitted.")

    async def mailboxes() -> list[MailboxEntry]:
        """Every name that exists, is subscribed or is a parent of one that exists, sorted."""

    async def open(name: MailboxName) -> IMailbox:
        """Raises NoSuchMailbox."""

    async def status(name: MailboxName) -> MailboxStatus:
        """Raises NoSuchMailbox."""

    async def create(
        name: MailboxName, special_use: frozenset[SpecialUse] = frozenset()
    ) -> MailboxStatus:
        """Create it, and the parents that are missing.

        Raises MailboxExists, LimitReached, OverQuota.
        """

    async def delete(name: MailboxName) -> None:
        """Delete it and its messages; children stay, and so does a subscription.

        Raises NoSuchMailbox; CannotDo for INBOX.
        """

    async def rename(old: MailboxName, new: MailboxName) -> None:
        """Rename with all that is below; parents that are missing are created.

        Subscriptions move along.  Renaming INBOX moves its messages into a new mailbox and
        leaves INBOX empty, its children untouched (RFC 9051 6.3.6).  *old* may be a name that
        exists only as a parent.  Raises NoSuchMailbox, MailboxExists, CannotDo, LimitReached,
        OverQuota (parents).
        """

    async def subscribe(name: MailboxName, subscribed: bool = True) -> None:
        """Any valid name may be subscribed, existing or not.  Idempotent."""

    async def furnish(folders: Sequence[tuple[MailboxName, SpecialUse]]) -> None:
        """Subscribe INBOX, make and subscribe what is missing of *folders*, in one change.

        What is there stays as it is: a folder whose use another mailbox has, or whose name, is
        left out.  So is what a limit of mailboxes does not allow.
        """

    def stage(size_hint: int = 0) -> IStaging:
        """See IMailStore.stage; for what is to be appended to this account."""

    async def append(name: MailboxName, messages: Sequence[Incoming]) -> Appended:
        """File all *messages* or none, durably, in their order.

        Raises NoSuchMailbox, OverQuota, MessageTooLarge, LimitReached, StorageFull, Unavailable.
        """

    async def usage() -> Usage: ...

    async def quota() -> QuotaStatus:
        """What counts, and what limits it."""

    def max_message() -> int:
        """The octets that any one message may have; 0: no limit of the account's own.  Immediate.

        Raises Unavailable.
        """

    async def check_room(name: MailboxName, octets: int, messages: int = 1) -> None:
        """Whether append would take so much now, to spare a client the upload.

        Raises OverQuota, MessageTooLarge, Unavailable; NoSuchMailbox if it is looked at.
        """

    def watch(callback: Callable[[MailboxId | None], None]) -> Callable[[], None]:
        """Call *callback* in the reactor whenever a mailbox has changed; returns the undo.

        Changes of other processes included.  None as the mailbox: the list of mailboxes, or
        several mailboxes.  Immediate.  The call says only that there is something to read.
        """

    async def lock_maildrop() -> Callable[[], None]:
        """POP3's exclusive lock on INBOX across all processes; returns the release.

        Raises InUse.  The lock dies with the process that holds it.
        """


class IMailbox(Interface):
    """A mailbox of an account.  Holds no database resources; any number may exist.

    All methods raise MailboxGone when it has been deleted.  Ranges of UIDs that do not exist are
    ignored silently.  Messages expunged less than the grace period ago can still be read with
    ``rows`` and ``read`` (not with ``flags``), for sessions that have not been told yet.
    """

    id: MailboxId = Attribute("Immutable id within the account.")
    opened: MailboxStatus = Attribute("What it was when it was opened.")

    async def status() -> MailboxStatus: ...

    async def uids(at: ModSeq) -> array[int]:
        """The UIDs that existed when the account was at modseq *at*, ascending, array('I').

        *at* is a highest_modseq of this mailbox that a status or Changes has told.
        """

    async def changes(since: ModSeq) -> Changes: ...

    async def flags(
        uids: NumberSet, after: Uid | None = None, limit: int = 10_000, modseqs: bool = True
    ) -> FlagRows:
        """A slice of flags and modseqs; *after* is the ``resume`` of the slice before.

        Not *modseqs*: they may be left out, which is quicker.
        """

    async def rows(
        fields: Sequence[Field],
        uids: NumberSet,
        after: Uid | None = None,
        limit: int = 500,
        octets: int = 262_144,
    ) -> Rows:
        """A slice of at most *limit* messages and about *octets* of content, at least one row."""

    async def read(uid: Uid, start: int, octets: int) -> bytes:
        """Bytes ``start .. start + octets`` of a message, fewer only at its end.

        At most 256 KiB come back at once, so fewer can also mean: ask again.  Raises MessageGone.
        """

    async def store(
        uids: NumberSet,
        change: FlagChange,
        flags: frozenset[str],
        unchanged_since: ModSeq | None = None,
    ) -> Stored:
        """Change flags (RFC 9051 6.4.6, RFC 7162 3.1.3).

        Raises LimitReached when the mailbox has no place for another keyword.
        """

    async def copy(uids: NumberSet, target: MailboxName) -> Copied:
        """All or nothing.  Flags, INTERNALDATE and EMAILID go along.

        Raises NoSuchMailbox, OverQuota, LimitReached, StorageFull.
        """

    async def move(uids: NumberSet, target: MailboxName) -> Copied:
        """Copy and expunge in one transaction; works when the account is full.

        Moving into the same mailbox gives new UIDs.  Raises NoSuchMailbox.
        """

    async def expunge(uids: NumberSet | None = None) -> NumberSet:
        """Remove the \\Deleted messages, only those among *uids* if given; returns which."""

    async def remove(uids: NumberSet) -> NumberSet:
        """Remove messages whatever their flags (POP3's QUIT); returns which existed."""

    async def search(query: Query) -> Found: ...

    async def claim_recent() -> Uid:
        """The first UID that is \\Recent for the caller, and from now on for nobody else."""


# --- delivery -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Envelope:
    """The SMTP envelope, and who brought it, as LMTP saw them."""

    sender: str
    """Without angle brackets; empty for a bounce."""
    client: Client
    helo: str = ""
    smtputf8: bool = False
    eight_bit: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one recipient; ``refusal`` None: filed durably into ``mailbox``."""

    recipient: Recipient
    refusal: Exception | None = None
    mailbox: MailboxName | None = None


class IDelivery(Interface):
    """Takes in mail for recipients: what an LMTP factory needs."""

    async def resolve(address: str, size: int = 0, steps: Hearer = UNHEARD) -> Recipient:
        """Whom mail for *address* goes to.

        Raises NoSuchRecipient, AccountDisabled, NotPermitted, OverQuota, MessageTooLarge,
        Unavailable.
        """

    def stage(size_hint: int = 0) -> IStaging:
        """See IMailStore.stage."""

    async def deliver(
        envelope: Envelope, staged: IStaged, recipients: Sequence[Recipient]
    ) -> list[Outcome]:
        """File the message for each recipient; one outcome each, in their order.

        Never raises for one recipient's trouble.
        """


class IAddressBook(Interface):
    """Who exists, for delivery: local accounts and aliases, later a directory as well."""

    async def recipient(address: str, steps: Hearer = UNHEARD) -> Recipient | None:
        """The recipient of *address*: account, alias, ``user+detail``, catch-all; or None.

        How it was found is told to *steps*.  Raises AccountDisabled, NotPermitted, Unavailable.
        """


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a filter wants a message: mailbox (None: INBOX, or the detail's folder), flags."""

    mailbox: MailboxName | None = None
    flags: frozenset[str] = frozenset()


class IDeliveryFilter(Interface):
    """One link of the chain between resolving a recipient and filing (Sieve, virus marks)."""

    async def place(
        envelope: Envelope, staged: IStaged, recipient: Recipient, placement: Placement
    ) -> Placement:
        """The placement to go on with.  A Refusal refuses the message for this recipient."""


# --- log-in -------------------------------------------------------------------------------


class ILocalAccounts(Interface):
    """What the local checkers need to know."""

    async def credentials(login: str) -> StoredCredentials | None:
        """By address or alias-free login name, in any case.  Raises Unavailable."""

    async def replace_verifiers(account: AccountId, password: str) -> None:
        """Store new verifiers for a password that has just been proved (parameter upgrade)."""


class LogInRefused(UnauthorizedLogin):
    """A log-in that failed, and why.  Protocols tell the client the class, not the detail.

    ``detail`` is for the log and the administrator only; ``reason_id``, set where the refusal
    is logged, is shown to the client so that the two can be brought together.
    """

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or type(self).__name__)
        self.detail = detail
        self.reason_id = ""


class BadCredentials(LogInRefused):
    """Unknown user or wrong secret; the client must not learn which."""


class NoSuchPerson(BadCredentials):
    """This source does not know the user; another one may.  Never told apart by a client."""


class Unproved(BadCredentials):
    """It is not known whose the secret would be; told as a wrong one, as all like this."""


class LockedOut(Unproved):
    """The directory has locked them out and did not look at the secret."""


class KeptBack(Unproved):
    """The secret was not sent, so as not to lock them out of the directory."""


class BadToken(BadCredentials):
    """An access token that is not accepted; ``status`` is what its client is told (RFC 7628)."""

    def __init__(self, detail: str = "", status: str = "invalid_token") -> None:
        super().__init__(detail)
        self.status = status


class LogInDisabled(LogInRefused):
    """Right secret, disabled account."""


class SecretExpired(LogInRefused):
    """Right secret, too old to be used."""


class LogInForbidden(LogInRefused):
    """Right secret, but policy says no: protocol, network, right to act as another."""


class TooManyConnections(LogInRefused):
    """Right secret, but the account has as many connections as it may.

    ``detail`` says who holds them, and may be shown to the client.
    """


class TooManyAttempts(LogInRefused):
    """Throttled: the credentials were not looked at."""


class LogInUnavailable(LogInRefused):
    """Whoever would know cannot be asked now; says nothing about the credentials."""


class PasswordNeeded(LogInUnavailable):
    """Of a log-in that is tried without its password: nothing can be asked without it."""


class IDirectory(Interface):
    """An organisation's directory: who exists, and whether a password is theirs.

    Log-in names and addresses are passed as they were given; putting them into filters and DNs
    safely is the directory's task.  Nothing here blocks the reactor, every request ends within
    the configured time, and what was done is told to *steps*.  Raises LogInUnavailable (from
    ``prove``) or Unavailable when no server answers, which says nothing about the person.
    """

    name: str = Attribute("In the configuration.")

    def serves(domain: str) -> bool:
        """Whether people of *domain* ("": a log-in name without one) may be in it.  Immediate."""

    async def prove(login: str, password: str, steps: Hearer, past: Past) -> Person:
        """Whoever *login* is, once the directory has accepted *password*.

        *past* is what is known of that very password, for a directory that locks people out.
        Raises NoSuchPerson; BadCredentials; Unproved, when several entries match; LockedOut,
        KeptBack; LogInDisabled; SecretExpired.  An empty password is refused before anything is
        sent.
        """

    async def by_login(login: str, steps: Hearer) -> Person | None:
        """Without a password: for certificates, tokens, tickets, and explanations.

        None when nobody or more than one matches.
        """

    async def by_address(address: str, steps: Hearer) -> Person | None:
        """Whose address or alias it is, for delivery; None: nobody's.

        Raises CannotAdopt when that is not clear: several people have it, or the entry no id.
        """

    async def by_id(person: PersonId, steps: Hearer) -> Person | None:
        """Found again after every rename and move."""

    async def page(cookie: bytes | None, steps: Hearer) -> People:
        """Everybody, a page at a time; start with None."""


class IClientCredentials(IUsernamePassword):
    """A password together with the connection it came over."""

    client: Client = Attribute("Who is asking.")
    authorization_id: str = Attribute("Whom to act as; empty: oneself (RFC 4616 2).")
    steps: Hearer = Attribute("Who wants to know how it is decided.")
    terms: Terms = Attribute("Under which conditions; set by the checker.")
