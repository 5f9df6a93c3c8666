"""SCRAM log-in through the portal, with scramp as the client and over real TLS."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Sequence

import pytest
from scramp import ScramClient

from mailhub.auth.policy import Policy
from mailhub.auth.portal import make_checkers, make_portal
from mailhub.auth.realm import MailRealm
from mailhub.config.options import AuthConfig, PolicyRule
from mailhub.interfaces import (
    BadCredentials,
    LogInDisabled,
    LogInForbidden,
    LogInRefused,
    LogInUnavailable,
    TooManyAttempts,
)
from mailhub.model.mail import Client
from mailhub.net.link import Entry
from mailhub.net.login import LogIn, SaslCancelled
from mailhub.rules import Rules
from tests.auth.accounts import Accounts, CountedHashing
from tests.harness import run
from tests.memory_store import MemoryStore
from tests.net.world import TlsClient, World

CLIENT = Client("c1", "imap", "192.0.2.1", 4711, tls=True, channel_bindings=True)
END_POINT = ("tls-server-end-point", b"hash")


class Server:
    def __init__(self, secret: bytes = b"secret", rules: Sequence[PolicyRule] = ()) -> None:
        self.accounts = Accounts()
        self.store = MemoryStore()
        self.world = World(tls=True)
        checkers = make_checkers(
            self.accounts,
            AuthConfig(),
            self.world.clock,
            CountedHashing(),
            secret,
            Policy(self.accounts, Rules(rules)),
        )
        portal = make_portal(MailRealm(self.store), checkers)
        self.log_in = LogIn(portal, self.world.host, AuthConfig(failure_delay=0.0))

    def add(self, address: str, *, enabled: bool = True) -> None:
        self.accounts.add(address, enabled=enabled)
        self.store.add_account(address)

    def enter(
        self,
        user: str = "alice@example.org",
        password: str = "wonder",
        mechanism: str = "SCRAM-SHA-256",
        binding: tuple[str, bytes] | None = None,
        bindings: Sequence[tuple[str, bytes]] = (),
    ) -> str:
        dialogue = Dialogue(user, password, mechanism, binding)
        entering = self.log_in.sasl(CLIENT, mechanism, dialogue.first(), dialogue.answer, bindings)
        logged_in = run(entering)
        assert dialogue.satisfied
        assert logged_in.user == user
        return logged_in.account.address


class Dialogue:
    def __init__(
        self, user: str, password: str, mechanism: str, binding: tuple[str, bytes] | None
    ) -> None:
        self._client = ScramClient([mechanism], user, password, channel_binding=binding)
        self._challenged = False
        self.challenge = b""
        self.satisfied = False

    def first(self) -> bytes:
        return str(self._client.get_client_first()).encode()

    async def answer(self, challenge: bytes) -> bytes | None:
        if not self._challenged:
            self._challenged = True
            self.challenge = challenge
            self._client.set_server_first(challenge.decode())
            return str(self._client.get_client_final()).encode()
        self._client.set_server_final(challenge.decode())
        self.satisfied = True
        return b""


@pytest.fixture
def server() -> Server:
    server = Server()
    server.add("alice@example.org")
    return server


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-1"])
def test_the_right_password_opens_the_account(server: Server, mechanism: str) -> None:
    assert server.enter(mechanism=mechanism) == "alice@example.org"


@pytest.mark.parametrize(
    "rule",
    [PolicyRule("p", protocols=("pop3",)), PolicyRule("n", networks=("10.0.0.0/8",))],
)
def test_rules_hold_for_scram_as_well_and_only_for_whoever_has_the_password(
    rule: PolicyRule,
) -> None:
    server = Server(rules=[rule])
    server.add("alice@example.org")
    with pytest.raises(LogInForbidden, match=f"policy {rule.name}"):
        server.enter()
    with pytest.raises(BadCredentials):
        server.enter(password="wrong")


def test_plus_binds_to_the_connection(server: Server) -> None:
    address = server.enter(mechanism="SCRAM-SHA-256-PLUS", binding=END_POINT, bindings=[END_POINT])

    assert address == "alice@example.org"


def test_plus_over_another_connection_is_refused(server: Server) -> None:
    with pytest.raises(BadCredentials, match="in between"):
        server.enter(
            mechanism="SCRAM-SHA-256-PLUS",
            binding=("tls-server-end-point", b"somebody else's"),
            bindings=[END_POINT],
        )


def test_a_client_that_only_knows_sha_1_is_no_victim_of_a_downgrade(server: Server) -> None:
    async def nothing(challenge: bytes) -> bytes | None:
        return None

    with pytest.raises(SaslCancelled):  # it got as far as being asked for its proof
        run(
            server.log_in.sasl(
                CLIENT, "SCRAM-SHA-1", b"y,,n=alice@example.org,r=abc", nothing, [END_POINT]
            )
        )
    with pytest.raises(BadCredentials, match="made to believe"):
        run(
            server.log_in.sasl(
                CLIENT, "SCRAM-SHA-256", b"y,,n=alice@example.org,r=abc", nothing, [END_POINT]
            )
        )


@pytest.mark.parametrize("highest", ["1.2", "1.3"])
def test_plus_works_over_real_tls_with_every_binding(server: Server, highest: str) -> None:
    from OpenSSL import SSL

    version = SSL.TLS1_2_VERSION if highest == "1.2" else SSL.TLS1_3_VERSION
    story, transport = server.world.connect(Entry("implicit"))
    TlsClient(story, transport, highest=version)
    bindings = story.channel_binding()
    assert len(bindings) == 2
    for name, data in bindings:
        proof = bound_proof(name, data)
        entering = server.log_in.sasl(
            story.client, "SCRAM-SHA-256-PLUS", proof.first, proof.answer, bindings
        )
        assert run(entering).user == "alice@example.org"


class bound_proof:  # noqa: N801 - scramp knows no tls-exporter
    """A client of SCRAM-SHA-256-PLUS for any channel binding."""

    def __init__(self, name: str, data: bytes) -> None:
        self._header = f"p={name},,".encode()
        self._bare = b"n=alice@example.org,r=" + secrets.token_hex(8).encode()
        self._bound = b64encode(self._header + data)
        self.first = self._header + self._bare

    async def answer(self, challenge: bytes) -> bytes:
        if challenge.startswith(b"v="):
            return b""
        nonce, salt, iterations = (part[2:] for part in challenge.split(b","))
        salted = hashlib.pbkdf2_hmac("sha256", b"wonder", b64decode(salt), int(iterations))
        key = hmac.digest(salted, b"Client Key", "sha256")
        unproved = b"c=" + self._bound + b",r=" + nonce
        said = b",".join((self._bare, challenge, unproved))
        signature = hmac.digest(hashlib.sha256(key).digest(), said, "sha256")
        return (
            unproved + b",p=" + b64encode(bytes(a ^ b for a, b in zip(key, signature, strict=True)))
        )


# --- refusals ---


@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("alice@example.org", "wrong"),
        ("nobody@example.org", "wonder"),
    ],
)
def test_a_wrong_name_or_password_is_refused_at_the_end(
    server: Server, user: str, password: str
) -> None:
    dialogue = Dialogue(user, password, "SCRAM-SHA-256", None)
    with pytest.raises(BadCredentials):
        run(server.log_in.sasl(CLIENT, "SCRAM-SHA-256", dialogue.first(), dialogue.answer))

    assert dialogue.challenge.startswith(b"r=")
    assert not dialogue.satisfied


def salt_of(server: Server, user: str, mechanism: str = "SCRAM-SHA-256") -> tuple[bytes, ...]:
    dialogue = Dialogue(user, "x", mechanism, None)
    with pytest.raises(BadCredentials):
        run(server.log_in.sasl(CLIENT, mechanism, dialogue.first(), dialogue.answer))
    return tuple(dialogue.challenge.split(b",")[1:])


def test_nobodys_salt_is_like_somebodys(server: Server) -> None:
    nobodys, alices = salt_of(server, "nobody@example.org"), salt_of(server, "alice@example.org")

    assert [len(part) for part in nobodys] == [len(part) for part in alices]
    assert nobodys[1] == alices[1]  # iterations


def test_nobodys_salt_is_always_the_same_also_after_a_restart(server: Server) -> None:
    assert salt_of(server, "nobody@example.org") == salt_of(Server(), "nobody@example.org")
    assert salt_of(server, "nobody@example.org") == salt_of(server, "NOBODY@example.org")
    assert salt_of(server, "nobody@example.org") != salt_of(server, "else@example.org")
    assert salt_of(server, "nobody@example.org") != salt_of(
        Server(b"another"), "nobody@example.org"
    )


def test_an_account_without_keys_is_like_nobody(server: Server) -> None:
    server.accounts.add("old@example.org", verifiers=())

    assert salt_of(server, "old@example.org") != salt_of(server, "alice@example.org")


def test_a_disabled_account_is_told_so_only_with_its_password(server: Server) -> None:
    server.add("gone@example.org", enabled=False)
    with pytest.raises(LogInDisabled):
        server.enter("gone@example.org")
    with pytest.raises(BadCredentials):
        server.enter("gone@example.org", "wrong")


def test_one_may_not_act_as_somebody_else(server: Server) -> None:
    server.add("bob@example.org")
    proof = bound_proof("tls-exporter", b"x")
    proof._header = b"p=tls-exporter,a=bob@example.org,"
    proof._bound = b64encode(proof._header + b"x")
    proof.first = proof._header + proof._bare
    with pytest.raises(LogInForbidden):
        run(
            server.log_in.sasl(
                CLIENT, "SCRAM-SHA-256-PLUS", proof.first, proof.answer, [("tls-exporter", b"x")]
            )
        )


@pytest.mark.parametrize("first", [b"", b"garbage", b"\xff", b"n,,n=\x07,r=abc"])
def test_garbage_is_refused(server: Server, first: bytes) -> None:
    async def unasked(challenge: bytes) -> bytes | None:
        raise AssertionError(challenge)

    with pytest.raises(BadCredentials):
        run(server.log_in.sasl(CLIENT, "SCRAM-SHA-256", first, unasked))


def test_a_client_that_goes_on_after_the_end_is_refused(server: Server) -> None:
    dialogue = Dialogue("alice@example.org", "wonder", "SCRAM-SHA-256", None)

    async def chatty(challenge: bytes) -> bytes | None:
        return await dialogue.answer(challenge) or b"and one more thing"

    with pytest.raises(BadCredentials):
        run(server.log_in.sasl(CLIENT, "SCRAM-SHA-256", dialogue.first(), chatty))


def test_when_the_hub_cannot_be_read_it_is_not_the_passwords_fault(server: Server) -> None:
    server.accounts.down = True
    for _ in range(20):
        with pytest.raises(LogInUnavailable):
            server.enter()
    server.accounts.down = False
    server.enter()


def test_guessing_has_to_wait(server: Server) -> None:
    outcomes: list[type[LogInRefused]] = []
    for _ in range(12):
        with pytest.raises(LogInRefused) as refused:
            server.enter(password="wrong")
        outcomes.append(refused.type)

    assert outcomes == [BadCredentials] * 10 + [TooManyAttempts] * 2


def test_giving_up_does_not_count(server: Server) -> None:
    async def give_up(challenge: bytes) -> bytes | None:
        return None

    for _ in range(20):
        with pytest.raises(SaslCancelled):
            run(
                server.log_in.sasl(
                    CLIENT, "SCRAM-SHA-256", b"n,,n=alice@example.org,r=abc", give_up
                )
            )
    server.enter()
