"""Sessions on one mailbox always agree: what each client can conclude is what the store holds.

Each client keeps the model of the mailbox that the protocol lets it keep: it applies EXISTS,
EXPUNGE and FETCH as they come, and its own STORE .SILENT as if it had worked (9051 6.4.6).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from mailhub.model.flags import flag_names
from mailhub.model.names import INBOX
from tests.imap.harness import World

FLAGS = ["\\Seen", "\\Flagged", "\\Deleted", "$work"]
_FETCH = re.compile(r"\* (\d+) FETCH \((.*)")
_NUMBERED = re.compile(r"\* (\d+) (EXISTS|EXPUNGE)\Z")


@dataclass
class Known:
    """What a client knows of a message; None: nothing yet."""

    uid: int | None = None
    flags: set[str] | None = None
    modseq: int | None = None


class Modelled:
    """A client that draws its conclusions."""

    def __init__(self, world: World, *, condstore: bool) -> None:
        self.client = world.connect("alice")
        self.known: list[Known] = []
        self.apply(self.client.ok("SELECT INBOX" + (" (CONDSTORE)" if condstore else "")))

    def apply(self, lines: list[str]) -> None:
        for line in lines:
            if match := _NUMBERED.match(line):
                self._count(int(match[1]), match[2])
            elif match := _FETCH.match(line):
                self._fetched(self.known[int(match[1]) - 1], match[2])

    def _count(self, number: int, what: str) -> None:
        if what == "EXISTS":
            assert number >= len(self.known)
            self.known += [Known() for _ in range(number - len(self.known))]
        else:
            del self.known[number - 1]

    def _fetched(self, message: Known, items: str) -> None:
        if match := re.search(r"UID (\d+)", items):
            assert message.uid in (None, int(match[1]))
            message.uid = int(match[1])
        if match := re.search(r"FLAGS \((.*?)\)", items):
            message.flags = set(match[1].split()) - {"\\Recent"}
        if match := re.search(r"MODSEQ \((\d+)\)", items):
            assert int(match[1]) >= (message.modseq or 0)
            message.modseq = int(match[1])

    def command(self, text: str, *, may_expunge: bool = True) -> None:
        *lines, tagged = self.client.send(f"t {text}")
        assert may_expunge or not any(line.endswith(" EXPUNGE") for line in lines), lines
        assert tagged.startswith(("t OK", "t NO [EXPUNGEISSUED]")), tagged
        self.apply(lines)

    # --- what it does

    def store(self, number: int, sign: str, flag: str, silent: str) -> None:
        if not self.known:
            return
        message = self.known[number % len(self.known)]
        text = f"STORE {number % len(self.known) + 1} {sign}FLAGS{silent} ({flag})"
        if silent and message.flags is not None:
            # Assumed first: what the server tells in spite of the silence corrects it.
            if sign == "+":
                message.flags = message.flags | {flag}
            elif sign == "-":
                message.flags = message.flags - {flag}
            else:
                message.flags = {flag}
        self.command(text, may_expunge=False)


def truth(world: World) -> list[tuple[int, set[str], int]]:
    box = world.alice.boxes[INBOX]
    words = tuple(box.keywords)
    return [
        (uid, set(flag_names(m.flags, words)), m.modseq) for uid, m in sorted(box.messages.items())
    ]


@dataclass
class Step:
    who: int
    what: str
    number: int
    sign: str
    flag: str
    silent: str = field(default="")


steps = st.builds(
    Step,
    st.integers(0, 1),
    st.sampled_from(
        ["store"] * 5
        + ["deliver", "expunge", "uid expunge", "fetch", "read", "search", "move", "copy", "noop"]
    ),
    st.integers(0, 9),
    st.sampled_from(["+", "-", ""]),
    st.sampled_from(FLAGS),
    st.sampled_from(["", ".SILENT"]),
)


def take(world: World, client: Modelled, step: Step) -> None:
    number = step.number % max(len(client.known), 1) + 1
    match step.what:
        case "store":
            client.store(step.number, step.sign, step.flag, step.silent)
        case "deliver":
            world.deliver(flags=(step.flag,))
        case "expunge":
            client.command("EXPUNGE")
        case "uid expunge":
            client.command(f"UID EXPUNGE 1:{step.number + 1}")
        case "fetch":
            client.command("FETCH 1:* (UID FLAGS)", may_expunge=False)
        case "read" if client.known:
            client.command(f"FETCH {number} BODY[]<0.1>", may_expunge=False)
        case "search":
            client.command("SEARCH UNSEEN", may_expunge=False)
        case "move" if client.known:
            client.command(f"MOVE {number} Elsewhere")
        case "copy" if client.known:
            client.command(f"COPY {number} INBOX")
        case _:
            client.command("NOOP")


@settings(max_examples=150, deadline=None)
@given(st.lists(steps, min_size=12, max_size=30), st.booleans(), st.booleans())
def test_clients_conclude_what_the_store_holds(
    story: list[Step], first_condstore: bool, second_condstore: bool
) -> None:
    world = World()
    for flag in FLAGS[:3]:
        world.deliver(flags=(flag,))
    clients = [Modelled(world, condstore=c) for c in (first_condstore, second_condstore)]
    clients[0].command("CREATE Elsewhere")
    for client in clients:
        client.command("FETCH 1:* (UID FLAGS)")

    for step in story:
        take(world, clients[step.who], step)

    for client, condstore in zip(clients, (first_condstore, second_condstore), strict=True):
        client.command("NOOP")
        expected = truth(world)
        assert len(client.known) == len(expected)
        for message, (uid, flags, modseq) in zip(client.known, expected, strict=True):
            assert message.uid in (None, uid)
            assert message.flags in (None, flags)
            assert message.modseq is None or not condstore or message.modseq == modseq
