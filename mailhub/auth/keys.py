"""The public keys that a provider signs its tokens with: a JWK set (RFC 7517), of a file or URL.

A set from a URL is fetched when the first token comes, again when it is old, and when a token is
signed with a key that is not in it, because providers change their keys without telling.  Anybody
can name an unknown key, so that happens once a minute at most.  While the provider does not
answer, the keys that are known are used for a day.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import jwt
from jwt.algorithms import get_default_algorithms
from twisted.internet.defer import Deferred

from mailhub import log
from mailhub.model.errors import Unavailable
from mailhub.net.fetch import FetchFailed, Fetching

ALGORITHMS = {
    "RS256": ("RSA", ""),
    "RS384": ("RSA", ""),
    "RS512": ("RSA", ""),
    "PS256": ("RSA", ""),
    "PS384": ("RSA", ""),
    "PS512": ("RSA", ""),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", ""),
}
"""To the type of key and its curve.  None with a secret that both sides know."""
MAX_KEYS = 100
"""Of a set."""
MAX_TRIED = 8
"""Of those that fit a token which does not name its key."""
UNKNOWN_SECONDS = 60.0
RETRY_SECONDS = 5.0
STALE_SECONDS = 86_400.0
_SECRET = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


class BadKeys(Exception):
    """No JWK set; the text says why."""


@dataclass(frozen=True, slots=True)
class Key:
    """One of a set, as it stands there."""

    parameters: dict[str, Any]

    def fits(self, algorithm: str, key_id: str | None) -> bool:
        kind, curve = ALGORITHMS[algorithm]
        said = self.parameters
        return (
            said.get("kty") == kind
            and (not curve or said.get("crv") == curve)
            and said.get("alg", algorithm) == algorithm
            and said.get("use", "sig") == "sig"
            and "verify" in said.get("key_ops", ("verify",))
            and (key_id is None or said.get("kid") == key_id)
        )

    def public(self, algorithm: str) -> Any:
        """For the library.  Raises BadKeys."""
        public = {key: value for key, value in self.parameters.items() if key not in _SECRET}
        try:
            return get_default_algorithms()[algorithm].from_jwk(public)
        except (jwt.PyJWTError, ValueError, TypeError, LookupError) as error:
            raise BadKeys(f"key {self.parameters.get('kid')} is malformed: {error}") from error


def parse_keys(octets: bytes) -> list[Key]:
    """Raises BadKeys."""
    try:
        said = json.loads(octets)
    except (ValueError, RecursionError) as error:
        raise BadKeys(f"not JSON: {error}") from None
    keys = said.get("keys") if isinstance(said, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise BadKeys('not a set of keys: {"keys": [...]}')
    if len(keys) > MAX_KEYS:
        raise BadKeys(f"more than {MAX_KEYS} keys")
    usable = [Key(key) for key in keys if key.get("kty") in ("RSA", "EC", "OKP")]
    if not usable:
        raise BadKeys("holds no public key")
    return usable


def chosen(keys: Sequence[Key], algorithm: str, key_id: str | None) -> list[Key]:
    return [key for key in keys if key.fits(algorithm, key_id)][:MAX_TRIED]


class Keys(Protocol):
    source: str

    async def find(self, algorithm: str, key_id: str | None) -> list[Key]:
        """Those that may have signed it; empty: there is none.  Raises Unavailable."""


class FileKeys:
    """Read again when the file has changed."""

    def __init__(self, path: Path) -> None:
        self.source = str(path)
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._keys: list[Key] = []

    async def find(self, algorithm: str, key_id: str | None) -> list[Key]:
        try:
            status = self._path.stat()
            stamp = status.st_mtime_ns, status.st_size
            if stamp != self._stamp:
                self._keys, self._stamp = parse_keys(self._path.read_bytes()), stamp
        except (OSError, BadKeys) as problem:
            log.event("oauth.keys", level="warn", source=self.source, outcome=str(problem))
            raise Unavailable(f"{self.source}: {problem}") from problem
        return chosen(self._keys, algorithm, key_id)


class UrlKeys:
    """*clock* tells seconds that only go on."""

    def __init__(
        self, url: str, fetcher: Fetching, clock: Callable[[], float], refresh: float
    ) -> None:
        self.source = url
        self._fetcher = fetcher
        self._clock = clock
        self._refresh = refresh
        self._keys: list[Key] = []
        self._fetched = self._tried = float("-inf")
        self._trouble = ""
        self._waiting: list[Deferred[None]] | None = None
        """Who waits for the request that is under way."""

    async def find(self, algorithm: str, key_id: str | None) -> list[Key]:
        age = self._clock() - self._fetched
        if not self._keys or age > STALE_SECONDS:
            await self._again(RETRY_SECONDS)
            if self._trouble:
                raise Unavailable(f"{self.source}: {self._trouble}")
        elif age > self._refresh:
            await self._again(UNKNOWN_SECONDS)  # a key may have been taken back
        found = chosen(self._keys, algorithm, key_id)
        if not found:
            await self._again(UNKNOWN_SECONDS)
            found = chosen(self._keys, algorithm, key_id)
            if not found and self._trouble:
                raise Unavailable(f"{self.source}: {self._trouble}")
        return found

    async def _again(self, seconds: float) -> None:
        """Fetch, unless that was tried less than *seconds* ago; never fails."""
        if self._waiting is not None:
            turn: Deferred[None] = Deferred()
            self._waiting.append(turn)
            return await turn
        if self._clock() - self._tried < seconds:
            return None
        self._waiting = []
        try:
            await self._fetch()
        finally:
            self._tried = self._clock()
            waiting, self._waiting = self._waiting, None
            for turn in waiting:
                if not turn.called:
                    turn.callback(None)
        return None

    async def _fetch(self) -> None:
        try:
            self._keys = parse_keys(await self._fetcher.get(self.source))
        except (FetchFailed, BadKeys) as problem:
            self._trouble = str(problem)
            log.event("oauth.keys", level="warn", source=self.source, outcome=self._trouble)
            return
        self._trouble, self._fetched = "", self._clock()
        names = [str(key.parameters.get("kid", "?"))[:64] for key in self._keys]
        log.event("oauth.keys", source=self.source, outcome="fetched", keys=names)
