"""A connection that is gone is freed at once, without the collector of cycles.

In a storm that would free hundreds of them in one go, for a twentieth of a second.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator

import pytest

from mailhub.net.connection import Connection
from tests.imap.harness import World as ImapWorld
from tests.lmtp.client import LmtpWorld
from tests.pop3.client import Pop3World


def imap() -> weakref.ref[Connection]:
    world = ImapWorld()
    client = world.connect("alice")
    client.select()
    client.send("a IDLE")
    client.vanish()
    world.settle()
    return weakref.ref(client.protocol)


def pop3() -> weakref.ref[Connection]:
    world = Pop3World()
    peer = world.client()
    peer.say("STAT")
    peer.vanish()
    world.clock.advance(0)
    return weakref.ref(peer.protocol)


def lmtp() -> weakref.ref[Connection]:
    world = LmtpWorld()
    peer = world.connect()
    peer.say("LHLO client", "MAIL FROM:<a@example.org>")
    peer.vanish()
    world.clock.advance(0)
    return weakref.ref(peer.protocol)


@pytest.fixture
def _no_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_collector")
@pytest.mark.parametrize("life", [imap, pop3, lmtp])
def test_nothing_is_left_to_the_collector(life: Callable[[], weakref.ref[Connection]]) -> None:
    assert life()() is None
