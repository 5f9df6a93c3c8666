"""Logging in through a twisted.cred portal, the same for every protocol.

A refused log-in is answered ``failure_delay`` after it was asked for, whatever the reason was, and
every outcome is one event.  The portal may be anybody's: Twisted's own checkers serve PLAIN and
LOGIN; checkers that list one of the SCRAM interfaces lead that dialogue themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from twisted.cred.credentials import ICredentials, IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred

from mailhub import log
from mailhub.config.options import AuthConfig
from mailhub.interfaces import (
    BadCredentials,
    IAccount,
    LogInForbidden,
    LogInRefused,
    NoSuchPerson,
    TooManyConnections,
    Unproved,
)
from mailhub.model.mail import Client
from mailhub.model.policy import Terms
from mailhub.model.steps import Steps
from mailhub.net.credentials import (
    DEFAULT_TERMS,
    EXCHANGES,
    Ask,
    ClientPassword,
    Exchange,
    SaslCancelled,
)
from mailhub.net.host import Host
from mailhub.net.output import delay
from mailhub.net.stale import Presenter
from mailhub.sasl.errors import SaslFailed
from mailhub.sasl.plain import LOGIN_CHALLENGES, Password, checked, parse_plain

__all__ = ["LogIn", "LoggedIn", "SaslCancelled", "UnknownMechanism"]

PLAINTEXT = ("PLAIN", "LOGIN")
BEARER = ("OAUTHBEARER", "XOAUTH2")


class UnknownMechanism(Exception):
    """A SASL mechanism that is not on offer on this connection."""


@dataclass(frozen=True, slots=True)
class LoggedIn:
    account: IAccount
    logout: Callable[[], None]
    """To be called once, when the session ends."""
    user: str
    """The name that was given."""


class LogIn:
    """Takes clients in through *portal*."""

    def __init__(self, portal: Portal, host: Host, policy: AuthConfig) -> None:
        self._portal = portal
        self._host = host
        self._policy = policy

    def plaintext_allowed(self, client: Client) -> bool:
        """Whether passwords may come in clear over this connection."""
        return plaintext_allowed(self._policy, client)

    def mechanisms(self, client: Client) -> tuple[str, ...]:
        """What may be used on this connection, in order of preference."""
        return _offered(
            self._served(),
            self.plaintext_allowed(client),
            client.certificate is not None,
            client.channel_bindings,
        )

    def is_withheld(self, mechanism: str, client: Client) -> bool:
        """Whether it would be on offer if the connection were protected."""
        name = mechanism.upper()
        return _shows_secret(name) and name in self._served() and not self.plaintext_allowed(client)

    def _served(self) -> tuple[str, ...]:
        return _mechanisms_of(tuple(self._portal.listCredentialsInterfaces()))

    async def password(self, client: Client, user: bytes, password: bytes) -> LoggedIn:
        """IMAP's LOGIN, POP3's USER and PASS.  Raises LogInRefused."""
        attempt = _Attempt(self._host, client, "password")

        async def given() -> ClientPassword:
            if not self.plaintext_allowed(client):
                raise LogInForbidden("password in clear over an unprotected connection")
            return attempt.named(Password(b"", user, password))

        return await self._try(attempt, given())

    async def sasl(
        self,
        client: Client,
        mechanism: str,
        initial: bytes | None,
        ask: Ask,
        bindings: Sequence[tuple[str, bytes]] = (),
    ) -> LoggedIn:
        """Lead the exchange; *ask* sends a challenge and returns the answer, None: cancelled.

        Raises LogInRefused, UnknownMechanism, SaslCancelled.
        """
        mechanism = mechanism.upper()
        if mechanism not in self.mechanisms(client):
            raise UnknownMechanism(mechanism)
        attempt = _Attempt(self._host, client, mechanism)
        return await self._try(attempt, attempt.credentials(initial, ask, bindings))

    async def _try(
        self, attempt: _Attempt, credentials: Coroutine[Deferred[Any], Any, ICredentials]
    ) -> LoggedIn:
        try:
            return await self._enter(attempt, await credentials)
        except SaslCancelled as cancelled:
            if cancelled.refusal is not None:
                attempt.refused(cancelled.refusal)
            else:
                attempt.report("cancelled", "login.cancelled")
            raise
        except LogInRefused as refusal:
            refused = refusal
        except (UnauthorizedLogin, SaslFailed) as foreign:
            refused = BadCredentials(str(foreign))
        attempt.refused(refused)
        await attempt.pad(self._policy.failure_delay)
        raise refused

    async def _enter(self, attempt: _Attempt, credentials: ICredentials) -> LoggedIn:
        client = attempt.client
        _, avatar, leave = await self._portal.login(credentials, client, IAccount)
        account = cast(IAccount, avatar)
        connections = self._host.connections
        terms: Terms = getattr(credentials, "terms", DEFAULT_TERMS)
        full = connections.log_in(
            client.connection, account.id, account.address, terms.max_connections
        )
        if full is not None:
            leave()
            raise TooManyConnections(full)

        def logout() -> None:
            connections.log_out(client.connection)
            leave()

        attempt.succeeded()
        if terms.master:
            attempt.told_of_master(terms.master, account.address)
        attempt.report(
            "ok", "login.ok", account=account.address, user=attempt.user, means=terms.means
        )
        return LoggedIn(account, logout, attempt.user)


def _shows_secret(mechanism: str) -> bool:
    """Whether whoever overhears it could log in as well."""
    return mechanism in PLAINTEXT or mechanism in BEARER


@lru_cache(16)
def _mechanisms_of(served: tuple[Any, ...]) -> tuple[str, ...]:
    """Of these interfaces of credentials."""
    names = [exchange.mechanism for interface, exchange in EXCHANGES if interface in served]
    return (*names, *PLAINTEXT) if IUsernamePassword in served else tuple(names)


@lru_cache(64)
def _offered(
    names: tuple[str, ...], in_clear: bool, certified: bool, bindable: bool
) -> tuple[str, ...]:
    """Those of *names* that a client may use who may show secrets, has shown a certificate, ..."""

    def is_possible(name: str) -> bool:
        if name == "EXTERNAL":
            return certified
        return (in_clear or not _shows_secret(name)) and (bindable or not name.endswith("-PLUS"))

    return tuple(filter(is_possible, names))


def plaintext_allowed(policy: AuthConfig, client: Client) -> bool:
    """Whether passwords may come in clear over the connection of *client*."""
    if client.tls or policy.plaintext == "always":
        return True
    return policy.plaintext == "loopback" and client.trusted


class _Attempt:
    """One log-in: its credentials, and what is told about it."""

    def __init__(self, host: Host, client: Client, mechanism: str) -> None:
        self._host = host
        self.client = client
        self._mechanism = mechanism
        self._exchange: Exchange | None = None
        self._user = ""
        self._password: bytes | None = None
        self._asked = host.reactor.seconds()
        self._steps = Steps()

    @property
    def user(self) -> str:
        return self._exchange.user if self._exchange is not None else self._user

    async def credentials(
        self, initial: bytes | None, ask: Ask, bindings: Sequence[tuple[str, bytes]]
    ) -> ICredentials:
        async def timed(challenge: bytes) -> bytes | None:
            answer = await ask(challenge)
            self._asked = self._host.reactor.seconds()
            return answer

        for _, exchange in EXCHANGES:
            if exchange.mechanism == self._mechanism:
                self._exchange = exchange(self.client, initial, timed, bindings, self._steps)
                return self._exchange
        dialogue = Exchange(self.client, initial, timed, ())
        if self._mechanism == "PLAIN":
            return self.named(parse_plain(await dialogue.respond(None)))
        user = await dialogue.respond(None if initial is not None else LOGIN_CHALLENGES[0])
        return self.named(Password(b"", user, await dialogue.respond(LOGIN_CHALLENGES[1])))

    def named(self, given: Password) -> ClientPassword:
        self._user = given.user.decode("utf-8", "backslashreplace")
        self._password = given.password
        return ClientPassword(checked(given), self.client, self._steps)

    def succeeded(self) -> None:
        if self._host.stale is not None and self._shows_password:
            self._host.stale.right(self._presenter(), self._password)

    def refused(self, refusal: LogInRefused) -> None:
        is_wrong = isinstance(refusal, BadCredentials) and not isinstance(
            refusal, NoSuchPerson | Unproved
        )
        if self._host.stale is not None and self._shows_password and is_wrong:
            self._host.stale.wrong(self._presenter(), self._password)
        refusal.reason_id = log.new_reason_id()
        self.report(
            type(refusal).__name__,
            "login.refused",
            level="warn",
            user=self.user or "?",
            reason=type(refusal).__name__,
            reason_id=refusal.reason_id,
            detail=refusal.detail,
            log_steps=self._steps.taken,
        )

    @property
    def _shows_password(self) -> bool:
        """Whether the client has a password, itself or proved by SCRAM."""
        return self._password is not None or self._mechanism.startswith("SCRAM-")

    def _presenter(self) -> Presenter:
        who = self.client
        address = who.address or "unix"
        return Presenter(self.user.casefold(), address, who.protocol, self._mechanism)

    def told_of_master(self, master: str, account: str) -> None:
        who = self.client
        log.event(
            "login.master",
            level="warn",
            conn=who.connection,
            protocol=who.protocol,
            peer=who.address or "unix",
            mechanism=self._mechanism,
            master=master,
            account=account,
        )

    def report(
        self, outcome: str, event: str, *, level: log.Level = "info", **fields: object
    ) -> None:
        who = self.client
        self._host.metrics.login(who.protocol, self._mechanism, outcome)
        log.event(
            event,
            level=level,
            conn=who.connection,
            protocol=who.protocol,
            peer=who.address or "unix",
            tls=who.tls,
            mechanism=self._mechanism,
            outcome=outcome,
            **fields,
        )

    async def pad(self, seconds: float) -> None:
        """Until *seconds*, or a multiple of it when that has passed, after the last word."""
        if seconds > 0:
            elapsed = self._host.reactor.seconds() - self._asked
            await delay(self._host.reactor, seconds - elapsed % seconds)
