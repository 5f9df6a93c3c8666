"""Identifiers and records of accounts, mailboxes and messages.

Times are whole seconds since 1970, sizes are octets, always.
"""

from __future__ import annotations

import enum
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NewType

from mailhub.model.directory import Group
from mailhub.model.names import MailboxName
from mailhub.model.numbers import ModSeq, NumberSet, Uid

AccountId = NewType("AccountId", str)
"""Immutable, never reused, opaque; an address is only an attribute of an account."""

MailboxId = NewType("MailboxId", int)
"""Immutable within an account, survives RENAME, never reused."""


class SpecialUse(enum.Enum):
    """RFC 6154 2."""

    ALL = "\\All"
    ARCHIVE = "\\Archive"
    DRAFTS = "\\Drafts"
    FLAGGED = "\\Flagged"
    JUNK = "\\Junk"
    SENT = "\\Sent"
    TRASH = "\\Trash"


@dataclass(frozen=True, slots=True)
class InternalDate:
    """When a message was received, with the zone that the client or server named."""

    seconds: int
    zone_minutes: int = 0


@dataclass(frozen=True, slots=True)
class MailboxEntry:
    """A name as LIST sees it.

    ``id`` is None for a name that does not exist but is subscribed, or is only the parent of
    others (RFC 9051 7.3.1: \\NonExistent).
    """

    name: MailboxName
    id: MailboxId | None
    subscribed: bool
    special_use: frozenset[SpecialUse] = frozenset()
    has_children: bool = False


@dataclass(frozen=True, slots=True)
class MailboxStatus:
    """A mailbox at one moment; every field costs the same whatever its size."""

    id: MailboxId
    name: MailboxName
    object_id: str
    """MAILBOXID of RFC 8474."""
    uidvalidity: int
    uidnext: Uid
    highest_modseq: ModSeq
    exists: int
    unseen: int
    deleted: int
    octets: int
    deleted_octets: int
    recent: int
    """Messages that no session has been told of as \\Recent yet."""
    keywords: tuple[str, ...]
    """Keyword *i* is bit ``FIRST_KEYWORD_BIT + i``; an empty string is a free place."""
    first_unseen: Uid | None = None
    """The lowest UID without \\Seen."""
    special_use: frozenset[SpecialUse] = frozenset()


class Field(enum.Enum):
    """What :meth:`IMailbox.rows` can be asked for, and the type of what comes back."""

    FLAGS = "flags"  # int, see model.flags
    MODSEQ = "modseq"  # int
    DATE = "date"  # int: INTERNALDATE in seconds
    ZONE = "zone"  # int: INTERNALDATE's zone in minutes
    SAVED = "saved"  # int: SAVEDATE in seconds
    SIZE = "size"  # int: octets
    EMAILID = "emailid"  # str
    THREADID = "threadid"  # str | None
    UIDL = "uidl"  # str: POP3's unique id, stored; only for INBOX
    ENVELOPE = "envelope"  # bytes, wire form
    BODYSTRUCTURE = "bodystructure"  # bytes, wire form with extension data
    PREVIEW = "preview"  # str
    PARTS = "parts"  # bytes, read by mime.parts
    HEADER = "header"  # bytes: the header block with its empty line
    FIELDS = "fields"  # bytes: HEADER's common fields, read by mime.commonfields
    REST = "rest"  # bytes after HEADER, or None when too long to come in a row

    # Enum's own is Python, and columns are looked up by field all the time.
    __hash__ = object.__hash__


@dataclass(frozen=True, slots=True)
class Rows:
    """A slice of messages by ascending UID, a column for each field asked for.

    ``resume`` is the UID to pass as *after* for the next slice, None when there is none.
    """

    uids: array[int]
    columns: Sequence[Sequence[Any]]
    resume: Uid | None

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """``(uid, field, ...)`` for each message."""
        return list(zip(self.uids, *self.columns, strict=True)) if self.uids else []


@dataclass(frozen=True, slots=True)
class FlagRows:
    """A slice of UIDs with flag masks and modseqs, packed; three columns of one length."""

    uids: array[int]
    flags: Sequence[int]
    modseqs: Sequence[int]
    resume: Uid | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What has happened in a mailbox since a modseq, and the modseq this brings one up to."""

    highest_modseq: ModSeq
    vanished: NumberSet
    """UIDs expunged since; may include some that the asker never knew."""
    changed: FlagRows
    """Messages new or with changed flags since, by ascending UID."""
    keywords: tuple[str, ...]
    uidnext: Uid


@dataclass(frozen=True, slots=True)
class Appended:
    uidvalidity: int
    uids: NumberSet


@dataclass(frozen=True, slots=True)
class Copied:
    """COPY and MOVE: the n-th source UID became the n-th target UID (RFC 4315 3)."""

    uidvalidity: int
    source: NumberSet
    target: NumberSet


@dataclass(frozen=True, slots=True)
class Stored:
    """What a flag change did.

    ``refused`` failed the UNCHANGEDSINCE test (RFC 7162 3.1.3), ``modseq`` is that of the change
    (None when nothing changed).  The new flags are read with :meth:`IMailbox.changes`.
    ``before`` is the highest modseq that the changed messages had until then: a session that
    knows everything up to it knows their new flags without being told (STORE .SILENT).
    """

    changed: NumberSet
    refused: NumberSet
    modseq: ModSeq | None
    keywords: tuple[str, ...]
    before: ModSeq | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The UIDs a search found, ascending, and the highest modseq among them.

    0: none, or the query does not ask for a modseq.
    """

    uids: array[int]
    highest_modseq: int


@dataclass(frozen=True, slots=True)
class Usage:
    octets: int
    messages: int


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """One that a client has shown in TLS, whose key it has."""

    subject: str
    names: tuple[str, ...] = ()
    """Log-in names in it, in their order of preference."""
    problem: str = ""
    """Why it is not to be believed."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who is at the other end of a connection, for logs, limits and checkers."""

    connection: str
    """Short id, unique among the connections of this server; on every log line."""
    protocol: str
    address: str
    port: int
    local_address: str = ""
    local_port: int = 0
    tls: bool = False
    """The client speaks TLS, to us or to a proxy in front of us."""
    channel_bindings: bool = False
    """TLS ends here, so that SCRAM -PLUS can bind to it."""
    trusted: bool = False
    """On this machine: loopback or a Unix socket."""
    certificate: ClientCertificate | None = None
    """None if TLS does not end here, too."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Where mail for an address goes.

    ``detail`` is what followed ``+``; ``address`` the canonical address for Delivered-To.
    """

    account: AccountId
    address: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Verifier:
    """One stored secret of a local account.  Never a password; its repr tells no bytes.

    scheme ``argon2id``: ``data`` is the encoded hash.  scheme ``SCRAM-SHA-256``/``SCRAM-SHA-1``:
    ``data`` is ``iterations:salt:stored_key:server_key``, the last three in base64
    (RFC 5802 3, RFC 7677).
    """

    scheme: str
    data: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredCredentials:
    """What is known about an account when somebody logs in to it.

    ``directory`` names whose person owns it (empty: a local account), ``groups`` and
    ``protocols`` are what the directory said last: see :class:`mailhub.model.directory.Person`.
    """

    account: AccountId
    address: str
    enabled: bool
    verifiers: tuple[Verifier, ...]
    directory: str = ""
    groups: frozenset[Group] = frozenset()
    protocols: frozenset[str] | None = None
    read_only: bool = False
    """What the client has shown allows nothing else."""
    means: str = ""
    """What it has shown, if not the account's own password."""
