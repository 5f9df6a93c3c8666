"""TLS: handshakes over connections, SNI, reading certificates again, channel bindings."""

from __future__ import annotations

import hashlib
import ipaddress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from mailhub.config.options import Certificate, TlsConfig
from mailhub.net.link import Entry
from mailhub.net.selfsigned import ensure_certificate
from mailhub.net.tls import BadCertificate, TlsContexts
from tests.events import Events
from tests.net.world import Story, TlsClient, World

IMPLICIT = Entry("implicit")


class StartsTls(Story):
    def received(self, data: bytes) -> None:
        super().received(data)
        if data.startswith(b"STARTTLS\r\n"):
            self.write(b"go ahead\r\n")
            self.start_tls()


# --- implicit TLS and STARTTLS ---


def test_with_implicit_tls_the_greeting_comes_inside() -> None:
    story, transport = World(tls=True).connect(IMPLICIT)
    assert transport.value() == b""

    client = TlsClient(story, transport)
    assert client.read() == b"hello\r\n"
    assert story.secure
    assert story.client.channel_bindings

    client.send(b"over TLS")
    assert story.story == ["greeted", b"over TLS"]


def test_starttls_is_offered_until_tls_is_on() -> None:
    story, transport = World(tls=True).connect(kind=StartsTls)
    offered = [story.tls_offered]
    story.dataReceived(b"STARTTLS\r\n")
    assert transport.value() == b"hello\r\ngo ahead\r\n"
    transport.clear()

    client = TlsClient(story, transport)
    assert story.secure
    offered.append(story.tls_offered)
    assert offered == [True, False]
    client.send(b"hidden")
    assert story.story == ["greeted", b"STARTTLS\r\n", b"hidden"]
    story.write(b"answer")
    story._output.flush()
    assert client.read() == b"answer"


@pytest.mark.parametrize("entry", [Entry("none"), Entry("implicit")])
def test_starttls_is_offered_on_its_own_listeners_only(entry: Entry) -> None:
    story, _ = World(tls=True).connect(entry)
    assert not story.tls_offered


def test_starttls_is_not_offered_without_a_certificate() -> None:
    story, _ = World().connect()
    assert not story.tls_offered


def test_clear_text_kept_at_starttls_is_dropped() -> None:  # 2595 4, CVE-2011-0411
    class Slow(StartsTls):
        def received(self, data: bytes) -> None:
            self.hold()
            super().received(data)

    story, transport = World(tls=True).connect(kind=Slow)
    story.hold()
    story.dataReceived(b"STARTTLS\r\n")
    story.dataReceived(b"injected")
    story.resume()
    story.resume()
    transport.clear()
    TlsClient(story, transport)
    story.resume()

    assert story.secure
    assert story.story == ["greeted", b"STARTTLS\r\n"]


def test_clear_text_after_starttls_is_no_tls(events: Events) -> None:
    world = World(tls=True)
    story, transport = world.connect(kind=StartsTls)
    story.dataReceived(b"STARTTLS\r\n")
    story.dataReceived(b"a1 LOGIN alice secret\r\n")
    assert transport.disconnecting
    world.vanish(story)

    assert "does not speak TLS" in events["tls.failed"]["reason"]
    assert story.story == ["greeted", b"STARTTLS\r\n", "disconnected"]


@pytest.mark.parametrize("garbage", [b"a1 CAPABILITY\r\n", b"GET / HTTP/1.0\r\n\r\n", b"\0" * 64])
def test_no_tls_on_a_tls_port_is_logged_once_and_briefly(garbage: bytes, events: Events) -> None:
    world = World(tls=True)
    story, transport = world.connect(IMPLICIT)
    story.dataReceived(garbage)
    assert transport.disconnecting
    world.vanish(story)

    assert events.names() == ["tls.failed"]
    assert "log_failure" not in events["tls.failed"]
    assert story.story == []
    assert len(world.host.connections) == 0


def test_a_client_that_goes_away_in_the_handshake_leaves_nothing_behind() -> None:
    world = World(tls=True)
    story, _ = world.connect(IMPLICIT)
    story.dataReceived(b"\x16\x03\x01")
    world.vanish(story)

    world.clock.advance(0)
    assert world.clock.getDelayedCalls() == []
    assert len(world.host.connections) == 0


def test_a_client_that_never_shakes_hands_is_disconnected() -> None:
    world = World(tls=True, login_timeout=60.0)
    _, transport = world.connect(IMPLICIT)
    world.clock.advance(60)

    assert transport.disconnected


def test_a_refusal_is_readable_over_implicit_tls() -> None:
    world = World(tls=True, max_connections=1)
    world.connect(IMPLICIT)
    story, transport = world.connect(IMPLICIT)

    assert TlsClient(story, transport).read().startswith(b"Too many connections")


def test_output_of_any_size_arrives_over_tls() -> None:
    story, transport = World(tls=True).connect(IMPLICIT)
    client = TlsClient(story, transport)
    client.read()
    data = bytes(range(256)) * 4096
    story.write(data)
    story._output.flush()

    assert client.read() == data


def test_closing_says_so_inside_tls() -> None:
    story, transport = World(tls=True).connect(IMPLICIT)
    client = TlsClient(story, transport)
    client.read()
    story.write(b"bye")
    story.close()

    assert client.read() == b"bye"
    assert client.connection.get_shutdown() & SSL.RECEIVED_SHUTDOWN


def test_tls_1_1_is_refused(events: Events) -> None:
    world = World(tls=True)
    story, transport = world.connect(IMPLICIT)
    # A ClientHello that knows 1.1 at most, as OpenSSL 1.0 sent it.
    hello = bytes.fromhex("0302") + bytes(32) + b"\0" + bytes.fromhex("0004c013c0140100")
    handshake = b"\x01" + len(hello).to_bytes(3, "big") + hello
    story.dataReceived(b"\x16\x03\x01" + len(handshake).to_bytes(2, "big") + handshake)
    world.vanish(story)

    assert transport.disconnecting
    assert "unsupported protocol" in events["tls.failed"]["reason"]


# --- channel bindings ---


def test_tls_1_3_binds_with_the_exporter() -> None:  # 9266 2
    story, transport = World(tls=True).connect(IMPLICIT)
    client = TlsClient(story, transport)
    exported = client.connection.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")
    names = [name for name, _ in story.channel_binding()]

    assert names == ["tls-exporter", "tls-server-end-point"]
    assert dict(story.channel_binding())["tls-exporter"] == exported


def test_tls_1_2_binds_with_the_clients_finished_message() -> None:  # 5929 3.1
    story, transport = World(tls=True).connect(IMPLICIT)
    client = TlsClient(story, transport, highest=SSL.TLS1_2_VERSION)
    assert client.read() == b"hello\r\n"
    names = [name for name, _ in story.channel_binding()]

    assert names == ["tls-unique", "tls-server-end-point"]
    assert dict(story.channel_binding())["tls-unique"] == client.connection.get_finished()


def test_the_end_point_is_the_hash_of_the_certificate() -> None:  # 5929 4.1
    story, transport = World(tls=True).connect(IMPLICIT)
    presented = TlsClient(story, transport).connection.get_peer_certificate(as_cryptography=True)
    assert presented is not None
    digest = hashlib.sha256(presented.public_bytes(Encoding.DER)).digest()

    assert dict(story.channel_binding())["tls-server-end-point"] == digest


def test_there_is_nothing_to_bind_to_in_clear() -> None:
    story, _ = World(tls=True).connect()
    assert story.channel_binding() == []


# --- certificates ---


def issue(folder: Path, name: str) -> Certificate:
    return ensure_certificate(folder / name, name)


def presented(contexts: TlsContexts, server_name: str) -> str:
    """The last DNS name of the certificate that a client asking for *server_name* gets."""
    world = World()
    world.host.tls = contexts
    story, transport = world.connect(IMPLICIT)
    client = TlsClient(story, transport, server_name=server_name)
    certificate = client.connection.get_peer_certificate(as_cryptography=True)
    assert certificate is not None
    return certificate.subject.rfc4514_string().removeprefix("CN=")


@pytest.mark.parametrize(
    ("asked", "got"),
    [
        pytest.param("", "first.example", id="no name: the default"),
        pytest.param("elsewhere.example", "first.example", id="an unknown name: the default"),
        pytest.param("second.example", "second.example", id="a name"),
        pytest.param("SECOND.example", "second.example", id="in capitals"),
        pytest.param("second.example.", "second.example", id="with a dot at the end"),
        pytest.param("any.third.example", "third.example", id="by wildcard"),
        pytest.param("a.b.third.example", "first.example", id="a wildcard is one label"),
    ],
)
def test_the_certificate_follows_the_name_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str, got: str
) -> None:
    monkeypatch.setattr("mailhub.net.selfsigned.machine_names", lambda name: ["localhost", name])
    first, second = (issue(tmp_path, name) for name in ("first.example", "second.example"))
    third = issue(tmp_path, "third.example")
    wild = Certificate(third.certificate, third.key, ("*.third.example",))

    assert presented(TlsContexts(TlsConfig((first, second, wild))), asked) == got


def test_certificates_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailhub.net.selfsigned.machine_names", lambda name: [name])
    old, new = issue(tmp_path, "old.example"), issue(tmp_path, "new.example")
    contexts = TlsContexts(TlsConfig((old,)))
    assert presented(contexts, "") == "old.example"

    old.certificate.write_bytes(new.certificate.read_bytes())
    old.key.write_bytes(new.key.read_bytes())
    contexts.reload()
    assert presented(contexts, "") == "new.example"


def test_a_broken_file_leaves_the_old_certificates_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailhub.net.selfsigned.machine_names", lambda name: [name])
    first, second = issue(tmp_path, "first.example"), issue(tmp_path, "second.example")
    contexts = TlsContexts(TlsConfig((first, second)))
    second.certificate.write_bytes(b"half a certificate")
    with pytest.raises(BadCertificate, match=r"second.example/server.pem: not a certificate"):
        contexts.reload()

    assert presented(contexts, "second.example") == "second.example"


def test_bad_files_are_named_with_the_reason(tmp_path: Path) -> None:
    one, other = issue(tmp_path, "one"), issue(tmp_path, "other")
    for bad, reason in (
        (Certificate(tmp_path / "none.pem", one.key), "none.pem: No such file"),
        (Certificate(one.key, one.key), "server.key: not a certificate in PEM form"),
        (Certificate(one.certificate, one.certificate), "not an unencrypted key in PEM form"),
        (Certificate(one.certificate, other.key), "does not belong to the certificate"),
    ):
        with pytest.raises(BadCertificate, match=reason):
            TlsContexts(TlsConfig((bad,)))


def test_ciphers_that_openssl_does_not_know_are_refused(tmp_path: Path) -> None:
    config = TlsConfig((issue(tmp_path, "one"),), ciphers="ROT13")
    with pytest.raises(BadCertificate, match="ROT13"):
        TlsContexts(config)


# --- the embedded set-up's own ---


def test_the_private_certificate_is_for_this_machine(tmp_path: Path) -> None:
    from cryptography import x509

    certificate = ensure_certificate(tmp_path / "tls", "mail.example.org")
    loaded = x509.load_pem_x509_certificate(certificate.certificate.read_bytes())
    names = loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert {"localhost", "mail.example.org"} <= set(names.get_values_for_type(x509.DNSName))
    addresses = names.get_values_for_type(x509.IPAddress)
    assert set(map(ipaddress.ip_address, ("127.0.0.1", "::1"))) <= set(addresses)


def test_a_client_that_trusts_the_private_ca_accepts_the_certificate(tmp_path: Path) -> None:
    from cryptography import x509
    from cryptography.x509.verification import PolicyBuilder, Store

    certificate = ensure_certificate(tmp_path / "tls")
    ca = x509.load_pem_x509_certificate((tmp_path / "tls" / "ca.pem").read_bytes())
    leaf = x509.load_pem_x509_certificate(certificate.certificate.read_bytes())
    for name in (x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))):
        PolicyBuilder().store(Store([ca])).build_server_verifier(name).verify(leaf, [])


def test_the_private_certificate_is_kept_from_start_to_start(tmp_path: Path) -> None:
    first = ensure_certificate(tmp_path).certificate.read_bytes()

    assert ensure_certificate(tmp_path).certificate.read_bytes() == first


def test_a_new_name_gets_a_new_certificate_of_the_same_ca(tmp_path: Path) -> None:
    first = ensure_certificate(tmp_path).certificate.read_bytes()
    ca = (tmp_path / "ca.pem").read_bytes()

    assert ensure_certificate(tmp_path, "new.example").certificate.read_bytes() != first
    assert (tmp_path / "ca.pem").read_bytes() == ca


@pytest.mark.parametrize("lost", ["server.key", "server.pem", "ca.key"])
def test_files_that_do_not_belong_together_are_made_anew(tmp_path: Path, lost: str) -> None:
    ensure_certificate(tmp_path)
    (tmp_path / lost).write_bytes(b"")

    TlsContexts(TlsConfig((ensure_certificate(tmp_path),)))


def test_keys_are_for_the_owner_only(tmp_path: Path) -> None:
    ensure_certificate(tmp_path / "tls")

    assert (tmp_path / "tls" / "server.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "tls" / "ca.key").stat().st_mode & 0o777 == 0o600
