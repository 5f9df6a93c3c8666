"""A realm and checkers as an embedder might bring them."""

from __future__ import annotations

from collections.abc import Callable

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.portal import IRealm
from twisted.internet.defer import Deferred, fail
from zope.interface import Interface, implementer

from mailhub.interfaces import IAccount, IClientCredentials, LogInForbidden
from mailhub.interfaces_sasl import ISaslExchange, IScramSha1, IScramSha256, IScramSha256Plus
from tests.memory_store import MemoryStore

Avatar = tuple[type[Interface], object, Callable[[], None]]


@implementer(IRealm)
class Realm:
    def __init__(self) -> None:
        self._store = MemoryStore()

    def requestAvatar(
        self,
        avatarId: bytes | tuple[()],  # noqa: N803
        mind: object,
        *interfaces: type[Interface],
    ) -> Avatar:
        assert isinstance(avatarId, bytes)
        return IAccount, self._store.add_account(avatarId.decode()), lambda: None


@implementer(ICredentialsChecker)
class Refusing:
    credentialInterfaces = (IUsernamePassword,)  # noqa: N815

    def __init__(self, refusal: Exception) -> None:
        self._refusal = refusal

    def requestAvatarId(self, credentials: IUsernamePassword) -> Deferred[bytes | tuple[()]]:
        return fail(self._refusal)


@implementer(ICredentialsChecker)
class ScramStub:
    """Exchanges two messages and lets everybody in."""

    credentialInterfaces = (IScramSha256Plus, IScramSha256, IScramSha1)  # noqa: N815

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.exchange: ISaslExchange | None = None

    def requestAvatarId(self, credentials: ISaslExchange) -> Deferred[bytes | tuple[()]]:
        self.exchange = credentials
        return Deferred.fromCoroutine(self._lead(credentials))

    async def _lead(self, exchange: ISaslExchange) -> bytes | tuple[()]:
        self.heard.append(await exchange.respond(None))
        self.heard.append(await exchange.respond(b"challenge"))
        return b"alice"


class Telling(Refusing):
    """Tells a step before it refuses."""

    def __init__(self) -> None:
        super().__init__(LogInForbidden("no"))

    def requestAvatarId(self, credentials: IUsernamePassword) -> Deferred[bytes | tuple[()]]:
        IClientCredentials(credentials).steps.add("looked", at="nothing")
        return super().requestAvatarId(credentials)
