"""A whole mail store in plain Python objects: slow, small, obviously right.

It serves three purposes: protocols are tested over it without files or threads, it is the model
that the SQLite engine is compared with, and it shows that :mod:`mailhub.interfaces` asks for
nothing that only SQLite can do.  Every method completes at once.
"""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from zope.interface import implementer

from mailhub.interfaces import (
    IAccount,
    IMailbox,
    IMailStore,
    Incoming,
    IStaged,
    IStaging,
)
from mailhub.mime.analysis import Analysis
from mailhub.mime.commonfields import as_it_is, pack
from mailhub.mime.scanner import analyse
from mailhub.model.errors import (
    CannotDo,
    InUse,
    LimitReached,
    MailboxExists,
    MailboxGone,
    MessageGone,
    MessageTooLarge,
    NoSuchAccount,
    NoSuchMailbox,
    OverQuota,
)
from mailhub.model.flags import (
    DELETED,
    FIRST_KEYWORD_BIT,
    MAX_KEYWORDS,
    SEEN,
    SYSTEM_FLAGS,
    FlagChange,
)
from mailhub.model.mail import (
    AccountId,
    Appended,
    Changes,
    Copied,
    Field,
    FlagRows,
    Found,
    InternalDate,
    MailboxEntry,
    MailboxId,
    MailboxStatus,
    Rows,
    SpecialUse,
    Stored,
    Usage,
)
from mailhub.model.names import INBOX, MailboxName, is_below, parents
from mailhub.model.numbers import EVERYTHING, ModSeq, NumberSet, Uid
from mailhub.model.quota import UNLIMITED, FolderRule, QuotaStatus
from mailhub.model.search import Query
from tests.naive_search import matches

MAX_READ = 262_144


@dataclass
class Message:
    uid: int
    data: bytes
    analysis: Analysis
    flags: int
    date: InternalDate
    saved: int
    modseq: int
    added: int
    """The modseq with which it came."""
    content: int


@dataclass
class Box:
    id: int
    name: MailboxName
    uidvalidity: int
    uidnext: int = 1
    modseq: int = 1
    recent_from: int = 1
    keywords: list[str] = field(default_factory=list)
    special_use: frozenset[SpecialUse] = frozenset()
    messages: dict[int, Message] = field(default_factory=dict)
    expunged: dict[int, tuple[int, Message]] = field(default_factory=dict)
    """UID to (modseq of the expunge, the message)."""


@implementer(IStaged)
class MemoryStaged:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)
        self.analysis = analyse(data)
        self.released = False

    def with_prefix(self, header_lines: bytes) -> IStaged:
        return MemoryStaged(header_lines + self.data)

    def release(self) -> None:
        self.released = True


@implementer(IStaging)
class MemoryStaging:
    def __init__(self, ended: Callable[[MemoryStaging], None]) -> None:
        self._pieces: list[bytes] = []
        self._ended = ended

    async def write(self, data: bytes) -> None:
        self._pieces.append(data)

    async def finish(self) -> IStaged:
        self._ended(self)
        return MemoryStaged(b"".join(self._pieces))

    def discard(self) -> None:
        self._ended(self)


@implementer(IMailStore)
class MemoryStore:
    """``clock()`` gives the time in seconds; ``open_stagings`` lists what was never ended."""

    def __init__(self, clock: Callable[[], float] = lambda: 1_700_000_000.0) -> None:
        self.clock = clock
        self.accounts: dict[AccountId, MemoryAccount] = {}
        self.open_stagings: list[MemoryStaging] = []

    def add_account(self, address: str) -> MemoryAccount:
        account = MemoryAccount(self, AccountId(f"id-{address}"), address)
        self.accounts[account.id] = account
        return account

    async def account(self, account: AccountId) -> IAccount:
        try:
            return self.accounts[account]
        except KeyError:
            raise NoSuchAccount from None

    def stage(self, size_hint: int = 0) -> IStaging:
        staging = MemoryStaging(self._ended)
        self.open_stagings.append(staging)
        return staging

    def _ended(self, staging: MemoryStaging) -> None:
        if staging in self.open_stagings:
            self.open_stagings.remove(staging)


@implementer(IAccount)
class MemoryAccount:
    read_only = False

    def __init__(self, store: MemoryStore, account: AccountId, address: str) -> None:
        self.store = store
        self.id = account
        self.address = address
        self.modseq = 1
        self.boxes: dict[MailboxName, Box] = {}
        self.subscriptions: set[MailboxName] = {INBOX}
        self.limits = UNLIMITED
        self._ids = itertools.count(1)
        self._uidvalidities = itertools.count(1000)
        self._contents = itertools.count(1)
        self._watchers: list[Callable[[MailboxId | None], None]] = []
        self._locked = False
        self._add(INBOX)

    # --- names

    def _add(self, name: MailboxName) -> Box:
        if self.limits.mailboxes and len(self.boxes) >= self.limits.mailboxes:
            raise OverQuota
        box = Box(next(self._ids), name, next(self._uidvalidities), modseq=self.next_modseq())
        self.boxes[name] = box
        return box

    def box(self, name: MailboxName) -> Box:
        try:
            return self.boxes[name]
        except KeyError:
            raise NoSuchMailbox from None

    async def mailboxes(self) -> list[MailboxEntry]:
        names = set(self.boxes) | self.subscriptions
        for name in list(self.boxes):
            names.update(parents(name))
        return [
            MailboxEntry(
                name,
                MailboxId(self.boxes[name].id) if name in self.boxes else None,
                name in self.subscriptions,
                self.boxes[name].special_use if name in self.boxes else frozenset(),
                any(is_below(other, name) for other in self.boxes),
            )
            for name in sorted(names)
        ]

    async def open(self, name: MailboxName) -> IMailbox:
        return MemoryMailbox(self, self.box(name))

    async def status(self, name: MailboxName) -> MailboxStatus:
        return status_of(self.box(name))

    async def create(
        self, name: MailboxName, special_use: frozenset[SpecialUse] = frozenset()
    ) -> MailboxStatus:
        if name in self.boxes:
            raise MailboxExists
        missing = [parent for parent in parents(name) if parent not in self.boxes]
        most = self.limits.mailboxes
        if most and len(self.boxes) + len(missing) + 1 > most:
            raise OverQuota
        for parent in missing:
            self._add(parent)
        box = self._add(name)
        box.special_use = special_use
        self.changed(None)
        return status_of(box)

    async def delete(self, name: MailboxName) -> None:
        if name == INBOX:
            raise CannotDo("INBOX cannot be deleted")
        self.box(name)
        del self.boxes[name]
        self.changed(None)

    async def rename(self, old: MailboxName, new: MailboxName) -> None:
        if new in self.boxes:
            raise MailboxExists
        if old == INBOX:
            await self._rename_inbox(new)
            return
        if is_below(new, old):
            raise CannotDo("A mailbox cannot be moved below itself")
        moving = [n for n in self.boxes if n == old or is_below(n, old)]
        if not moving:
            raise NoSuchMailbox
        targets = {n: MailboxName(new + n[len(old) :]) for n in moving}
        if any(target in self.boxes for target in targets.values()):
            raise MailboxExists
        for parent in parents(new):
            if parent not in self.boxes:
                self._add(parent)
        for source, target in targets.items():
            box = self.boxes.pop(source)
            box.name = target
            self.boxes[target] = box
        for name in [n for n in self.subscriptions if n == old or is_below(n, old)]:
            self.subscriptions.remove(name)
            self.subscriptions.add(MailboxName(new + name[len(old) :]))
        self.changed(None)

    async def _rename_inbox(self, new: MailboxName) -> None:
        await self.create(new)
        inbox = MemoryMailbox(self, self.boxes[INBOX])
        await inbox.move(EVERYTHING, new)

    async def subscribe(self, name: MailboxName, subscribed: bool = True) -> None:
        if subscribed:
            self.subscriptions.add(name)
        else:
            self.subscriptions.discard(name)
        self.changed(None)

    async def furnish(self, folders: Sequence[tuple[MailboxName, SpecialUse]]) -> None:
        uses = {use for box in self.boxes.values() for use in box.special_use}
        await self.subscribe(INBOX)
        for name, use in folders:
            if use in uses or name in self.boxes:
                continue
            try:
                await self.create(name, frozenset({use}))
            except OverQuota:
                return
            await self.subscribe(name)

    # --- messages

    def stage(self, size_hint: int = 0) -> IStaging:
        return self.store.stage(size_hint)

    async def append(self, name: MailboxName, messages: Sequence[Incoming]) -> Appended:
        box = self.box(name)
        staged = [m.staged for m in messages]
        assert all(isinstance(s, MemoryStaged) for s in staged)
        self.admit(box, [s.size for s in staged])
        modseq = self.next_modseq()
        now = int(self.store.clock())
        uids = []
        for message in messages:
            data = message.staged
            assert isinstance(data, MemoryStaged)
            added = Message(
                uid=box.uidnext,
                data=data.data,
                analysis=data.analysis,
                flags=self.mask(box, message.flags, create=True),
                date=message.date or InternalDate(now),
                saved=now,
                modseq=modseq,
                added=modseq,
                content=next(self._contents),
            )
            box.messages[added.uid] = added
            box.uidnext += 1
            uids.append(added.uid)
        if uids:
            box.modseq = modseq
        self.changed(MailboxId(box.id))
        return Appended(box.uidvalidity, NumberSet.of_sorted(uids))

    async def usage(self) -> Usage:
        messages = [m for box in self.boxes.values() for m in box.messages.values()]
        return Usage(sum(len(m.data) for m in messages), len(messages))

    async def quota(self) -> QuotaStatus:
        return QuotaStatus(self.limits, self._counted(), len(self.boxes), 10_000)

    def max_message(self) -> int:
        return self.limits.message_octets

    async def check_room(self, name: MailboxName, octets: int, messages: int = 1) -> None:
        box = self.box(name)
        if self.limits.message_octets and octets > self.limits.message_octets:
            raise MessageTooLarge
        self._fit(box, Usage(octets, messages))

    def admit(self, box: Box, octets: Sequence[int]) -> None:
        if self.limits.message_octets and max(octets, default=0) > self.limits.message_octets:
            raise MessageTooLarge
        self._fit(box, Usage(sum(octets), len(octets)))

    def admit_copies(self, box: Box, octets: Sequence[int]) -> None:
        added, trash = Usage(sum(octets), len(octets)), _held(box)
        is_trash = SpecialUse.TRASH in box.special_use or box.name == "Trash"
        whole = [_held(each) for each in self.boxes.values()]
        outside = Usage(
            sum(u.octets for u in whole) - trash.octets,
            sum(u.messages for u in whole) - trash.messages,
        )
        if (
            is_trash
            and trash.octets + added.octets <= outside.octets
            and trash.messages + added.messages <= outside.messages
        ):
            return
        self._fit(box, added)

    def _fit(self, box: Box, added: Usage) -> None:
        limits, rule = self.limits, self._rule(box)
        most = limits.mailbox_messages
        if most and len(box.messages) + added.messages > most:
            raise OverQuota
        if rule is not None and rule.ignore:
            return
        extra = 100 + (rule.extra_percent if rule is not None else 0)
        used = self._counted()
        if limits.octets:
            most = limits.octets * extra // 100
            crossing = limits.grace if used.octets < most else 0
            if used.octets + added.octets > most + crossing:
                raise OverQuota
        if limits.messages and used.messages + added.messages > limits.messages * extra // 100:
            raise OverQuota

    def _counted(self) -> Usage:
        counting = [
            _held(box)
            for box in self.boxes.values()
            if (rule := self._rule(box)) is None or not rule.ignore
        ]
        return Usage(sum(u.octets for u in counting), sum(u.messages for u in counting))

    def _rule(self, box: Box) -> FolderRule | None:
        rules = self.limits.folders
        return next((r for r in rules if r.applies(box.name, box.special_use)), None)

    def watch(self, callback: Callable[[MailboxId | None], None]) -> Callable[[], None]:
        self._watchers.append(callback)

        def undo() -> None:
            if callback in self._watchers:
                self._watchers.remove(callback)

        return undo

    async def lock_maildrop(self) -> Callable[[], None]:
        if self._locked:
            raise InUse
        self._locked = True
        released = False

        def release() -> None:
            nonlocal released
            if not released:
                released = True
                self._locked = False

        return release

    # --- for MemoryMailbox

    def next_modseq(self) -> int:
        self.modseq += 1
        return self.modseq

    def changed(self, box: MailboxId | None) -> None:
        for callback in list(self._watchers):
            callback(box)

    def mask(self, box: Box, names: frozenset[str], *, create: bool) -> int:
        mask = 0
        known = {word.lower(): i for i, word in enumerate(box.keywords)}
        for name in sorted(names):
            if name in SYSTEM_FLAGS:
                mask |= SYSTEM_FLAGS[name]
                continue
            place = known.get(name.lower())
            if place is None:
                if not create:
                    continue
                if len(box.keywords) >= MAX_KEYWORDS:
                    raise LimitReached("The mailbox has no place for another keyword")
                place = len(box.keywords)
                box.keywords.append(name)
                known[name.lower()] = place
            mask |= 1 << FIRST_KEYWORD_BIT + place
        return mask


def _held(box: Box) -> Usage:
    return Usage(sum(len(m.data) for m in box.messages.values()), len(box.messages))


def status_of(box: Box) -> MailboxStatus:
    messages = box.messages.values()
    deleted = [m for m in messages if m.flags & DELETED]
    unseen = [m.uid for m in messages if not m.flags & SEEN]
    return MailboxStatus(
        id=MailboxId(box.id),
        name=box.name,
        object_id=f"F{box.id}",
        uidvalidity=box.uidvalidity,
        uidnext=Uid(box.uidnext),
        highest_modseq=ModSeq(box.modseq),
        exists=len(messages),
        unseen=len(unseen),
        deleted=len(deleted),
        octets=sum(len(m.data) for m in messages),
        deleted_octets=sum(len(m.data) for m in deleted),
        recent=sum(1 for m in messages if m.uid >= box.recent_from),
        keywords=tuple(box.keywords),
        first_unseen=Uid(min(unseen)) if unseen else None,
        special_use=box.special_use,
    )


@implementer(IMailbox)
class MemoryMailbox:
    def __init__(self, account: MemoryAccount, box: Box) -> None:
        self._account = account
        self._box = box
        self.id = MailboxId(box.id)
        self.opened = status_of(box)

    def _live(self) -> Box:
        if self._account.boxes.get(self._box.name) is not self._box:
            raise MailboxGone
        return self._box

    def _among(self, uids: NumberSet, after: Uid | None = None) -> list[Message]:
        box = self._live()
        return [box.messages[u] for u in sorted(box.messages) if u in uids and u > (after or 0)]

    async def status(self) -> MailboxStatus:
        return status_of(self._live())

    async def uids(self, at: ModSeq) -> array[int]:
        box = self._live()
        then = [u for u, m in box.messages.items() if m.added <= at]
        then += [u for u, (gone, m) in box.expunged.items() if m.added <= at < gone]
        return array("I", sorted(then))

    async def changes(self, since: ModSeq) -> Changes:
        box = self._live()
        changed = [m for u, m in sorted(box.messages.items()) if m.modseq > since]
        return Changes(
            highest_modseq=ModSeq(box.modseq),
            vanished=NumberSet.of(*(u for u, (m, _) in box.expunged.items() if m > since)),
            changed=packed(changed, None),
            keywords=tuple(box.keywords),
            uidnext=Uid(box.uidnext),
        )

    async def flags(
        self,
        uids: NumberSet,
        after: Uid | None = None,
        limit: int = 10_000,
        modseqs: bool = True,
    ) -> FlagRows:
        found = self._among(uids, after)
        resume = Uid(found[limit - 1].uid) if len(found) > limit else None
        return packed(found[:limit], resume)

    async def rows(
        self,
        fields: Sequence[Field],
        uids: NumberSet,
        after: Uid | None = None,
        limit: int = 500,
        octets: int = MAX_READ,
    ) -> Rows:
        box = self._live()
        known = {u: m for u, (_, m) in box.expunged.items()} | box.messages
        found = [known[u] for u in sorted(known) if u in uids and u > (after or 0)]
        fitting: list[Message] = []
        content = 0
        for message in found:
            if fitting and (len(fitting) >= limit or content >= octets):
                break
            fitting.append(message)
            if Field.REST in fields:
                content += len(message.data)
        resume = Uid(fitting[-1].uid) if len(fitting) < len(found) else None
        columns = [[self._field(message, f) for message in fitting] for f in fields]
        return Rows(array("I", [m.uid for m in fitting]), columns, resume)

    def _field(self, m: Message, name: Field) -> object:
        a = m.analysis
        rest = m.data[a.header_octets :]
        header = m.data[: a.header_octets]
        values: dict[Field, object] = {
            Field.FLAGS: m.flags,
            Field.MODSEQ: m.modseq,
            Field.DATE: m.date.seconds,
            Field.ZONE: m.date.zone_minutes,
            Field.SAVED: m.saved,
            Field.SIZE: len(m.data),
            Field.EMAILID: f"M{m.content}",
            Field.THREADID: f"T{m.content}",
            Field.UIDL: f"{self._box.uidvalidity:08x}{m.uid:08x}",
            Field.ENVELOPE: a.envelope,
            Field.BODYSTRUCTURE: a.bodystructure,
            Field.PREVIEW: a.preview,
            Field.PARTS: a.parts,
            Field.HEADER: header,
            Field.FIELDS: pack(header) or as_it_is(header),
            Field.REST: rest if len(rest) <= MAX_READ else None,
        }
        return values[name]

    async def read(self, uid: Uid, start: int, octets: int) -> bytes:
        box = self._live()
        message = box.messages.get(uid)
        if message is None:
            _, message = box.expunged.get(uid, (0, None))
        if message is None:
            raise MessageGone
        return message.data[start : start + min(octets, MAX_READ)]

    async def store(
        self,
        uids: NumberSet,
        change: FlagChange,
        flags: frozenset[str],
        unchanged_since: ModSeq | None = None,
    ) -> Stored:
        box = self._live()
        mask = self._account.mask(box, flags, create=change is not FlagChange.REMOVE)
        refused, changed, before = [], [], 0
        for m in self._among(uids):
            if unchanged_since is not None and m.modseq > unchanged_since:
                refused.append(m.uid)
                continue
            new = {
                FlagChange.REPLACE: mask,
                FlagChange.ADD: m.flags | mask,
                FlagChange.REMOVE: m.flags & ~mask,
            }[change]
            if new != m.flags:
                m.flags = new
                before = max(before, m.modseq)
                changed.append(m)
        modseq = None
        if changed:
            modseq = ModSeq(self._account.next_modseq())
            box.modseq = modseq
            for m in changed:
                m.modseq = modseq
            self._account.changed(self.id)
        return Stored(
            NumberSet.of_sorted(m.uid for m in changed),
            NumberSet.of_sorted(refused),
            modseq,
            tuple(box.keywords),
            ModSeq(before),
        )

    async def copy(self, uids: NumberSet, target: MailboxName) -> Copied:
        messages = self._among(uids)
        there = self._account.box(target)
        if messages:
            self._account.admit_copies(there, [len(m.data) for m in messages])
        return self._copy(messages, target)

    def _copy(self, messages: list[Message], target: MailboxName) -> Copied:
        box = self._account.box(target)
        source, added = [], []
        modseq = self._account.next_modseq()
        for m in messages:
            words = frozenset(
                word
                for i, word in enumerate(self._box.keywords)
                if m.flags >> FIRST_KEYWORD_BIT + i & 1
            )
            system = m.flags & (1 << FIRST_KEYWORD_BIT) - 1
            flags = system | self._account.mask(box, words, create=True)
            saved = int(self._account.store.clock())
            copy = replace(m, uid=box.uidnext, flags=flags, saved=saved)
            copy.modseq = copy.added = modseq
            box.messages[copy.uid] = copy
            box.uidnext += 1
            source.append(m.uid)
            added.append(copy.uid)
        if added:
            box.modseq = modseq
            self._account.changed(MailboxId(box.id))
        return Copied(box.uidvalidity, NumberSet.of_sorted(source), NumberSet.of_sorted(added))

    async def move(self, uids: NumberSet, target: MailboxName) -> Copied:
        copied = self._copy(self._among(uids), target)
        self._expunge(list(copied.source))
        return copied

    async def expunge(self, uids: NumberSet | None = None) -> NumberSet:
        among = self._among(EVERYTHING if uids is None else uids)
        return self._expunge([m.uid for m in among if m.flags & DELETED])

    async def remove(self, uids: NumberSet) -> NumberSet:
        return self._expunge([m.uid for m in self._among(uids)])

    def _expunge(self, uids: list[int]) -> NumberSet:
        box = self._live()
        if uids:
            modseq = self._account.next_modseq()
            box.modseq = modseq
            for uid in uids:
                box.expunged[uid] = (modseq, box.messages.pop(uid))
            self._account.changed(self.id)
        return NumberSet.of_sorted(uids)

    async def search(self, query: Query) -> Found:
        box = self._live()
        found = [m for u, m in sorted(box.messages.items()) if matches(query, m, box.keywords)]
        return Found(array("I", [m.uid for m in found]), max((m.modseq for m in found), default=0))

    async def claim_recent(self) -> Uid:
        box = self._live()
        first = box.recent_from
        box.recent_from = box.uidnext
        return Uid(first)


def packed(messages: Sequence[Message], resume: Uid | None) -> FlagRows:
    return FlagRows(
        array("I", [m.uid for m in messages]),
        [m.flags for m in messages],
        [m.modseq for m in messages],
        resume,
    )
