"""Several clients in one mailbox: everyone is told everything, at the first moment allowed."""

from __future__ import annotations

import re

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from twisted.internet.defer import Deferred

from mailhub.model.errors import Damaged, StorageFull, Unavailable
from mailhub.model.flags import flag_names
from mailhub.model.mail import Changes
from mailhub.model.names import INBOX, mailbox_name
from mailhub.model.numbers import ModSeq, Uid
from tests.harness import run
from tests.imap.harness import ImapClient, World
from tests.memory_store import MemoryMailbox


def two(messages: int = 3) -> tuple[World, ImapClient, ImapClient]:
    world = World()
    for _ in range(messages):
        world.deliver()
    first, second = world.connect("alice"), world.connect("alice")
    first.select()
    second.select()
    return world, first, second


@pytest.mark.parametrize("command", ["NOOP", "CHECK", "UID FETCH 1 UID", "STATUS INBOX (MESSAGES)"])
def test_an_expunge_is_told_with_the_next_command(command: str) -> None:
    _, first, second = two()
    first.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
    first.ok("EXPUNGE")

    assert "* 2 EXPUNGE" in second.ok(command)
    assert second.ok("UID SEARCH ALL") == ["* SEARCH 1 3"]


@pytest.mark.parametrize("command", ["FETCH 1 UID", "STORE 1 +FLAGS (\\Seen)", "SEARCH ALL"])
def test_an_expunge_waits_while_numbers_are_in_use(command: str) -> None:  # 9051 7.5.1
    world, first, second = two()
    first.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    first.ok("EXPUNGE")
    world.deliver()

    told = second.ok(command)
    assert "* 1 EXPUNGE" not in told
    assert "* 4 EXISTS" in told  # the new one may be told, and counts behind the old
    assert "* 1 EXPUNGE" in second.ok("NOOP")
    assert second.ok("UID SEARCH ALL") == ["* SEARCH 2 3 4"]


def test_a_message_that_came_and_went_is_never_told() -> None:
    world, first, second = two(1)
    world.deliver(flags=("\\Deleted",))
    first.ok("NOOP")
    first.ok("EXPUNGE")

    assert second.ok("NOOP") == []
    world.deliver()
    assert second.ok("NOOP")[0] == "* 2 EXISTS"


def test_one_who_lags_behind_is_told_in_a_form_that_adds_up() -> None:
    world, first, second = two(5)
    first.ok("STORE 1,3,5 +FLAGS.SILENT (\\Deleted)")
    first.ok("EXPUNGE")
    world.deliver()
    first.ok("NOOP")
    first.ok("STORE 1 +FLAGS.SILENT ($Work)")

    assert second.ok("NOOP") == [
        "* 1 EXPUNGE",
        "* 2 EXPUNGE",
        "* 3 EXPUNGE",
        "* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $Work)",
        "* OK [PERMANENTFLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $Work \\*)]"
        " Flags that are kept",
        "* 3 EXISTS",
        "* 1 FETCH (FLAGS ($Work))",
    ]


def test_who_idles_is_told_at_once_without_a_command() -> None:
    world, first, second = two(2)
    second.send("i IDLE")

    world.deliver()
    assert second.lines() == ["* 3 EXISTS", "* 1 RECENT"]
    first.ok("STORE 2 +FLAGS (\\Flagged)")
    assert second.lines() == ["* 2 FETCH (FLAGS (\\Flagged))"]
    first.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    first.ok("EXPUNGE")
    assert second.lines() == ["* 1 FETCH (FLAGS (\\Deleted))", "* 1 EXPUNGE"]


def test_done_is_heard_that_comes_while_recent_is_claimed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, _, second = two()
    selected = second.protocol.session.selected
    assert selected is not None
    claimed: Deferred[Uid] = Deferred()

    async def claim() -> Uid:
        return await claimed

    monkeypatch.setattr(selected.mailbox, "claim_recent", claim)
    second.send("i IDLE")
    world.deliver()
    assert second.lines() == ["* 4 EXISTS"]
    second.send("DONE")
    claimed.callback(Uid(1))

    assert second.lines() == ["* 1 RECENT", "i OK IDLE terminated"]


def test_who_does_not_idle_is_not_disturbed() -> None:
    world, _, second = two()
    world.deliver()

    assert second.lines() == []


def test_what_happens_in_another_mailbox_is_not_told() -> None:
    world, first, second = two()
    first.ok("CREATE other")
    second.ok("NOOP")
    world.deliver("other")

    assert second.ok("NOOP") == []


def test_many_changes_are_told_in_slices() -> None:
    world = World()
    for _ in range(5_000):
        world.deliver(data=b"x")
    first, second = world.connect("alice"), world.connect("alice")
    first.select()
    second.select()
    first.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")

    assert len(second.ok("NOOP")) == 5_000
    first.ok("EXPUNGE")
    assert second.ok("NOOP") == ["* 1 EXPUNGE"] * 5_000


def test_the_uids_are_read_only_when_something_needs_them() -> None:
    world, _, second = two()
    assert second.protocol.session.current.loaded is False
    world.deliver()
    second.ok("NOOP")
    assert second.protocol.session.current.loaded is False

    assert second.ok("FETCH 4 UID") == ["* 4 FETCH (UID 4)"]


def test_a_mailbox_that_cannot_be_read_now_is_read_a_little_later() -> None:
    world, _, second = two()
    mailbox = second.protocol.session.current.mailbox
    changes = mailbox.changes

    async def busy(since: ModSeq) -> Changes:
        raise Unavailable

    mailbox.changes = busy  # type: ignore[method-assign]
    second.send("i IDLE")
    world.deliver()
    assert second.lines() == []
    mailbox.changes = changes  # type: ignore[method-assign]

    assert second.wait(1) == ["* 4 EXISTS", "* 1 RECENT"]


def test_a_full_disk_does_not_keep_anyone_from_opening_and_following_a_mailbox() -> None:
    world, _, second = two(0)
    world.deliver(flags=("\\Seen",))

    async def full(self: MemoryMailbox) -> Uid:
        raise StorageFull

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MemoryMailbox, "claim_recent", full)
        assert second.ok("NOOP") == ["* 1 EXISTS", "* 1 RECENT"]
        assert "* 0 RECENT" in second.select()


def test_a_mailbox_that_is_damaged_meanwhile_ends_the_connection() -> None:
    world, _, second = two()

    async def damaged(since: ModSeq) -> Changes:
        raise Damaged

    second.protocol.session.current.mailbox.changes = damaged  # type: ignore[method-assign]
    world.deliver()

    assert second.send("a NOOP")[0].startswith("* BYE The stored mail is damaged")
    assert second.closed


def test_imap4rev2_clients_get_no_recent_and_always_uids() -> None:
    world = World()
    world.deliver()
    first, second = world.connect("alice"), world.connect("alice")
    second.ok("ENABLE IMAP4rev2")
    first.select()
    second.select()
    world.deliver()
    first.ok("STORE 1 +FLAGS (\\Seen)")

    assert second.ok("NOOP") == ["* 2 EXISTS", "* 1 FETCH (UID 1 FLAGS (\\Seen))"]


# --- agreement --------------------------------------------------------------------------------


class Follower:
    """A client that believes what it is told, and nothing else."""

    def __init__(self, world: World) -> None:
        self.client = world.connect("alice")
        self.idling = False
        self.flags: list[str | None] = []
        """By sequence number; None: not told yet."""
        self.hear(self.client.select())
        self.hear(self.client.ok("FETCH 1:* FLAGS"))

    def do(self, command: str, *, expunge_ok: bool = True) -> None:
        if self.idling:
            self.idling = False
            self.hear(self.client.send("DONE"))
        *told, reply = self.client.send(f"t {command}")
        # A message that another has expunged meanwhile cannot be stored or moved (RFC 2180 4).
        assert reply.startswith(("t OK ", "t NO [EXPUNGEISSUED] ")), reply
        assert expunge_ok or not any(line.endswith(" EXPUNGE") for line in told)
        self.hear(told)

    def idle(self) -> None:
        if not self.idling:
            self.idling = True
            self.hear(self.client.send("i IDLE"))

    def hear(self, lines: list[str]) -> None:
        for line in lines:
            found = re.match(r"\* (\d+) (EXISTS|EXPUNGE|FETCH)(?: .*FLAGS \(([^)]*)\))?", line)
            if found is None:
                continue
            number = int(found[1])
            if found[2] == "EXISTS":
                assert number >= len(self.flags)
                self.flags += [None] * (number - len(self.flags))
            elif found[2] == "EXPUNGE":
                assert 1 <= number <= len(self.flags)
                del self.flags[number - 1]
            elif found[3] is not None:
                assert 1 <= number <= len(self.flags)
                self.flags[number - 1] = found[3].replace("\\Recent", "").strip()


class Agreement(RuleBasedStateMachine):
    """Three clients; whoever has just been told everything knows what is in the mailbox."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        for _ in range(4):
            self.world.deliver(data=b"x")
        run(self.world.alice.create(mailbox_name("other")))
        self.followers = [Follower(self.world) for _ in range(3)]

    who = st.integers(0, 2)
    flag = st.sampled_from(["\\Seen", "\\Deleted", "\\Flagged", "$a", "$b"])

    def _some_number(self, who: int, which: int) -> int:
        return which % len(self.followers[who].flags) + 1

    def _knows_messages(self, who: int) -> bool:
        return bool(self.followers[who].flags)

    @rule(flag=flag)
    def deliver(self, flag: str) -> None:
        self.world.deliver(data=b"x", flags=(flag,))

    @rule(who=who, which=st.integers(0, 20), flag=flag, sign=st.sampled_from("+- "))
    def store(self, who: int, which: int, flag: str, sign: str) -> None:
        if self._knows_messages(who):
            number = self._some_number(who, which)
            self.followers[who].do(f"STORE {number} {sign.strip()}FLAGS ({flag})", expunge_ok=False)

    @rule(who=who)
    def expunge(self, who: int) -> None:
        self.followers[who].do("EXPUNGE")

    @rule(who=who, which=st.integers(0, 20))
    def move(self, who: int, which: int) -> None:
        if self._knows_messages(who):
            self.followers[who].do(f"MOVE {self._some_number(who, which)} other")

    @rule(who=who)
    def copy_here(self, who: int) -> None:
        self.followers[who].do("UID COPY * INBOX")

    @rule(who=who, which=st.integers(0, 20))
    def fetch(self, who: int, which: int) -> None:
        if self._knows_messages(who):
            self.followers[who].do(f"FETCH {self._some_number(who, which)} UID", expunge_ok=False)

    @rule(who=who)
    def search(self, who: int) -> None:
        self.followers[who].do("SEARCH ALL", expunge_ok=False)

    @rule(who=who)
    def idle(self, who: int) -> None:
        self.followers[who].idle()

    @rule(who=who)
    def noop(self, who: int) -> None:
        self.followers[who].do("NOOP")
        self._check(self.followers[who])

    @invariant()
    def idlers_know_everything(self) -> None:
        for follower in self.followers:
            if follower.idling:
                follower.hear(follower.client.lines())
                self._check(follower)

    def _check(self, follower: Follower) -> None:
        box = self.world.alice.box(INBOX)
        expected = [
            set(flag_names(message.flags, tuple(box.keywords)))
            for _, message in sorted(box.messages.items())
        ]
        assert len(follower.flags) == len(expected)
        for known, true in zip(follower.flags, expected, strict=True):
            # Nobody is told the flags of a message that is new; who asks, knows.
            assert known is None or set(known.split()) == true


TestAgreement = Agreement.TestCase
TestAgreement.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
