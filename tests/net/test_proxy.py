"""The PROXY protocol: what a header says, and what becomes of connections without a good one."""

from __future__ import annotations

import ipaddress
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhub.net.link import Entry
from mailhub.net.proxy import SIGNATURE, BadHeader, HeaderParser, Proxied
from tests.events import Events
from tests.net.world import TlsClient, World

BEHIND = Entry("none", (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")))
V1 = b"PROXY TCP4 198.51.100.7 203.0.113.1 56324 143\r\n"


def v2(
    source: str = "198.51.100.7",
    target: str = "203.0.113.1",
    *,
    command: int = 1,
    tlvs: bytes = b"",
    family: int | None = None,
) -> bytes:
    kind = socket.AF_INET6 if ":" in source else socket.AF_INET
    block = socket.inet_pton(kind, source) + socket.inet_pton(kind, target)
    block += struct.pack("!HH", 56324, 143) + tlvs
    if family is None:
        family = 0x21 if kind == socket.AF_INET6 else 0x11
    return SIGNATURE + struct.pack("!BBH", 0x20 | command, family, len(block)) + block


def ssl_tlv(flags: int) -> bytes:
    return b"\x20" + struct.pack("!H", 5) + bytes([flags]) + bytes(4)


def parse(data: bytes) -> tuple[Proxied, bytes] | None:
    return HeaderParser().feed(data)


# --- malformed ---


@pytest.mark.parametrize(
    "data",
    [
        b"* OK\r\n",
        b"PROXY\r\n",
        b"PROXY \r\n",
        b"proxy TCP4 198.51.100.7 203.0.113.1 1 2\r\n",
        b"PROXY TCP4 198.51.100.7 203.0.113.1 1\r\n",
        b"PROXY TCP4 198.51.100.7 203.0.113.1 1 2 3\r\n",
        b"PROXY TCP4 198.51.100.7 203.0.113.1 1 65536\r\n",
        b"PROXY TCP4 198.51.100.7 203.0.113.1 -1 2\r\n",
        b"PROXY TCP4 198.51.100.256 203.0.113.1 1 2\r\n",
        b"PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
        b"PROXY TCP6 198.51.100.7 203.0.113.1 1 2\r\n",
        b"PROXY TCP6 fe80::1%eth0 2001:db8::2 1 2\r\n",
        b"PROXY TCP4 \xff 203.0.113.1 1 2\r\n",
        b"PROXY UDP4 198.51.100.7 203.0.113.1 1 2\r\n",
        b"PROXY TCP4 " + b"1" * 100,
        SIGNATURE + b"\x31\x11\0\x0c" + bytes(12),
        SIGNATURE + b"\x22\x11\0\x0c" + bytes(12),
        SIGNATURE + b"\x21\x12\0\x0c" + bytes(12),
        SIGNATURE + b"\x21\x11\0\x04" + bytes(4),
        SIGNATURE + b"\x21\x11\xff\xff",
        v2(tlvs=b"\x20"),
        v2(tlvs=b"\x20\0\x09x"),
    ],
)
def test_malformed_headers_are_refused(data: bytes) -> None:
    with pytest.raises(BadHeader):
        parse(data)


@given(st.binary() | st.binary().map(lambda d: SIGNATURE + d) | st.binary().map(b"PROXY ".__add__))
def test_any_octets_are_a_header_the_start_of_one_or_refused(data: bytes) -> None:
    try:
        found = parse(data)
    except BadHeader:
        return
    assert found is None or isinstance(found[0], Proxied)


# --- well-formed ---


def test_version_1_tells_the_client() -> None:
    assert parse(V1 + b"rest") == (
        Proxied("198.51.100.7", 56324, "203.0.113.1", 143),
        b"rest",
    )


def test_version_1_of_a_client_unknown_to_the_proxy_is_skipped() -> None:
    assert parse(b"PROXY UNKNOWN ffff::1 whatever\r\nrest") == (Proxied(), b"rest")


@pytest.mark.parametrize("source", ["198.51.100.7", "2001:db8::7"])
def test_version_2_tells_the_client(source: str) -> None:
    target = "2001:db8::1" if ":" in source else "203.0.113.1"
    expected = Proxied(source, 56324, target, 143)

    assert parse(v2(source, target) + b"rest") == (expected, b"rest")


def test_version_2_local_is_the_proxy_itself() -> None:
    assert parse(v2(command=0) + b"rest") == (Proxied(), b"rest")


@pytest.mark.parametrize("family", [0x00, 0x31])
def test_version_2_of_other_families_is_skipped(family: int) -> None:
    assert parse(v2(family=family)) == (Proxied(), b"")


@pytest.mark.parametrize(
    ("tlvs", "tls"),
    [
        pytest.param(b"", False, id="nothing said"),
        pytest.param(ssl_tlv(1), True, id="TLS"),
        pytest.param(ssl_tlv(0), False, id="clear"),
        pytest.param(b"\x04\0\x02xx" + ssl_tlv(1), True, id="after another TLV"),
        pytest.param(b"\x20\0\0", False, id="empty"),
    ],
)
def test_version_2_tells_whether_the_client_spoke_tls(tlvs: bytes, tls: bool) -> None:
    found = parse(v2(tlvs=tlvs))
    assert found is not None
    assert found[0].tls == tls


@pytest.mark.parametrize("header", [V1, v2(), v2("2001:db8::7", "2001:db8::1", tlvs=ssl_tlv(1))])
def test_a_header_may_be_cut_anywhere(header: bytes) -> None:
    whole = parse(header + b"rest")
    for cut in range(1, len(header)):
        parser = HeaderParser()
        assert parser.feed(header[:cut]) is None
        assert parser.feed(header[cut:] + b"rest") == whole


# --- connections ---


@pytest.mark.parametrize("header", [V1, v2()])
def test_behind_a_proxy_the_client_is_who_the_header_says(header: bytes) -> None:
    story, transport = World().connect(BEHIND, "127.0.0.1")
    assert transport.value() == b""
    story.dataReceived(header + b"first words")

    assert story.story == ["greeted", b"first words"]
    assert (story.client.address, story.client.port) == ("198.51.100.7", 56324)
    assert not story.client.trusted


def test_a_local_connection_of_the_proxy_keeps_its_own_address() -> None:
    story, _ = World().connect(BEHIND, "127.0.0.1")
    story.dataReceived(v2(command=0))

    assert story.story == ["greeted"]
    assert story.client.address == "127.0.0.1"


def test_tls_that_ends_at_the_proxy_counts_but_cannot_be_bound_to() -> None:
    story, _ = World().connect(BEHIND, "127.0.0.1")
    story.dataReceived(v2(tlvs=ssl_tlv(1)))

    assert story.secure
    assert not story.client.channel_bindings


def test_limits_count_the_client_not_the_proxy() -> None:
    world = World(max_connections_per_address=1)
    for number in (1, 2):
        story, transport = world.connect(BEHIND, "127.0.0.1")
        story.dataReceived(v2(f"198.51.100.{number}"))
        assert transport.value() == b"hello\r\n"
    story, transport = world.connect(BEHIND, "127.0.0.1")
    story.dataReceived(v2("198.51.100.1"))

    assert b"your address 198.51.100.1" in transport.value()


@pytest.mark.parametrize("data", [b"a1 NOOP\r\n", b"PROXY TCP4 nonsense\r\n", b"\x16\x03\x01"])
def test_without_a_good_header_the_connection_is_closed(data: bytes, events: Events) -> None:
    story, transport = World().connect(BEHIND, "127.0.0.1")
    story.dataReceived(data)

    assert transport.disconnected
    assert transport.value() == b""
    assert story.story == []
    assert events.names() == ["connection.proxy"]


def test_a_header_is_believed_from_the_proxies_networks_only(events: Events) -> None:
    story, transport = World().connect(BEHIND, "192.0.2.66")
    story.dataReceived(V1)

    assert transport.disconnected
    assert story.story == []
    assert events["connection.proxy"]["peer"] == "192.0.2.66"


def test_a_header_must_come_in_time() -> None:
    world = World(login_timeout=60.0)
    _, transport = world.connect(BEHIND, "127.0.0.1")
    world.clock.advance(60)

    assert transport.disconnected


def test_tls_starts_after_the_header_in_the_same_segment() -> None:
    class Behind:
        """Sends the header ahead of the first octets of TLS."""

        sent = False

        def dataReceived(self, data: bytes) -> None:
            story.dataReceived(data if self.sent else V1 + data)
            self.sent = True

    story, transport = World(tls=True).connect(Entry("implicit", BEHIND.proxy_from), "127.0.0.1")
    client = TlsClient(Behind(), transport)

    assert client.read() == b"hello\r\n"
    assert story.client.address == "198.51.100.7"
    assert story.client.tls
