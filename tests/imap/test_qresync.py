"""QRESYNC: a client that comes back learns exactly what it missed, wherever it was cut off.

The client keeps what a disconnected client keeps: UIDs with flags, and a HIGHESTMODSEQ that it
raises as RFC 7162 6 says.  It may be cut off after any command.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from mailhub.imap.wire.sequence import parse_sequence_set
from mailhub.model.flags import flag_names
from mailhub.model.names import INBOX
from mailhub.model.numbers import NumberSet
from tests.imap.harness import ImapClient, World


def uid_set(text: str) -> NumberSet:
    return parse_sequence_set(text.encode()).fixed


@dataclass
class Cache:
    """What survives a disconnection."""

    uidvalidity: int = 0
    modseq: int = 0
    flags: dict[int, set[str]] = field(default_factory=dict)


class Disconnected:
    """A client with a cache; ``numbers`` are the UIDs of the session, in their order."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.cache = Cache()
        self.numbers: list[int] = []
        self._announced = 0
        self.client: ImapClient
        self.connect()

    def connect(self, *, sample: bool = False) -> None:
        """Select, the second time with what is known."""
        self.client = self.world.connect("alice")
        self.client.ok("ENABLE QRESYNC")
        cache = self.cache
        known = f" (QRESYNC ({cache.uidvalidity} {cache.modseq}{self._sample() if sample else ''}))"
        self.numbers = []
        self._announced = 0
        self._told: list[int] = []
        lines = self.client.send(f"t SELECT INBOX{known if cache.uidvalidity else ''}")
        exists = next(int(line.split()[1]) for line in lines if line.endswith(" EXISTS"))
        self._announced = exists
        match = re.search(r"HIGHESTMODSEQ (\d+)", "\n".join(lines))
        assert match is not None
        self.apply([line for line in lines if "FETCH" not in line and "EXISTS" not in line])
        for line in lines:
            if fetched := re.match(r"\* \d+ FETCH \((.*)", line):
                self._fetched(0, fetched[1])  # its number says nothing yet
        self.cache.modseq = int(match[1])
        self.learn()

    def _sample(self) -> str:
        uids = sorted(self.cache.flags)
        pairs = [(n, uid) for n, uid in enumerate(uids, 1) if n % 2 or n == len(uids)]
        if not pairs:
            return ""
        numbers, of = zip(*pairs, strict=True)
        return f" 1:{uids[-1]} ({NumberSet.of(*numbers)} {NumberSet.of(*of)})"

    def learn(self) -> None:
        """The UIDs of messages that are only known by number, and flags of those never seen."""
        while len(self.numbers) < self._announced:
            first = len(self.numbers) + 1
            self.apply(self.client.ok(f"FETCH {first}:* (UID)"))
        new = NumberSet.of(*(uid for uid in self.numbers if uid not in self.cache.flags))
        if new:
            self.apply(self.client.ok(f"UID FETCH {new} (FLAGS)"))

    def apply(self, lines: list[str]) -> None:
        """Untagged responses up to a tagged one, and what they say of the modseq."""
        self._told = []
        highest = None
        for line in lines:
            if match := re.search(r"\[HIGHESTMODSEQ (\d+)\]", line):
                highest = int(match[1])
            self._line(line)
        if highest is not None:  # 7162 6: even if it has seen higher ones
            self.cache.modseq = highest
        elif self._told:
            self.cache.modseq = max(self.cache.modseq, *self._told)

    def _line(self, line: str) -> None:
        if match := re.match(r"\* VANISHED (\(EARLIER\) )?(\S+)", line):
            for uid in uid_set(match[2]):
                self.cache.flags.pop(uid, None)
                if not match[1]:
                    self.numbers.remove(uid)
                    self._announced -= 1
        elif match := re.match(r"\* (\d+) EXISTS", line):
            self._announced = int(match[1])
        elif match := re.match(r"\* (\d+) FETCH \((.*)", line):
            self._fetched(int(match[1]), match[2])

    def _fetched(self, number: int, items: str) -> None:
        named = re.search(r"UID (\d+)", items)
        uid = int(named[1]) if named else self.numbers[number - 1]
        if number == len(self.numbers) + 1:
            self.numbers.append(uid)
        if flags := re.search(r"FLAGS \((.*?)\)", items):
            self.cache.flags[uid] = set(flags[1].split()) - {"\\Recent"}
        if modseq := re.search(r"MODSEQ \((\d+)\)", items):
            self._told.append(int(modseq[1]))

    def command(self, text: str) -> None:
        lines = self.client.send(f"t {text}")
        assert lines[-1].startswith(("t OK", "t NO [EXPUNGEISSUED]", "t BAD There")), lines
        self.apply(lines)
        self.learn()


def truth(world: World) -> dict[int, set[str]]:
    box = world.alice.boxes[INBOX]
    words = tuple(box.keywords)
    return {uid: set(flag_names(m.flags, words)) for uid, m in sorted(box.messages.items())}


mine = st.sampled_from(
    [
        "STORE 1 +FLAGS (\\Flagged)",
        "STORE 1:2 -FLAGS (\\Flagged)",
        "UID STORE 1:* +FLAGS (\\Seen)",
        "STORE 2 +FLAGS (\\Deleted)",
        "FETCH 1 BODY[]<0.1>",
        "SEARCH MODSEQ 1",
        "NOOP",
        "EXPUNGE",
    ]
)
others = st.sampled_from(
    [
        "STORE 1 +FLAGS (\\Deleted)",
        "STORE * +FLAGS (\\Deleted)",
        "STORE 2 +FLAGS ($x)",
        "STORE 1:* -FLAGS (\\Seen)",
        "COPY 1 INBOX",
        "EXPUNGE",
    ]
)
stories = st.lists(
    st.one_of(
        st.tuples(st.just("mine"), mine),
        st.tuples(st.just("other"), others),
        st.tuples(st.just("cut"), st.sampled_from(["", "sample"])),
    ),
    min_size=5,
    max_size=25,
)


@settings(max_examples=200, deadline=None)
@given(stories)
def test_a_client_that_was_cut_off_learns_what_it_missed(story: list[tuple[str, str]]) -> None:
    world = World()
    for flags in ((), ("\\Seen",), (), ("\\Deleted",)):
        world.deliver(flags=flags)
    me = Disconnected(world)
    me.cache.uidvalidity = world.alice.boxes[INBOX].uidvalidity
    other = world.connect("alice")
    other.select()

    for what, text in [*story, ("cut", "")]:
        if what == "mine":
            me.command(text)
        elif what == "other":
            other.send(f"o {text}")
        else:
            me.client.vanish()
            me.connect(sample=bool(text))
            assert me.cache.flags == truth(world)
