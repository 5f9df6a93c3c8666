"""Log-in through portals: our own checkers, Twisted's, refusals, delays, events."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Literal

import pytest
from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import Portal

from mailhub.config.options import AuthConfig
from mailhub.interfaces import (
    BadCredentials,
    LogInForbidden,
    LogInUnavailable,
    TooManyConnections,
)
from mailhub.log import as_json
from mailhub.model.mail import Client
from mailhub.net.login import LoggedIn, LogIn, SaslCancelled, UnknownMechanism
from tests.events import Events
from tests.harness import Running, run, start
from tests.net.checkers import Realm, Refusing, ScramStub, Telling
from tests.net.world import World

NO_DELAY = AuthConfig(failure_delay=0.0)
REMOTE = Client("c1", "imap", "192.0.2.1", 4711)
SECURE = replace(REMOTE, tls=True, channel_bindings=True)
HERE = Client("c2", "imap", "127.0.0.1", 4711, trusted=True)


def twisteds_own() -> Portal:
    return Portal(Realm(), [InMemoryUsernamePasswordDatabaseDontUse(alice=b"wonder")])


def log_in(portal: Portal | None = None, config: AuthConfig = NO_DELAY) -> LogIn:
    return LogIn(portal or twisteds_own(), World().host, config)


def answers(*given: bytes | None) -> tuple[Callable[[bytes], Awaitable[bytes | None]], list[bytes]]:
    """An *ask* that gives these answers, and the challenges it will have been asked."""
    challenges: list[bytes] = []
    coming = iter(given)

    async def ask(challenge: bytes) -> bytes | None:
        challenges.append(challenge)
        return next(coming)

    return ask, challenges


async def unasked(challenge: bytes) -> bytes | None:
    raise AssertionError(f"asked {challenge!r}")


# --- what is on offer ---


@pytest.mark.parametrize(
    ("client", "plaintext", "allowed"),
    [
        (REMOTE, "tls", False),
        (SECURE, "tls", True),
        (HERE, "tls", False),
        (HERE, "loopback", True),
        (REMOTE, "loopback", False),
        (REMOTE, "always", True),
    ],
)
def test_passwords_in_clear_are_taken_where_the_policy_says(
    client: Client, plaintext: Literal["tls", "loopback", "always"], allowed: bool
) -> None:
    config = replace(NO_DELAY, plaintext=plaintext)

    assert log_in(config=config).plaintext_allowed(client) == allowed
    assert ("PLAIN" in log_in(config=config).mechanisms(client)) == allowed


def test_mechanisms_follow_from_what_the_portal_can_check() -> None:
    both = Portal(Realm(), [InMemoryUsernamePasswordDatabaseDontUse(), ScramStub()])

    assert log_in(both).mechanisms(SECURE) == (
        "SCRAM-SHA-256-PLUS",
        "SCRAM-SHA-256",
        "SCRAM-SHA-1",
        "PLAIN",
        "LOGIN",
    )
    assert log_in(both).mechanisms(REMOTE) == ("SCRAM-SHA-256", "SCRAM-SHA-1")
    assert log_in().mechanisms(SECURE) == ("PLAIN", "LOGIN")
    assert log_in().mechanisms(REMOTE) == ()


def test_plus_is_not_offered_when_tls_ends_at_a_proxy() -> None:
    portal = Portal(Realm(), [ScramStub()])

    assert log_in(portal).mechanisms(replace(SECURE, channel_bindings=False)) == (
        "SCRAM-SHA-256",
        "SCRAM-SHA-1",
    )


# --- in ---


def test_twisteds_own_checkers_serve_a_password() -> None:
    logged_in = run(log_in().password(SECURE, b"alice", b"wonder"))

    assert logged_in.account.address == "alice"
    assert logged_in.user == "alice"


@pytest.mark.parametrize("mechanism", ["PLAIN", "plain"])
def test_plain_with_an_initial_response(mechanism: str) -> None:
    logged_in = run(log_in().sasl(SECURE, mechanism, b"\0alice\0wonder", unasked))

    assert logged_in.account.address == "alice"


def test_plain_without_an_initial_response_gets_an_empty_challenge() -> None:
    ask, challenges = answers(b"\0alice\0wonder")

    assert run(log_in().sasl(SECURE, "PLAIN", None, ask)).user == "alice"
    assert challenges == [b""]


def test_login_asks_for_name_and_password() -> None:
    ask, challenges = answers(b"alice", b"wonder")

    assert run(log_in().sasl(SECURE, "LOGIN", None, ask)).user == "alice"
    assert challenges == [b"Username:", b"Password:"]


def test_login_takes_the_name_as_initial_response() -> None:
    ask, challenges = answers(b"wonder")

    assert run(log_in().sasl(SECURE, "LOGIN", b"alice", ask)).user == "alice"
    assert challenges == [b"Password:"]


def test_a_checker_leads_scram_itself() -> None:
    ask, challenges = answers(b"second")
    checker = ScramStub()
    bindings = [("tls-exporter", b"x")]
    service = log_in(Portal(Realm(), [checker]))

    run(service.sasl(SECURE, "SCRAM-SHA-256-PLUS", b"first", ask, bindings))
    assert checker.heard == [b"first", b"second"]
    assert challenges == [b"challenge"]
    assert checker.exchange is not None
    assert checker.exchange.channel_bindings == bindings


def test_a_log_in_is_one_event(events: Events) -> None:
    run(log_in().sasl(SECURE, "PLAIN", b"\0alice\0wonder", unasked))
    entry = events["login.ok"]

    assert (entry["account"], entry["peer"], entry["conn"]) == ("alice", "192.0.2.1", "c1")
    assert (entry["mechanism"], entry["outcome"], entry["tls"]) == ("PLAIN", "ok", True)
    assert "wonder" not in str(entry)


# --- not in ---


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"alice",
        b"\0alice",
        b"\0alice\0",
        b"\0\0wonder",
        b"\0alice\0wonder\0",
        b"\0al\xffice\0wonder",
        b"\0" + b"a" * 1025 + b"\0wonder",
        b"\0alice\0wrong",
        b"\0nobody\0wonder",
    ],
)
def test_bad_plain_messages_and_credentials_are_all_the_same(message: bytes) -> None:
    with pytest.raises(BadCredentials):
        run(log_in().sasl(SECURE, "PLAIN", message, unasked))


@pytest.mark.parametrize(
    ("user", "password"), [(b"", b"x"), (b"x", b""), (b"\xff", b"x"), (b"a\0b", b"x")]
)
def test_impossible_names_and_passwords_are_refused(user: bytes, password: bytes) -> None:
    with pytest.raises(BadCredentials):
        run(log_in().password(SECURE, user, password))


def test_a_refusal_carries_the_id_of_its_event(events: Events) -> None:
    with pytest.raises(BadCredentials) as caught:
        run(log_in().sasl(SECURE, "PLAIN", b"\0alice\0wrong", unasked))
    entry = events["login.refused"]

    assert entry["reason_id"] == caught.value.reason_id
    assert entry["reason_id"].startswith("r-")
    assert (entry["user"], entry["reason"]) == ("alice", "BadCredentials")
    assert "wrong" not in str(entry["detail"])


def test_the_event_of_a_refusal_keeps_the_steps_that_led_to_it_from_the_log(
    events: Events,
) -> None:
    with pytest.raises(LogInForbidden):
        run(log_in(Portal(Realm(), [Telling()])).sasl(SECURE, "PLAIN", b"\0alice\0x", unasked))
    entry = events["login.refused"]

    assert [step.what for step in entry["log_steps"]] == ["looked"]
    assert "looked" not in as_json(entry)


def test_a_checkers_own_refusals_pass_through() -> None:
    refusal = LogInUnavailable("directory is down")
    with pytest.raises(LogInUnavailable) as caught:
        run(log_in(Portal(Realm(), [Refusing(refusal)])).password(SECURE, b"alice", b"x"))

    assert caught.value is refusal


def test_a_password_over_an_open_line_is_not_looked_at() -> None:
    checker = Refusing(AssertionError("looked at"))
    with pytest.raises(LogInForbidden):
        run(log_in(Portal(Realm(), [checker])).password(REMOTE, b"alice", b"wonder"))


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256", "", "\0"])
def test_mechanisms_that_are_not_on_offer_are_unknown(mechanism: str) -> None:
    with pytest.raises(UnknownMechanism):
        run(log_in().sasl(REMOTE, mechanism, None, unasked))


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "SCRAM-SHA-256"])
def test_a_client_may_give_up(mechanism: str, events: Events) -> None:
    ask, _ = answers(None)
    portal = Portal(Realm(), [InMemoryUsernamePasswordDatabaseDontUse(), ScramStub()])
    with pytest.raises(SaslCancelled):
        run(log_in(portal).sasl(SECURE, mechanism, None, ask))

    assert events.names() == ["login.cancelled"]


def test_a_refusal_is_answered_after_the_same_time_whatever_its_reason() -> None:
    world = World()
    service = LogIn(twisteds_own(), world.host, AuthConfig(failure_delay=1.0))

    def attempt(message: bytes, seconds: float) -> Running[LoggedIn]:
        attempting = start(service.sasl(SECURE, "PLAIN", message, unasked))
        world.clock.advance(seconds)
        return attempting

    for message in (b"\0alice\0wrong", b"\0nobody\0wrong", b"garbage"):
        assert not attempt(message, 0.99).done
        assert attempt(message, 1.0).done


def test_the_time_that_a_check_took_is_not_added() -> None:
    world = World()
    service = LogIn(twisteds_own(), world.host, AuthConfig(failure_delay=1.0))

    async def slow(challenge: bytes) -> bytes:
        world.clock.rightNow += 100.0  # a person typing
        return b"\0alice\0wrong"

    attempting = start(service.sasl(SECURE, "PLAIN", None, slow))
    world.clock.advance(0.99)
    assert not attempting.done
    world.clock.advance(0.01)
    assert attempting.done


# --- how many ---


def test_an_account_may_have_so_many_connections_and_the_refusal_says_who_holds_them() -> None:
    world = World(max_connections_per_account=2)
    service = LogIn(twisteds_own(), world.host, NO_DELAY)

    def enter(address: str) -> Callable[[], None]:
        story, _ = world.connect(address=address)
        client = replace(story.client, tls=True)
        return run(service.password(client, b"alice", b"wonder")).logout

    leave = enter("192.0.2.1")
    enter("192.0.2.2")
    with pytest.raises(TooManyConnections, match=r"1 from 192\.0\.2\.[12], 1 from"):
        enter("192.0.2.3")
    leave()
    enter("192.0.2.3")


def test_logging_in_ends_the_hurry() -> None:
    world = World(login_timeout=60.0)
    service = LogIn(twisteds_own(), world.host, NO_DELAY)
    story, transport = world.connect()
    run(service.password(replace(story.client, tls=True), b"alice", b"wonder"))
    world.clock.advance(600)

    assert not transport.disconnecting
    assert [s.account for s in world.host.connections.sessions()] == ["alice"]


def test_base64_is_the_protocols_business() -> None:
    with pytest.raises(BadCredentials):
        run(log_in().sasl(SECURE, "PLAIN", base64.b64encode(b"\0alice\0wonder"), unasked))
