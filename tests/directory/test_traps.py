"""Everything that a library, a server or a network can do to a log-in: each trap is one test."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import ldap3
import pytest

from mailhub.config.options import DirectoryConfig, DirectoryGroups
from mailhub.directory.troubles import Kind, Trouble, Verdict
from mailhub.directory.watchdog import Watchdog
from mailhub.directory.wire import Wire, tls_context
from mailhub.net import selfsigned
from tests.directory.asking import Asking
from tests.directory.people import dn, password
from tests.directory.slapd import Slapd
from tests.directory.unreliable import (
    Between,
    Handler,
    Listening,
    Request,
    Scripted,
    bound,
    done,
    extended,
    found,
    referred,
)

ALICE = "uid=alice,dc=x"


class Garbage(Listening):
    """Says something else to whatever it hears."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        super().__init__()

    def serve(self, connection: socket.socket) -> None:
        while connection.recv(65536):
            connection.sendall(self._octets)


class Drip(Listening):
    """Sends one octet of an answer that never ends, again and again."""

    def serve(self, connection: socket.socket) -> None:
        connection.sendall(b"\x30\x84\x7f\xff\xff\xff")
        wait = threading.Event()
        while not wait.wait(0.02):
            connection.sendall(b"\x00")


Start = Callable[[Listening], DirectoryConfig]


@pytest.fixture
def clear() -> Iterator[Start]:
    """Makes a directory, without TLS, of a server that the test has started."""
    started: list[Listening] = []

    def directory(server: Listening) -> DirectoryConfig:
        started.append(server)
        return DirectoryConfig(
            "bad",
            servers=(f"ldap://127.0.0.1:{server.port}",),
            preset="lldap",
            tls="none-i-understand",
            user_base="dc=x",
            groups=DirectoryGroups(mode="none"),
            connect_timeout=0.5,
            operation_timeout=0.5,
            request_timeout=1.0,
            retry_interval=0.1,
        )

    yield directory
    for server in started:
        server.close()


def ordinary(message: Request, connection: socket.socket) -> None:
    """A server that knows alice and takes any password that begins with "secret"."""
    if message.name == "bind":
        connection.sendall(bound(message, 0 if message.secret[:6] in ("secret", "") else 49))
    elif message.name == "search":
        entry = found(message, ALICE, entryUUID=["1"], uid=["alice"], mail=["alice@example.org"])
        connection.sendall(entry + done(message))


def but(name: str, answer: Callable[[Request], bytes]) -> Handler:
    """The ordinary server, except for one kind of request."""

    def handler(message: Request, connection: socket.socket) -> None:
        if message.name == name:
            connection.sendall(answer(message))
        else:
            ordinary(message, connection)

    return handler


# --- anonymous success ----------------------------------------------------------------------


def test_the_scripted_server_is_one(asking: Asking, clear: Start) -> None:
    directory = clear(Scripted(ordinary))
    assert asking.prove(directory, "alice", "secret of alice").dn == ALICE
    assert asking.refused(directory, "alice", "guess") is Verdict.WRONG


@pytest.mark.parametrize(("name", "secret"), [("", "p"), (ALICE, ""), ("", "")])
def test_a_bind_without_name_or_password_is_never_sent(
    clear: Start, name: str, secret: str
) -> None:
    server = Scripted(ordinary)
    directory = clear(server)
    wire = Wire(directory.servers[0], directory, Watchdog())
    wire.open()
    with pytest.raises(Trouble, match="anonymous; not sent"):
        wire.bind(name, secret, 1)
    wire.close()
    assert server.requests == []


def test_an_entry_without_a_name_is_nobody(asking: Asking, clear: Start) -> None:
    nameless = but("search", lambda m: found(m, "", entryUUID=["1"]) + done(m))
    assert asking.refused(clear(Scripted(nameless)), "alice", "secret") is Verdict.NOBODY


# --- referrals ------------------------------------------------------------------------------


def test_a_referral_is_not_followed_and_told_once(asking: Asking, clear: Start) -> None:
    elsewhere = Scripted(ordinary)
    clear(elsewhere)
    url = f"ldap://127.0.0.1:{elsewhere.port}/dc=x??sub"
    directory = clear(Scripted(but("search", lambda m: referred(m, url) + done(m))))
    for _ in range(2):
        assert asking.refused(directory, "alice", "secret") is Verdict.NOBODY
    assert elsewhere.taken == 0
    assert asking.heard.reasons().count("never followed") == 1


def test_a_result_that_refers_elsewhere_says_nothing_of_a_person(
    asking: Asking, clear: Start
) -> None:
    directory = clear(Scripted(but("search", lambda m: done(m, 10, "not here"))))
    assert asking.trouble(directory).kind is Kind.BASE


# --- TLS ------------------------------------------------------------------------------------


def test_tls_is_never_older_than_1_2_and_always_verified(corp: DirectoryConfig) -> None:
    context = tls_context(corp)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_authorities_are_read_again_when_their_file_has_changed(
    corp: DirectoryConfig, tmp_path: Path
) -> None:
    assert corp.tls_ca is not None
    copy = tmp_path / "ca.pem"
    copy.write_bytes(corp.tls_ca.read_bytes())
    directory = replace(corp, tls_ca=copy)
    first = tls_context(directory)
    assert tls_context(directory) is first
    os.utime(copy, (1, 1))
    assert tls_context(directory) is not first
    copy.unlink()
    with pytest.raises(Trouble, match=r"ca\.pem"):
        tls_context(directory)


def test_starttls_is_used_before_anything_else(
    asking: Asking, corp: DirectoryConfig, slapd: Slapd
) -> None:
    directory = replace(corp, servers=(slapd.plain,), tls="starttls")
    assert asking.prove(directory, "alice", password("alice")).dn == dn("alice")
    assert "another name" in str(asking.trouble(replace(directory, tls_server_name="x.org")))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda m: extended(m, 2), id="refused"),
        pytest.param(lambda m: extended(m, 0) + b"\x00" * 64, id="no TLS after it"),
        pytest.param(lambda m: extended(m, 0) + bound(m), id="an answer slipped in"),
    ],
)
def test_starttls_that_fails_ends_the_connection(
    asking: Asking, clear: Start, answer: Callable[[Request], bytes]
) -> None:
    server = Scripted(but("extended", answer))
    trouble = asking.trouble(replace(clear(server), tls="starttls"))
    assert trouble.kind is Kind.TLS
    assert set(server.requests) == {"extended"}


class Greeting(Listening):
    """Speaks TLS as its context says."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def serve(self, connection: socket.socket) -> None:
        with self._context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(1)


def context_of(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    return context


def test_an_expired_certificate_is_named(
    asking: Asking, clear: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selfsigned, "SERVER_LIFE", timedelta(seconds=0))
    selfsigned.ensure_certificate(tmp_path)
    directory = clear(Greeting(context_of(tmp_path / "server.pem")))
    url = directory.servers[0].replace("ldap:", "ldaps:")
    secured = replace(directory, tls="ldaps", servers=(url,), tls_ca=tmp_path / "ca.pem")
    assert "certificate has expired" in str(asking.trouble(secured))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of TLS 1.1, which is the point
def test_old_tls_is_refused_and_named(asking: Asking, clear: Start, tls: Path) -> None:
    context = context_of(tls / "server.pem")
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    directory = clear(Greeting(context))
    url = directory.servers[0].replace("ldap:", "ldaps:")
    secured = replace(directory, tls="ldaps", servers=(url,), tls_ca=tls / "ca.pem")
    assert "no TLS newer than 1.1" in str(asking.trouble(secured))


def test_a_server_without_tls_is_named(asking: Asking, clear: Start, corp: DirectoryConfig) -> None:
    directory = clear(Garbage(b"Hello!\r\n"))
    url = directory.servers[0].replace("ldap:", "ldaps:")
    trouble = asking.trouble(replace(directory, tls="ldaps", servers=(url,)))
    assert "does not speak TLS on this port" in str(trouble)


# --- answers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", id="HTTP"),
        pytest.param(b"\x00" * 100, id="zeros"),
        pytest.param(b"\xff" * 100, id="ones"),
        pytest.param(b"\x30\x05\x02\x01\x01\x61\x00", id="an empty answer"),
        pytest.param(b"\x30\x0c\x02\x01\x63\x61\x07\x0a\x01\x00\x04\x00\x04\x00", id="other id"),
    ],
)
def test_what_is_not_ldap_is_no_answer(asking: Asking, clear: Start, octets: bytes) -> None:
    trouble = asking.trouble(clear(Garbage(octets)))
    assert trouble.kind in (Kind.BROKEN, Kind.TIMEOUT)


def test_an_octet_now_and_then_does_not_hold_a_log_in(asking: Asking, clear: Start) -> None:
    assert asking.trouble(clear(Drip())).kind is Kind.TIMEOUT


def test_a_server_that_says_nothing_is_given_up(asking: Asking, clear: Start) -> None:
    assert asking.trouble(clear(Garbage(b""))).kind is Kind.TIMEOUT


def test_a_busy_server_is_not_a_wrong_password(asking: Asking, clear: Start) -> None:
    directory = clear(Scripted(but("bind", lambda m: bound(m, 51, "busy"))))
    assert asking.trouble(directory).kind is Kind.BUSY


def test_a_size_limit_with_one_entry_is_no_single_match(asking: Asking, clear: Start) -> None:
    limited = but("search", lambda m: found(m, ALICE, entryUUID=["1"]) + done(m, 4))
    assert asking.trouble(clear(Scripted(limited))).kind is Kind.LIMIT


# --- connections ----------------------------------------------------------------------------


def test_an_enormous_entry_keeps_nobody_else_out(asking: Asking, clear: Start) -> None:
    server = Scripted(ordinary)

    def answer(message: Request) -> bytes:
        bob = found(message, "uid=bob,dc=x", entryUUID=["2"])
        if server.requests.count("search") == 2:  # for less of it
            return bob + done(message)
        large = found(message, "uid=bob,dc=x", entryUUID=["2"], cn=["x" * 5_000_000])
        alice = found(message, ALICE, entryUUID=["1"], uid=["alice"], mail=["a@example.org"])
        return large + alice + done(message)

    server.handler = but("search", answer)
    (page,) = asking.everybody(clear(server))
    assert [(person.id, person.addresses) for person in page] == [
        ("2", ()),  # not gone
        ("1", ("a@example.org",)),
    ]
    assert "uid=bob,dc=x is an entry of 5,000," in asking.heard.reasons()


def test_a_connection_that_was_cut_is_made_again(
    asking: Asking, corp: DirectoryConfig, slapd: Slapd
) -> None:
    between = Between(slapd.tls_port)
    directory = replace(corp, servers=(f"ldaps://127.0.0.1:{between.port}",))
    asking.prove(directory, "alice", password("alice"))
    between.cut()
    asking.prove(directory, "alice", password("alice"))
    assert asking.heard.events == []
    between.close()


def test_a_connection_that_idled_is_tried_before_it_is_used(
    asking: Asking, corp: DirectoryConfig, slapd: Slapd, monkeypatch: pytest.MonkeyPatch
) -> None:
    between = Between(slapd.tls_port)
    directory = replace(corp, servers=(f"ldaps://127.0.0.1:{between.port}",), connect_timeout=0.2)
    asking.prove(directory, "alice", password("alice"))
    between.passing.clear()  # a firewall drops what it has forgotten, and says nothing
    monkeypatch.setattr("mailhub.directory.servers.time.monotonic", _later(60))
    old = between.taken
    thread = threading.Timer(0.3, between.passing.set)
    thread.start()
    asking.prove(directory, "alice", password("alice"))
    thread.join()
    assert between.taken > old
    assert asking.heard.events == []
    between.close()


def _later(seconds: float) -> Callable[[], float]:
    real = time.monotonic
    return lambda: real() + seconds


# --- ldap3 itself ---------------------------------------------------------------------------


def test_importing_it_warns_nobody() -> None:
    code = "import mailhub.directory.lookup"
    command = [sys.executable, "-W", "error", "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=False).stderr == ""


def test_no_schema_and_no_referral_is_ever_asked_for(clear: Start, tmp_path: Path) -> None:
    directory = clear(Scripted(ordinary))
    wire = Wire(directory.servers[0], directory, Watchdog())
    connection = wire._connection
    assert connection.server.get_info == ldap3.NONE
    assert not connection.auto_referrals
    assert connection.server.allowed_referral_hosts == []
    assert connection.strategy_type == ldap3.SAFE_SYNC
    assert connection.receive_timeout
    assert connection.server.connect_timeout
