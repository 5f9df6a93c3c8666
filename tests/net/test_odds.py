"""Smaller promises: the default host, odd certificates, lingering, who holds the places."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from twisted.internet.task import Clock

from mailhub.config.options import Certificate, TlsConfig
from mailhub.model.mail import AccountId
from mailhub.net.host import Host
from mailhub.net.link import Entry
from mailhub.net.tls import BadCertificate, TlsContexts
from tests.events import Events
from tests.net.world import Story, TlsClient, World


def self_signed(
    folder: Path,
    key: CertificateIssuerPrivateKeyTypes,
    *,
    days: int = 10,
    encryption: KeySerializationEncryption | None = None,
) -> Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "odd.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1000))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    )
    (folder / "odd.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
    (folder / "odd.key").write_bytes(private)
    return Certificate(folder / "odd.pem", folder / "odd.key")


def test_the_default_host_needs_nothing_but_a_reactor() -> None:
    host = Host.default(Clock())

    assert host.tls is None
    assert host.hostname == "localhost"


# --- certificates ---


def test_a_certificate_of_undefined_hash_has_no_end_point(tmp_path: Path) -> None:  # 5929 4.1
    world = World()
    key = ed25519.Ed25519PrivateKey.generate()
    world.host.tls = TlsContexts(TlsConfig((self_signed(tmp_path, key),)))
    story, transport = world.connect(Entry("implicit"))
    TlsClient(story, transport)

    assert [name for name, _ in story.channel_binding()] == ["tls-exporter"]


def test_an_expired_certificate_is_used_but_warned_of(tmp_path: Path, events: Events) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    contexts = TlsContexts(TlsConfig((self_signed(tmp_path, key, days=-1),)))

    assert contexts.names == []  # the common name does not count
    assert events["tls.expired"]["path"] == str(tmp_path / "odd.pem")


def test_keys_that_cannot_serve_are_refused(tmp_path: Path) -> None:
    locked = BestAvailableEncryption(b"pass")
    certificate = self_signed(tmp_path, ec.generate_private_key(ec.SECP256R1()), encryption=locked)
    with pytest.raises(BadCertificate, match="not an unencrypted key"):
        TlsContexts(TlsConfig((certificate,)))
    with pytest.raises(BadCertificate, match="not used for TLS"):
        TlsContexts(TlsConfig((self_signed(tmp_path, dsa.generate_private_key(2048)),)))
    certificate.key.unlink()
    with pytest.raises(BadCertificate, match=r"odd\.key: No such file"):
        TlsContexts(TlsConfig((certificate,)))


def test_without_any_certificate_there_is_no_tls() -> None:
    with pytest.raises(BadCertificate):
        TlsContexts(TlsConfig())


# --- the end ---


def test_a_closing_connection_lives_while_the_client_takes_the_rest() -> None:
    world = World()
    story, transport = world.connect()
    transport.dataBuffer = b"x" * 300
    story.close()
    for left in (200, 100, 0):
        world.clock.advance(10)
        assert not transport.disconnected
        transport.dataBuffer = b"x" * left
    world.clock.advance(10)

    assert transport.disconnected


def test_an_aborted_connection_tells_how_it_ended(events: Events) -> None:
    world = World()
    story, _ = world.connect()
    story.abort("for a test")
    world.vanish(story)

    assert events["connection.closed"]["outcome"] == "for a test"


def test_a_goodbye_that_fails_does_not_keep_the_connection(events: Events) -> None:
    class Hopeless(Story):
        def received(self, data: bytes) -> None:
            raise ZeroDivisionError

        def timed_out(self) -> None:
            raise ZeroDivisionError

    world = World(login_timeout=60.0)
    _, transport = world.connect(kind=Hopeless)
    world.clock.advance(60)

    assert transport.disconnecting
    assert "connection.crashed" in events.names()


@pytest.mark.parametrize(
    "way", [Story.close, Story.abort, lambda story: story.end("x")], ids=["close", "abort", "end"]
)
def test_ending_twice_is_harmless(way: Callable[[Story], None]) -> None:
    world = World()
    story, transport = world.connect()
    story.close()
    way(story)
    world.vanish(story)

    assert transport.disconnecting
    world.clock.advance(0)
    assert world.clock.getDelayedCalls() == []


# --- the table ---


def test_a_refusal_names_the_addresses_that_hold_most() -> None:
    world = World(max_connections_per_account=6)
    table = world.host.connections
    refusal = None
    for address in (1, 1, 1, 2, 3, 4, 5):
        story, _ = world.connect(address=f"192.0.2.{address}")
        account = AccountId("alice")
        refusal = table.log_in(story.client.connection, account, "alice@example.org")

    assert refusal is not None
    assert refusal.startswith("Too many connections of this account (3 from 192.0.2.1, 1 from")
    assert refusal.endswith(", others)")
    assert len(table.all()) == 7


@pytest.mark.parametrize(("most", "admitted"), [(None, 2), (1, 1), (3, 3), (0, 4)])
def test_an_account_may_have_a_limit_of_its_own(most: int | None, admitted: int) -> None:
    world = World(max_connections_per_account=2)
    answers = []
    for _ in range(4):
        story, _ = world.connect()
        name, account = story.client.connection, AccountId("alice")
        answers.append(world.host.connections.log_in(name, account, "alice@example.org", most))

    assert answers.count(None) == admitted


def test_a_connection_that_is_gone_cannot_log_in_or_out() -> None:
    world = World()
    story, _ = world.connect()
    world.vanish(story)
    table = world.host.connections
    table.log_in(story.client.connection, AccountId("alice"), "alice@example.org")
    table.log_out(story.client.connection)

    assert table.of_account(AccountId("alice")) == []
