"""Two sessions on one account, whatever happens: the engine, a plain model and they agree.

Every step is done in the engine and in the model of :mod:`tests.memory_store`.  Each session keeps
what it was told, brings it up to date with ``changes`` at any time, and must then see what is.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from mailhub.interfaces import IMailbox
from mailhub.model.errors import Refusal
from mailhub.model.flags import FlagChange, flag_names
from mailhub.model.mail import MailboxId, MailboxStatus
from mailhub.model.names import mailbox_name
from mailhub.model.numbers import EVERYTHING, ModSeq, NumberSet
from mailhub.model.search import And, HasFlag, HeaderContains, Not, Query, SizeAbove, UidIn
from mailhub.store.sqlite import columns, mailbox, searching
from mailhub.store.sqlite.store import SqliteStore
from tests.harness import run
from tests.store.contract import Clock, World, memory, sqlite

T = TypeVar("T")
NAMES = ("INBOX", "work", "work/old", "INBOX/x")
FLAGS = ("\\Seen", "\\Deleted", "\\Flagged", "Red", "Blue")

names = st.sampled_from(NAMES)
flags = st.sets(st.sampled_from(FLAGS), max_size=3).map(frozenset)
uid_sets = st.lists(st.tuples(st.integers(1, 14), st.integers(1, 14)), min_size=1, max_size=3).map(
    NumberSet.of_ranges
)

queries = st.one_of(
    st.builds(HasFlag, st.sampled_from(FLAGS)),
    st.builds(SizeAbove, st.integers(13, 16)),
    st.builds(UidIn, uid_sets),
    st.builds(HeaderContains, st.just("Subject"), st.sampled_from("123")),
    st.builds(HeaderContains, st.just("X-None"), st.just("")),
).flatmap(lambda leaf: st.sampled_from([leaf, Not(leaf), And((leaf, HasFlag("\\Seen")))]))


@dataclass
class Session:
    """What a client has been told of a mailbox."""

    box: IMailbox
    modseq: ModSeq
    uids: list[int]
    flags: dict[int, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def opened(cls, box: IMailbox) -> Session:
        at = run(box.status()).highest_modseq
        return cls(box, at, list(run(box.uids(at))), all_flags(box))

    def catch_up(self) -> None:
        changes = run(self.box.changes(self.modseq))
        self.uids = [uid for uid in self.uids if uid not in changes.vanished]
        self.flags = {u: f for u, f in self.flags.items() if u not in changes.vanished}
        rows = changes.changed
        for uid, mask in zip(rows.uids, rows.flags, strict=True):
            if uid not in self.flags:
                self.uids.append(uid)
            self.flags[uid] = frozenset(flag_names(mask, changes.keywords))
        self.modseq = changes.highest_modseq


def all_flags(box: IMailbox) -> dict[int, frozenset[str]]:
    keywords = run(box.status()).keywords
    rows = run(box.flags(EVERYTHING))
    return {
        uid: frozenset(flag_names(mask, keywords))
        for uid, mask in zip(rows.uids, rows.flags, strict=True)
    }


def comparable(status: MailboxStatus) -> MailboxStatus:
    """Without what an engine chooses for itself."""
    return replace(
        status,
        id=MailboxId(0),
        object_id="",
        uidvalidity=0,
        highest_modseq=ModSeq(0),
        keywords=tuple(sorted(status.keywords)),
    )


class TwoSessions(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.engine = sqlite(Path(self.folder.name))
        self.model = memory(Path())
        self.model.clock = self.engine.clock = Clock()
        self.sessions: list[Session] = []
        self.views: list[tuple[IMailbox, ModSeq, list[int]]] = []
        self.filed = 0

    def both(self, act: Callable[[World], T], show: Callable[[T], object] = lambda r: r) -> None:
        """The same outcome in the engine and in the model."""
        outcomes = []
        for world in (self.engine, self.model):
            try:
                outcomes.append(show(act(world)))
            except Refusal as refusal:
                outcomes.append(type(refusal))
        assert outcomes[0] == outcomes[1]

    @rule(name=names, given=flags, count=st.integers(1, 3))
    def append(self, name: str, given: frozenset[str], count: int) -> None:
        self.filed += 1
        data = b"Subject: %d\r\n\r\n" % self.filed
        self.both(
            lambda w: w.append(*[w.incoming(data, *given)] * count, to=name), lambda r: r.uids
        )

    @rule(name=names, uids=uid_sets, change=st.sampled_from(FlagChange), given=flags)
    def store(self, name: str, uids: NumberSet, change: FlagChange, given: frozenset[str]) -> None:
        self.both(
            lambda w: run(w.mailbox(name).store(uids, change, given)),
            lambda r: (r.changed, r.refused, r.modseq is None),
        )

    @rule(name=names, uids=uid_sets, to=names, move=st.booleans())
    def copy(self, name: str, uids: NumberSet, to: str, move: bool) -> None:
        def act(world: World) -> tuple[NumberSet, NumberSet]:
            box = world.mailbox(name)
            copied = run((box.move if move else box.copy)(uids, mailbox_name(to)))
            return copied.source, copied.target

        self.both(act)

    @rule(name=names, uids=st.none() | uid_sets)
    def expunge(self, name: str, uids: NumberSet | None) -> None:
        self.both(lambda w: run(w.mailbox(name).expunge(uids)))

    @rule(name=names)
    def create(self, name: str) -> None:
        self.both(lambda w: run(w.account.create(mailbox_name(name))), lambda r: r.exists)

    @rule(name=names)
    def delete(self, name: str) -> None:
        self.both(lambda w: run(w.account.delete(mailbox_name(name))))
        self._forget_lost()

    @rule(old=names, new=names)
    def rename(self, old: str, new: str) -> None:
        self.both(lambda w: run(w.account.rename(mailbox_name(old), mailbox_name(new))))

    @rule(name=names)
    def claim_recent(self, name: str) -> None:
        self.both(lambda w: run(w.mailbox(name).claim_recent()))

    @rule(name=names)
    def select(self, name: str) -> None:
        if name in self.engine.names():
            session = Session.opened(self.engine.mailbox(name))
            self.sessions = [*self.sessions[-1:], session]
            self.views.append((session.box, session.modseq, list(session.uids)))

    @rule()
    def close_files(self) -> None:
        store = self.engine.store
        assert isinstance(store, SqliteStore)
        run(store.close_account(self.engine.account.id))

    def _forget_lost(self) -> None:
        living = {e.id for e in run(self.engine.account.mailboxes())}
        self.sessions = [s for s in self.sessions if s.box.id in living]
        self.views = [view for view in self.views if view[0].id in living]

    @rule(which=st.integers(0, 1))
    def catch_up(self, which: int) -> None:
        for session in self.sessions[which : which + 1]:
            session.catch_up()
            status = run(session.box.status())
            assert session.modseq == status.highest_modseq
            assert session.uids == list(run(session.box.uids(session.modseq)))
            assert session.flags == all_flags(session.box)

    @invariant()
    def what_is_told_of_mailboxes_is_true(self) -> None:
        if not hasattr(self, "engine"):
            return
        assert self.engine.names() == self.model.names()
        for name in self.engine.names():
            ours, theirs = self.engine.mailbox(name), self.model.mailbox(name)
            assert comparable(run(ours.status())) == comparable(run(theirs.status()))
            assert all_flags(ours) == all_flags(theirs)
            assert ours.opened == run(ours.status())
        assert run(self.engine.account.usage()) == run(self.model.account.usage())

    @rule(name=names, query=queries)
    def search(self, name: str, query: Query) -> None:
        self.both(lambda w: run(w.mailbox(name).search(query)), lambda found: list(found.uids))

    @rule()
    def earlier_views_can_be_had_again(self) -> None:
        for box, at, uids in self.views:
            assert list(run(box.uids(at))) == uids

    def teardown(self) -> None:
        if hasattr(self, "engine"):
            self.engine.prove()
            self.folder.cleanup()


def test_two_sessions_the_engine_and_a_model_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """With pages of three messages, and reads of more than six rows in a thread."""
    monkeypatch.setattr(columns, "PAGE_MESSAGES", 3)
    monkeypatch.setattr(columns, "INLINE_ROWS", 5)
    monkeypatch.setattr(mailbox, "INLINE_ROWS", 6)
    monkeypatch.setattr(searching, "INLINE_ROWS", 6)
    run_state_machine_as_test(
        TwoSessions,
        settings=settings(
            max_examples=40,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
