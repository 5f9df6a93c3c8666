"""Access tokens: whether a provider says so, and what it says.

A token that is a JWT names its issuer, and is for the provider of that name only; one that says
nothing is for the only provider that is asked about tokens (RFC 7662), or for nobody:
no provider is shown another's token.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import jwt
from jwt.utils import base64url_decode
from twisted.internet.defer import DeferredSemaphore

from mailhub.auth.asking import MeasuredFetching
from mailhub.auth.claims import Claims, tell
from mailhub.auth.keys import ALGORITHMS, BadKeys, FileKeys, Key, Keys, UrlKeys
from mailhub.config.options import OauthConfig
from mailhub.interfaces import BadToken
from mailhub.metrics import Metrics
from mailhub.model.errors import Unavailable
from mailhub.model.steps import Hearer
from mailhub.net.fetch import FetchFailed, Fetching

MAX_ASKING = 16
"""Questions to a provider at a time."""
MAX_WAITING = 100
TYPES = ("jwt", "at+jwt", "application/at+jwt")  # 9068 2.1
MIN_RSA_BITS = 2048  # 7518 3.3


class Provider(Protocol):
    config: OauthConfig

    async def claims(self, token: str, header: Claims, steps: Hearer) -> Claims:
        """What the provider says of it, proved to be its words.

        *header* of a JWT; otherwise empty.  Raises BadToken, Unavailable.
        """


class Signed:
    """A provider that signs JWTs (RFC 7519)."""

    def __init__(self, config: OauthConfig, keys: Keys) -> None:
        self.config = config
        self._keys = keys

    async def claims(self, token: str, header: Claims, steps: Hearer) -> Claims:
        algorithm, key_id = self._acceptable(header)
        found = await self._keys.find(algorithm, key_id)
        steps.add("keys", source=self._keys.source, fitting=len(found))
        if not found:
            named = f"the key {key_id[:64]}" if key_id else f"any key for {algorithm}"
            raise BadToken(f"{self._keys.source} has not {named}")
        payload = _verified(token, algorithm, found)
        steps.add("signature", algorithm=algorithm, outcome="good" if payload else "refused")
        if payload is None:
            raise BadToken("the signature is not the provider's")
        return _object(payload)

    def _acceptable(self, header: Claims) -> tuple[str, str | None]:
        """Algorithm and name of the key.  Raises BadToken."""
        algorithm, key_id = header.get("alg"), header.get("kid")
        if algorithm not in self.config.algorithms or algorithm not in ALGORITHMS:
            raise BadToken(f"signed by {str(algorithm)[:32]}, not by one of oauth.algorithms")
        if "crit" in header:  # 7515 4.1.11
            raise BadToken("the token has extensions that must be understood (crit)")
        kind = header.get("typ", "JWT")
        if not isinstance(kind, str) or kind.lower() not in TYPES:
            raise BadToken(f"the token is no access token, but {str(kind)[:64]}")
        if key_id is not None and not isinstance(key_id, str):
            raise BadToken("the name of its key is no string")
        return algorithm, key_id


class Introspected:
    """A provider that is asked about each token (RFC 7662)."""

    def __init__(self, config: OauthConfig, fetcher: Fetching) -> None:
        self.config = config
        self._fetcher = fetcher
        self._turns = DeferredSemaphore(MAX_ASKING)

    async def claims(self, token: str, header: Claims, steps: Hearer) -> Claims:
        url = self.config.introspection_url
        try:
            answer = await self._ask(url, token)
            said = json.loads(answer)
        except (FetchFailed, OSError, ValueError, RecursionError) as problem:
            steps.add("introspection", url=url, outcome=str(problem))
            raise Unavailable(f"{url}: {problem}") from problem
        active = said.get("active") if isinstance(said, dict) else None
        steps.add("introspection", url=url, outcome=f"active: {json.dumps(active)[:32]}")
        if not isinstance(active, bool):
            raise Unavailable(f"{url}: its answer does not say whether the token is active")
        if not active:
            raise BadToken("the provider says that the token is not active")
        return said  # type: ignore[no-any-return]

    async def _ask(self, url: str, token: str) -> bytes:
        path, secret = self.config.client_secret_file, ""
        if path is not None:
            secret = path.read_text("utf-8").split("\n", 1)[0].strip()
        form = {"token": token, "token_type_hint": "access_token"}
        if len(self._turns.waiting) >= MAX_WAITING:
            raise FetchFailed("too many questions wait for it")
        await self._turns.acquire()
        try:
            return await self._fetcher.post(url, form, self.config.client_id, secret)
        finally:
            self._turns.release()


class Providers:
    """All of a server's; *wall* tells the time of day."""

    def __init__(
        self,
        providers: Sequence[Provider],
        wall: Callable[[], float] = time.time,
        metrics: Metrics | None = None,
    ) -> None:
        self._providers = tuple(providers)
        self.wall = wall
        self._metrics = metrics

    @property
    def configs(self) -> list[OauthConfig]:
        return [provider.config for provider in self._providers]

    async def claims(self, token: str, steps: Hearer) -> tuple[OauthConfig, Claims]:
        """Who has issued *token*, and what it says.  Raises BadToken, Unavailable."""
        header, unproved = opened(token)
        told = {name: str(header[name])[:64] for name in ("alg", "typ", "kid") if name in header}
        steps.add("token", form="JWT" if header else "opaque", octets=len(token), **told)
        provider = self._of(unproved)
        steps.add("provider", name=provider.config.name)
        name, outcome = provider.config.name, "unavailable"
        try:
            claims = await provider.claims(token, header, steps)
            outcome = "proved"
        except BadToken:
            outcome = "refused"
            raise
        finally:
            if self._metrics is not None:
                self._metrics.oauth_token(name, outcome)
        tell(claims, steps)
        return provider.config, claims

    def _of(self, unproved: Claims | None) -> Provider:
        if unproved is None:
            asked = [each for each in self._providers if each.config.introspection_url]
            if len(asked) == 1:
                return asked[0]
            raise BadToken("the token is no JWT, and there is nobody to ask about it")
        issuer = unproved.get("iss")
        for provider in self._providers:
            if provider.config.issuer == issuer:
                return provider
        raise BadToken(f"nobody here believes the issuer {str(issuer)[:200]}")


def make_providers(
    configs: Sequence[OauthConfig],
    fetcher: Callable[[OauthConfig], Fetching],
    clock: Callable[[], float],
    metrics: Metrics | None = None,
) -> Providers:
    def asking(config: OauthConfig) -> Fetching:
        plain = fetcher(config)
        if metrics is None:
            return plain
        return MeasuredFetching(plain, config.name, metrics, clock)

    made = [_provider(config, asking(config), clock) for config in configs]
    return Providers(made, metrics=metrics)


def _provider(config: OauthConfig, fetcher: Fetching, clock: Callable[[], float]) -> Provider:
    if config.introspection_url:
        return Introspected(config, fetcher)
    if config.jwks_file is not None:
        return Signed(config, FileKeys(config.jwks_file))
    return Signed(config, UrlKeys(config.jwks_url, fetcher, clock, config.jwks_refresh))


def opened(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any] | None]:
    """Header and payload of a JWT, unproved; nothing and None of anything else.

    Raises BadToken.
    """
    if token.count(".") == 4:
        raise BadToken("the token is encrypted (JWE); ask the provider for signed ones")
    header, dot, rest = token.partition(".")
    payload, other, _ = rest.partition(".")
    if not dot or not other:
        return {}, None
    try:
        return _object(base64url_decode(header)), _object(base64url_decode(payload))
    except (ValueError, BadToken):  # dots in something else
        return {}, None


def _verified(token: str, algorithm: str, keys: Sequence[Key]) -> bytes | None:
    """The payload, if one of *keys* has signed it."""
    problem = ""
    for key in keys:
        try:
            public = key.public(algorithm)
            if getattr(public, "key_size", MIN_RSA_BITS) < MIN_RSA_BITS and algorithm[0] in "RP":
                problem = f"an RSA key of less than {MIN_RSA_BITS} bits"
                continue
            read = jwt.PyJWS().decode_complete(token, public, algorithms=[algorithm])
        except jwt.InvalidSignatureError:
            continue
        except (jwt.PyJWTError, BadKeys, ValueError, TypeError) as malformed:
            problem = str(malformed)
            continue
        return read["payload"]  # type: ignore[no-any-return]
    if problem:
        raise BadToken(f"the signature cannot be verified: {problem}")
    return None


def _object(payload: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(payload)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise BadToken("what is signed is no JSON object")
    return said
