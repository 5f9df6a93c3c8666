"""Log-ins and deliveries tried out for ``mailhub explain``, by the code that decides real ones.

Checkers, rules and address book are put together as the server does it, over a copy of hub.db
(:mod:`.rehearsal`), and every step is kept.  Nothing is changed by it.  What only the running
server knows (who has tried too often) is not looked at, but for the connections that an account
has: those the server is asked for.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ParamSpec, TypeVar, cast

from twisted.cred.credentials import IUsernamePassword
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from zope.interface import implementer

from mailhub.auth.apppasswords import AppPasswords
from mailhub.auth.chain import PasswordChain
from mailhub.auth.hashing import InlineHashing
from mailhub.auth.masters import Masters
from mailhub.auth.policy import Policy
from mailhub.auth.portal import make_checkers
from mailhub.auth.recipients import RuledAddressBook
from mailhub.auth.verifiers import NOBODY
from mailhub.cli.context import Cli
from mailhub.cli.control import NoServer, ServerRefused, ask
from mailhub.cli.rehearsal import Rehearsal, tell_limits
from mailhub.cli.store import immediate
from mailhub.delivery.delivery import Delivery
from mailhub.interfaces import (
    BadCredentials,
    ILocalAccounts,
    LogInForbidden,
    LogInRefused,
    LogInUnavailable,
    TooManyConnections,
)
from mailhub.model.apppasswords import is_recognised
from mailhub.model.errors import MessageTooLarge, Refusal, Unavailable
from mailhub.model.mail import AccountId, Client, Recipient, StoredCredentials
from mailhub.model.policy import Terms
from mailhub.model.steps import Hearer, Steps
from mailhub.net.credentials import ClientPassword
from mailhub.net.login import plaintext_allowed
from mailhub.sasl.errors import SaslFailed
from mailhub.sasl.plain import Password, checked

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one protocol; ``refusal`` None: let in."""

    protocol: str
    refusal: LogInRefused | None = None


@implementer(ILocalAccounts)
class _Telling:
    """*accounts*, telling what was found."""

    def __init__(self, accounts: ILocalAccounts, steps: Hearer) -> None:
        self._accounts = accounts
        self._steps = steps

    async def credentials(self, login: str) -> StoredCredentials | None:
        found = await self._accounts.credentials(login)
        if found is None:
            self._steps.add("account", log_in_name=login, outcome="nobody")
            return None
        self._steps.add(
            "account",
            log_in_name=login,
            outcome="found" if found.enabled else "disabled",
            address=found.address,
            id=found.account,
            directory=found.directory,
            groups=sorted(group.name for group in found.groups),
            verifiers=[verifier.scheme for verifier in found.verifiers],
        )
        return found

    async def replace_verifiers(self, account: AccountId, password: str) -> None:
        self._steps.add("verifiers", outcome="replaced by stronger ones at a real log-in")


class _TakenToBeRight:
    """Every password is, without looking."""

    def __init__(self, steps: Hearer) -> None:
        self._steps = steps

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        if NOBODY not in args:
            self._steps.add("password", outcome="not given, taken to be right")
        return cast(Deferred[T], succeed(True))


class _Remembering(Policy):
    """Keeps who has proved to be the owner of an account, for asking about other protocols.

    ``opened`` is the account that they use, a master user somebody else's.
    """

    proved: StoredCredentials | None = None
    opened: StoredCredentials | None = None
    authorization = ""

    async def authorise(
        self, stored: StoredCredentials, client: Any, authorization: str = "", *arguments: Any
    ) -> Terms:
        self.proved = self.opened = stored
        self.authorization = authorization
        terms = await super().authorise(stored, client, authorization, *arguments)
        if terms.account is not None:
            self.opened = await self._accounts.credentials(authorization)
        return terms


class Attempt:
    """Tries a log-in as *client*, whose protocol is that of the first verdict."""

    def __init__(self, cli: Cli, client: Client, steps: Steps, *, prove: bool) -> None:
        """Not *prove*: the password is taken to be right."""
        self._cli = cli
        self._client = client
        self._steps = steps
        self._prove = prove
        self._people = Rehearsal(cli, steps, prove=prove)
        self._policy = _Remembering(self._people.accounts, cli.rules, Masters(cli.config.auth))

    def run(self, login: str, password: str, protocols: Sequence[str]) -> list[Verdict]:
        """The password is proved once, whatever the protocols; an app password for each."""
        first, *others = protocols
        enter = partial(self._enter, login, password)
        verdicts = [self._verdict(first, enter)]
        proved = self._policy.proved
        for protocol in others:
            if is_recognised(password):
                verdicts.append(self._verdict(protocol, enter))
            elif proved is None:
                verdicts.append(replace(verdicts[0], protocol=protocol))
            else:
                verdicts.append(self._verdict(protocol, self._let_in))
        self._tell_limits()
        return verdicts

    def _verdict(self, protocol: str, decide: Callable[[Client], None]) -> Verdict:
        client = replace(self._client, protocol=protocol)
        self._steps.add("log-in", protocol=protocol, address=client.address, tls=client.tls)
        try:
            decide(client)
        except LogInRefused as refusal:
            return Verdict(protocol, refusal)
        except SaslFailed as malformed:
            return Verdict(protocol, BadCredentials(str(malformed)))
        except Unavailable as problem:
            return Verdict(protocol, LogInUnavailable(str(problem)))
        return Verdict(protocol)

    def _enter(self, login: str, password: str, client: Client) -> None:
        if not plaintext_allowed(self._cli.config.auth, client):
            raise LogInForbidden("password in clear over an unprotected connection")
        octets = (text.encode("utf-8", "surrogateescape") for text in ("", login, password))
        credentials = ClientPassword(checked(Password(*octets)), client, self._steps)
        immediate(self._chain().requestAvatarId(credentials))
        self._count(credentials.terms)

    def _let_in(self, client: Client) -> None:
        stored = self._policy.proved
        assert stored is not None
        terms = immediate(
            self._policy.authorise(stored, client, self._policy.authorization, self._steps)
        )
        self._count(terms)

    def _chain(self) -> PasswordChain:
        checkers = make_checkers(
            _Telling(self._people.local, self._steps),
            self._cli.config.auth,
            Clock(),
            InlineHashing() if self._prove else _TakenToBeRight(self._steps),
            secrets.token_bytes(32),
            self._policy,
            self._people.passwords,
            [AppPasswords(self._people.accounts, self._people.local)],
        )
        chain = next(c for c in checkers if IUsernamePassword in c.credentialInterfaces)
        assert isinstance(chain, PasswordChain)
        return chain

    def _count(self, terms: Terms) -> None:
        """Connections of the account now, and how many it may have."""
        stored = self._policy.opened
        assert stored is not None
        most = terms.max_connections
        if most is None:
            most = self._cli.config.limits.max_connections_per_account
        try:
            sessions = ask(self._cli.data, "sessions")
        except (NoServer, ServerRefused, Unavailable) as problem:
            self._steps.add("connections", most=most or "no limit", outcome=str(problem))
            return
        open_now = sum(session.get("account") == stored.address for session in sessions)
        self._steps.add("connections", open=open_now, most=most or "no limit")
        if most and open_now >= most:
            raise TooManyConnections(f"Too many connections of this account ({open_now} are open)")

    def _tell_limits(self) -> None:
        stored = self._policy.opened
        if stored is not None:
            immediate(tell_limits(self._cli, self._people.local, self._steps, stored.account))


def try_delivery(cli: Cli, address: str, size: int, steps: Steps) -> Recipient | Refusal:
    """Whom a message of *size* octets for *address* would go to, or why not."""
    people = Rehearsal(cli, steps, prove=False)
    book = RuledAddressBook(people.book, people.accounts, cli.rules)
    delivery = Delivery(book, people.store, config=cli.config.delivery)
    most = cli.config.limits.max_message
    if size > most:
        steps.add("size", octets=size, most=most)
        return MessageTooLarge()
    try:
        return immediate(delivery.resolve(address, size or 1, steps))
    except Refusal as refusal:
        return refusal
