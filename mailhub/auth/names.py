"""Log-in by a name that something else than a password proves: a certificate, a ticket, a token.

What those checkers have in common: the name is a log-in name, looked up as any (in the hub and in
directories), the policy says what it may, and a refusal leaves its reason in the steps.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace

from twisted.internet.defer import Deferred

from mailhub.auth.policy import Policy
from mailhub.auth.realm import avatar_id_of
from mailhub.interfaces import BadCredentials, ILocalAccounts, LogInRefused, LogInUnavailable
from mailhub.interfaces_sasl import ISaslExchange
from mailhub.model.errors import Unavailable
from mailhub.model.mail import StoredCredentials
from mailhub.model.steps import Hearer
from mailhub.sasl.prep import NotPreparable, saslprep


class NameChecker(ABC):
    """*accounts* tells whose a name is, directories' people included."""

    def __init__(self, accounts: ILocalAccounts, policy: Policy) -> None:
        self.accounts = accounts
        self._policy = policy

    def requestAvatarId(self, credentials: ISaslExchange) -> Deferred[bytes | tuple[()]]:
        return Deferred.fromCoroutine(self._check(credentials))

    @abstractmethod
    async def decide(self, exchange: ISaslExchange) -> bytes:
        """The avatar id.  Raises LogInRefused, Unavailable."""

    async def tell(self, exchange: ISaslExchange, refusal: BadCredentials) -> None:  # noqa: B027
        """The client, where its mechanism has words for a refusal."""

    async def owner(self, name: str, steps: Hearer) -> StoredCredentials | None:
        """Whose account *name* is."""
        stored = await self.accounts.credentials(name)
        steps.add("account", log_in_name=name, address=stored.address if stored else "nobody")
        return stored

    async def let_in(
        self, exchange: ISaslExchange, stored: StoredCredentials, authorization: str, means: str
    ) -> bytes:
        """The avatar id of *stored*, or of whom the client wants to act for."""
        terms = await self._policy.authorise(stored, exchange.client, authorization, exchange.steps)
        if terms.account is not None:
            means = f"{terms.means} by {means}"
        exchange.terms = replace(terms, means=means)
        return avatar_id_of(stored, terms)

    async def _check(self, exchange: ISaslExchange) -> bytes:
        try:
            return await self.decide(exchange)
        except Unavailable as problem:
            exchange.steps.add("refused", reason="LogInUnavailable", detail=str(problem))
            raise LogInUnavailable(str(problem)) from problem
        except LogInRefused as refusal:
            exchange.steps.add("refused", reason=type(refusal).__name__, detail=refusal.detail)
            if isinstance(refusal, BadCredentials):
                await self.tell(exchange, refusal)
            raise


def prepared(name: str | bytes) -> str:
    """A name by the rules of SASLprep, empty if it is.  Raises BadCredentials."""
    try:
        text = name if isinstance(name, str) else name.decode("utf-8")
        return saslprep(text) if text else ""
    except (UnicodeDecodeError, NotPreparable):
        raise BadCredentials("a name with characters that cannot be") from None
