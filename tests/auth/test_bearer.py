"""OAUTHBEARER and XOAUTH2 through log-in: which tokens are believed, and whose they are."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.task import Clock

from mailhub.auth.bearer import BearerChecker
from mailhub.auth.masters import Masters
from mailhub.auth.policy import Policy
from mailhub.auth.portal import make_portal
from mailhub.auth.realm import MailRealm
from mailhub.auth.tokens import make_providers
from mailhub.config.options import AuthConfig, OauthConfig, PolicyRule
from mailhub.interfaces import (
    BadCredentials,
    BadToken,
    LogInDisabled,
    LogInForbidden,
    LogInUnavailable,
    NoSuchPerson,
)
from mailhub.metrics import Metrics
from mailhub.model.mail import Client
from mailhub.net.fetch import FetchFailed
from mailhub.net.login import LogIn, SaslCancelled, UnknownMechanism
from mailhub.rules import Rules
from mailhub.sasl.bearer import oauthbearer
from tests.auth.accounts import Accounts
from tests.auth.issuer import ALL, CONFIG, ISSUER, NOW, claims, forged, jwk, jwks, key, token
from tests.events import Events
from tests.harness import run
from tests.memory_store import MemoryStore
from tests.net.world import World

ALICE, BOB = "alice@example.org", "bob@example.org"
CLIENT = Client("c1", "imap", "192.0.2.1", 4711, tls=True)


class Server:
    """The provider's; ``told`` is what it knows of tokens, None: nothing comes from it."""

    def __init__(self) -> None:
        self.keys: bytes | None = jwks()
        self.told: object = None
        self.clock = Clock()
        self.posted: list[tuple[str, Mapping[str, str], str, str]] = []

    async def get(self, url: str) -> bytes:
        self.clock.advance(0.25)
        if self.keys is None:
            raise FetchFailed("ConnectionRefusedError")
        return self.keys

    async def post(self, url: str, form: Mapping[str, str], user: str, password: str) -> bytes:
        self.posted.append((url, form, user, password))
        if self.told is None:
            raise FetchFailed("answered 401")
        return self.told if isinstance(self.told, bytes) else json.dumps(self.told).encode()


class Door:
    """alice and bob; only IMAP for bob."""

    def __init__(self, *configs: OauthConfig, masters: Sequence[str] = ()) -> None:
        self.accounts, store, self.server = Accounts(), MemoryStore(), Server()
        for address in (ALICE, BOB):
            stored = self.accounts.add(address, verifiers=())
            self.accounts.stored[address] = replace(stored, account=store.add_account(address).id)
        rules = Rules((PolicyRule("bob", accounts=(BOB,), protocols=("imap",)),))
        policy = Policy(self.accounts, rules, Masters(AuthConfig(masters=tuple(masters))))
        self.clock, self.metrics = Clock(), Metrics()
        self.server.clock = self.clock
        fetcher, seconds = lambda _: self.server, self.clock.seconds
        providers = make_providers(configs or (CONFIG,), fetcher, seconds, self.metrics)
        providers.wall = lambda: NOW
        checker = BearerChecker(self.accounts, policy, providers)
        portal = make_portal(MailRealm(store), [checker])
        self.log_in = LogIn(portal, World().host, AuthConfig(failure_delay=0))
        self.challenges: list[Any] = []

    def counted(self, name: str, **labels: str) -> float | None:
        labels = {"provider": CONFIG.name, **labels}
        return self.metrics.registry.get_sample_value(f"mailhub_oauth_{name}", labels)

    def enter(self, given: str, user: str = "", **client: Any) -> str:
        return self.say("OAUTHBEARER", oauthbearer(given, user), **client)

    def say(
        self,
        mechanism: str,
        message: bytes | None,
        *answers: bytes | None,
        **client: Any,
    ) -> str:
        left = [*answers, b"\x01"]
        self.challenges = []

        async def ask(challenge: bytes) -> bytes | None:
            self.challenges.append(json.loads(challenge) if challenge else "")
            return left.pop(0)

        who = replace(CLIENT, **client)
        return run(self.log_in.sasl(who, mechanism, message, ask)).account.address


@pytest.fixture
def door() -> Door:
    return Door()


# --- messages -----------------------------------------------------------------------------


@pytest.mark.parametrize("message", [b"", b"\x01", b"\xff", b"n,,\x01auth=Basic x\x01\x01"])
@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
def test_a_malformed_message_is_told_to_be_one(door: Door, mechanism: str, message: bytes) -> None:
    with pytest.raises(BadToken):
        door.say(mechanism, message)
    (told,) = door.challenges
    assert told["status"] in ("invalid_request", "400")


@pytest.mark.parametrize("answer", [b"\x01", b"", b"anything"])
def test_after_the_challenge_any_answer_leads_to_the_refusal(door: Door, answer: bytes) -> None:
    with pytest.raises(BadToken, match="no token"):
        door.say("OAUTHBEARER", b"n,a=alice,\x01auth=\x01\x01", answer)
    assert door.challenges == [{"status": "invalid_token"}]


def test_a_client_that_gives_up_before_a_token_has_only_given_up(
    door: Door, events: Events
) -> None:
    with pytest.raises(SaslCancelled):
        door.say("XOAUTH2", None, None)
    assert events.names() == ["login.cancelled"]


def test_a_client_that_gives_up_when_it_was_refused_is_logged_as_refused(
    door: Door, events: Events
) -> None:
    with pytest.raises(SaslCancelled):
        door.say("XOAUTH2", b"user=x\x01auth=Bearer y\x01\x01", None)
    assert events["login.refused"]["reason"] == "BadToken"


def test_it_is_on_offer_where_passwords_are(door: Door) -> None:
    assert door.log_in.mechanisms(CLIENT) == ("OAUTHBEARER", "XOAUTH2")
    clear = replace(CLIENT, tls=False)
    assert door.log_in.mechanisms(clear) == ()
    assert door.log_in.is_withheld("oauthbearer", clear)
    assert not door.log_in.is_withheld("PLAIN", clear)  # nobody here takes passwords
    with pytest.raises(UnknownMechanism):
        door.enter(token(), tls=False)


# --- tokens that prove nothing ------------------------------------------------------------

HEADER = {"alg": "ES256", "typ": "at+jwt", "kid": "k1"}


BAD = (
    ("b3BhcXVl", "nobody to ask"),
    ("a.b.c", "nobody to ask"),
    ("..", "nobody to ask"),
    ("a.b.c.d.e", "encrypted"),
    (forged({"alg": "none"}, claims()), "signed by none"),
    (forged({"alg": "NONE"}, claims()), "signed by NONE"),
    (forged({"alg": ["ES256"]}, claims()), "signed by"),
    (forged({}, claims()), "signed by None"),
    (forged({**HEADER, "alg": "HS256"}, claims(), b"x" * 32), "signed by HS256"),
    (forged({**HEADER, "alg": "RS512"}, claims(), b"x" * 256), "signed by RS512"),
    (forged(HEADER, claims()), "signature"),
    (forged(HEADER, claims(), b"x" * 64), "signature"),
    (forged(HEADER, claims(), b"\0" * 64), "signature"),
    (token(private=key("P-256", 1)), "signature"),
    (token(crit=["x"], x=1), "crit"),
    (token(crit=[]), "crit"),
    (token(typ="logout+jwt"), "no access token"),
    (forged({**HEADER, "typ": 7}, claims()), "no access token"),
    (forged({**HEADER, "kid": ["k1"]}, claims()), "no string"),
    (token(key_id="k2"), "has not the key k2"),
    (token(claims(iss="https://evil.example")), "nobody here believes"),
    (token(claims(iss=None)), "nobody here believes"),
    (token(claims(iss=[ISSUER])), "nobody here believes"),
    (token(claims(iss=ISSUER + "/")), "nobody here believes"),
    (token(claims(aud="webmail")), "is for webmail"),
    (token(claims(aud=None)), "is for nobody"),
    (token(claims(aud=[["mail"], {}, 7])), "is for"),
    (token(claims(aud={"mail": 1})), "is for nobody"),
    (token(claims(exp=None)), "never ends"),
    (token(claims(exp=NOW - 30)), "expired 30 s ago"),
    (token(claims(exp="tomorrow")), "exp is no time"),
    (token(claims(exp=True)), "exp is no time"),
    (token(claims(exp=float("inf"))), "exp is no time"),
    (token(claims(exp=float("nan"))), "exp is no time"),
    (token(claims(exp=10**400)), "exp is no time"),
    (token(claims(nbf=NOW + 31)), "not good before"),
    (token(claims(iat=NOW + 31)), "from the future"),
    (token(claims(cnf={"jkt": "x"})), "bound to a key"),
    (token(claims(email=None)), "no claim email"),
    (token(claims(email="")), "no name"),
    (token(claims(email=[ALICE])), "no name"),
    (token(claims(email_verified=False)), "not verified"),
)


@pytest.mark.parametrize(("given", "why"), BAD, ids=map(str, range(len(BAD))))
def test_a_token_that_proves_nothing_is_refused(
    door: Door, events: Events, given: str, why: str
) -> None:
    with pytest.raises(BadToken):
        door.enter(given)
    assert why in events["login.refused"]["detail"]
    assert door.challenges == [{"status": "invalid_token"}]
    assert given not in str(events["login.refused"])


def test_the_public_key_is_no_secret_to_sign_with(door: Door) -> None:
    public = json.dumps(jwk("ES256", key("P-256"))).encode()
    header = {**HEADER, "alg": "HS256"}
    unsigned = forged(header, claims()).rstrip(".")
    signature = hmac.digest(public, unsigned.encode(), "sha256")
    with pytest.raises(BadToken):
        door.enter(forged(header, claims(), signature))


def test_a_key_is_not_taken_for_another_algorithm() -> None:
    door = Door(ALL)
    door.server.keys = jwks(jwk("RS256", key("2048"), alg="RS256"))
    assert door.enter(token(algorithm="RS256", private=key("2048"))) == ALICE
    for other in ("RS512", "PS256"):
        with pytest.raises(BadToken, match="has not the key"):
            door.enter(token(algorithm=other, private=key("2048")))


def test_a_short_rsa_key_is_not_believed(events: Events) -> None:
    door = Door(ALL)
    door.server.keys = jwks(jwk("RS256", key("1024")))
    with pytest.raises(BadToken, match="2048"):
        door.enter(token(algorithm="RS256", private=key("1024")))


def test_what_is_deeply_nested_is_no_crash(door: Door) -> None:
    deep = "[" * 20_000 + "]" * 20_000
    for header, said in ((deep, "{}"), (json.dumps(HEADER), deep), (json.dumps(HEADER), "[]")):
        pieces = forged({}, {}).split(".")
        pieces[0], pieces[1] = (
            base64.urlsafe_b64encode(each.encode()).rstrip(b"=").decode() for each in (header, said)
        )
        with pytest.raises(BadToken):
            door.enter(".".join(pieces))


# --- tokens that prove something ----------------------------------------------------------


@pytest.mark.parametrize(
    ("algorithm", "kind"),
    [
        ("RS256", "2048"),
        ("PS256", "2048"),
        ("ES256", "P-256"),
        ("ES384", "P-384"),
        ("ES512", "P-521"),
        ("EdDSA", "Ed25519"),
    ],
)
def test_every_algorithm_works_with_and_without_the_name_of_the_key(
    algorithm: str, kind: str, events: Events
) -> None:
    door = Door(ALL)
    door.server.keys = jwks(jwk("ES256", key("P-256", 1), "k0"), jwk(algorithm, key(kind)))
    for key_id in ("k1", None):
        assert door.enter(token(algorithm=algorithm, private=key(kind), key_id=key_id)) == ALICE
    assert door.challenges == []
    last = [event for event in events if event["event"] == "login.ok"][-1]
    assert (last["means"], last["mechanism"]) == ("token of staff", "OAUTHBEARER")


@pytest.mark.parametrize(
    "said",
    [
        claims(aud="mail"),
        claims(exp=NOW - 29),
        claims(nbf=NOW + 29, iat=NOW + 29),
        claims(exp=NOW + 0.5, iat=None),
        claims(email="Alice@Example.Org"),
        claims(email_verified=True),
    ],
)
def test_a_good_token_is_let_in(door: Door, said: dict[str, Any]) -> None:
    assert door.enter(token(said)) == ALICE


@pytest.mark.parametrize("kind", ["JWT", "jwt", "at+jwt", "application/at+jwt"])
def test_types_of_access_tokens_are_taken(door: Door, kind: str) -> None:
    assert door.enter(token(typ=kind)) == ALICE


def test_xoauth2_is_the_same_token_in_another_message(door: Door, events: Events) -> None:
    message = f"user={ALICE}\x01auth=Bearer {token()}\x01\x01".encode()
    assert door.say("xoauth2", message) == ALICE
    assert events["login.ok"]["mechanism"] == "XOAUTH2"


def test_without_an_initial_response_an_empty_challenge_asks_for_it(door: Door) -> None:
    assert door.say("OAUTHBEARER", None, oauthbearer(token())) == ALICE
    assert door.challenges == [""]


def test_a_token_of_many_kilobytes_is_taken(door: Door) -> None:
    groups = [f"group number {number}" for number in range(1200)]
    long = token(claims(groups=groups))
    assert len(long) > 30_000
    assert door.enter(long) == ALICE


# --- whose it is --------------------------------------------------------------------------


def test_the_first_claim_that_is_there_counts_and_no_other() -> None:
    door = Door(replace(CONFIG, claims=("upn", "preferred_username")))
    assert door.enter(token(claims(preferred_username=ALICE))) == ALICE
    assert door.enter(token(claims(upn=BOB, preferred_username=ALICE))) == BOB
    with pytest.raises(NoSuchPerson):
        door.enter(token(claims(upn="nobody@example.org", preferred_username=ALICE)))


def test_a_name_that_cannot_be_one_is_refused(door: Door) -> None:
    with pytest.raises(BadCredentials):
        door.enter(token(claims(email="ali\u0007ce@example.org")))


def test_scopes_must_all_be_there() -> None:
    door = Door(replace(CONFIG, scopes=("imap", "mail.read"), discovery_url="https://d"))
    some: Any
    for some in ({}, {"scope": "imap mail.reader"}, {"scope": 7}, {"scope": None}):
        with pytest.raises(BadToken):
            door.enter(token(claims(**some)))
        assert door.challenges == [
            {
                "status": "insufficient_scope",
                "scope": "imap mail.read",
                "openid-configuration": "https://d",
            }
        ]
    for some in ({"scope": "mail.read x imap"}, {"scope": None, "scp": ["imap", "mail.read"]}):
        assert door.enter(token(claims(**some))) == ALICE


def test_a_provider_speaks_for_its_domains_only() -> None:
    door = Door(replace(CONFIG, domains=("example.com",)))
    with pytest.raises(LogInForbidden, match=r"not for example\.org"):
        door.enter(token())
    assert door.challenges == []  # another token would change nothing
    assert Door(replace(CONFIG, domains=("example.org",))).enter(token()) == ALICE


def test_nobody_acts_as_somebody_else_without_being_a_master(events: Events) -> None:
    door = Door()
    assert door.enter(token(), "alice@example.org") == ALICE
    for other in (BOB, "nobody"):
        with pytest.raises(LogInForbidden):
            door.enter(token(), other)
    door = Door(masters=[ALICE])
    assert door.enter(token(), BOB) == BOB
    assert events["login.master"]["master"] == ALICE
    assert events[-1]["means"] == f"master user {ALICE} by token of staff"


def test_rules_hold(door: Door) -> None:
    with pytest.raises(LogInForbidden):
        door.enter(token(claims(email=BOB)), protocol="pop3")
    door.accounts.stored[ALICE] = replace(door.accounts.stored[ALICE], enabled=False)
    with pytest.raises(LogInDisabled):
        door.enter(token())
    assert door.challenges == []


# --- outages ------------------------------------------------------------------------------


def test_a_provider_that_does_not_answer_refuses_nothing(door: Door, events: Events) -> None:
    door.server.keys = None
    with pytest.raises(LogInUnavailable):
        door.enter(token())
    assert door.challenges == []
    assert "ConnectionRefusedError" in events["login.refused"]["detail"]


def test_accounts_that_cannot_be_asked_refuse_nothing(door: Door) -> None:
    door.accounts.down = True
    with pytest.raises(LogInUnavailable):
        door.enter(token())


# --- introspection ------------------------------------------------------------------------


@pytest.fixture
def asked(tmp_path: Path) -> Door:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\nmore\n")
    url = f"{ISSUER}/introspect"
    return Door(
        replace(
            CONFIG,
            jwks_url="",
            introspection_url=url,
            client_id="mailhub",
            client_secret_file=secret,
        )
    )


@pytest.mark.parametrize(
    "told",
    [
        None,
        b"",
        b"\xff",
        b"[" * 100_000,
        [],
        {},
        {"active": "true", "aud": "mail", "email": ALICE},
        {"active": 1, "aud": "mail", "email": ALICE},
    ],
)
def test_an_answer_that_is_none_refuses_nothing(asked: Door, told: object) -> None:
    asked.server.told = told
    with pytest.raises(LogInUnavailable):
        asked.enter("opaque")


@pytest.mark.parametrize(
    "told",
    [
        {"active": False},
        {"active": True, **claims(iss="https://evil.example")},
        {"active": True, **claims(aud="webmail")},
        {"active": True, **claims(aud=None)},
        {"active": True, **claims(exp=NOW - 31)},
        {"active": True, **claims(email=None)},
        {"active": True, **claims(cnf={})},
    ],
)
def test_what_the_provider_does_not_say_is_refused(asked: Door, told: object) -> None:
    asked.server.told = told
    with pytest.raises(BadToken):
        asked.enter("opaque")


def test_what_the_provider_says_is_believed(asked: Door) -> None:
    asked.server.told = {"active": True, **claims(iss=None, exp=None, iat=None)}
    assert asked.enter("opaque") == ALICE
    (question,) = asked.server.posted
    form = {"token": "opaque", "token_type_hint": "access_token"}
    assert question == (f"{ISSUER}/introspect", form, "mailhub", "s3cret")


def test_a_token_of_somebody_else_is_not_shown_to_the_provider(asked: Door) -> None:
    with pytest.raises(BadToken):
        asked.enter(token(claims(iss="https://other.example")))
    with pytest.raises(LogInUnavailable):
        asked.enter(token())
    assert len(asked.server.posted) == 1


def test_what_asking_costs_and_brings_is_counted(door: Door, asked: Door) -> None:
    door.server.keys = None
    with pytest.raises(LogInUnavailable):
        door.enter(token())
    door.server.keys = jwks()
    door.clock.advance(60)
    door.enter(token())
    with pytest.raises(BadToken):
        door.enter(forged({"alg": "ES256"}, claims()))
    for outcome in ("ok", "failed"):
        labels = {"question": "keys", "outcome": outcome}
        assert door.counted("seconds_count", **labels) == 1
        assert door.counted("seconds_sum", **labels) == 0.25
    for outcome in ("proved", "refused", "unavailable"):
        assert door.counted("tokens_total", outcome=outcome) == 1
    asked.server.told = {"active": True, **claims()}
    asked.enter("opaque")
    assert asked.counted("seconds_count", question="introspection", outcome="ok") == 1


def test_an_unreadable_secret_is_an_outage(asked: Door, tmp_path: Path) -> None:
    (tmp_path / "secret").unlink()
    with pytest.raises(LogInUnavailable, match="secret"):
        asked.enter("opaque")
