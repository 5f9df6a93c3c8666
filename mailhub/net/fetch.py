"""Asking another server by HTTP: certificates verified, bounded in time and size.

Redirects are not followed: what is asked for is where the configuration says, and a secret sent
along is for nobody else.  Every request has a connection of its own, because a form that was
sent over one that had died meanwhile could not be sent again.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, NoReturn, Protocol
from urllib.parse import quote_plus, urlencode

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.protocol import connectionDone
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.python.failure import Failure
from twisted.web.client import (
    Agent,
    BrowserLikePolicyForHTTPS,
    FileBodyProducer,
    HTTPConnectionPool,
    ResponseDone,
)
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

MAX_OCTETS = 256 * 1024
"""Of an answer."""
_PEM = b"-----BEGIN CERTIFICATE-----"


class FetchFailed(Exception):
    """There is no answer that could be used; why, in words."""


class Fetching(Protocol):
    """Somebody who asks."""

    async def get(self, url: str) -> bytes:
        """The body of the answer 200.  Raises FetchFailed."""

    async def post(self, url: str, form: Mapping[str, str], user: str, password: str) -> bytes:
        """The same; *user* empty: without saying who we are.  Raises FetchFailed."""


def basic(user: str, password: str) -> str:
    """The value of Authorization by which OAuth's clients name themselves (RFC 6749 2.3.1)."""
    pair = f"{quote_plus(user)}:{quote_plus(password)}"
    return "Basic " + b64encode(pair.encode("ascii")).decode("ascii")


def headers(user: str = "", password: str = "", form: bool = False) -> dict[str, str]:
    told = {"Accept": "application/json", "User-Agent": "mailhub"}
    if form:
        told["Content-Type"] = "application/x-www-form-urlencoded"
    if user:
        told["Authorization"] = basic(user, password)
    return told


class Fetcher:
    """*authorities*: PEM file of those that are trusted; None: the system's."""

    def __init__(self, reactor: Any, seconds: float, authorities: Path | None = None) -> None:
        self._reactor = reactor
        self._seconds = seconds
        pool = HTTPConnectionPool(reactor, persistent=False)
        self._agent = Agent(reactor, _policy(authorities), connectTimeout=seconds, pool=pool)

    async def get(self, url: str) -> bytes:
        return await self._fetch("GET", url, headers())

    async def post(self, url: str, form: Mapping[str, str], user: str, password: str) -> bytes:
        return await self._fetch(
            "POST", url, headers(user, password, form=True), urlencode(form).encode("ascii")
        )

    async def _fetch(
        self, method: str, url: str, told: Mapping[str, str], body: bytes | None = None
    ) -> bytes:
        asked = Deferred.fromCoroutine(self._ask(method, url, told, body))
        try:
            return await asked.addTimeout(self._seconds, self._reactor, _too_late)
        except FetchFailed:
            raise
        except Exception as error:  # whatever a network can do
            raise FetchFailed(_in_words(error)) from error

    async def _ask(
        self, method: str, url: str, told: Mapping[str, str], body: bytes | None
    ) -> bytes:
        response: IResponse = await self._agent.request(
            method.encode("ascii"),
            url.encode("ascii"),
            Headers({key: [value] for key, value in told.items()}),
            FileBodyProducer(BytesIO(body)) if body is not None else None,
        )
        reading = _Body()
        response.deliverBody(reading)
        content = await reading.whole
        return checked(response.code, content)


def checked(code: int, content: bytes) -> bytes:
    """*content*, if the answer is one.  Raises FetchFailed."""
    if len(content) > MAX_OCTETS:
        raise FetchFailed(f"answer of more than {MAX_OCTETS:,} octets")
    if 300 <= code < 400:
        raise FetchFailed(f"answered {code}, a redirect, and those are not followed")
    if code != 200:
        raise FetchFailed(f"answered {code}")
    return content


class _Body(TwistedProtocol):
    """Reads up to a little more than may be, then hangs up."""

    def __init__(self) -> None:
        self._pieces = bytearray()
        self._is_over = False
        self.whole: Deferred[bytes] = Deferred(lambda _: self._hang_up())

    def dataReceived(self, data: bytes) -> None:
        self._pieces += data
        if len(self._pieces) > MAX_OCTETS:
            del self._pieces[MAX_OCTETS + 1 :]
            self._hang_up()
            self._end(bytes(self._pieces))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        # An answer may end with the connection (RFC 9112 6.3); JSON that was cut does not parse.
        is_whole = reason.check(ResponseDone, PotentialDataLoss)
        self._end(bytes(self._pieces) if is_whole else reason)

    def _hang_up(self) -> None:
        """At once: a farewell in TLS waits for a peer that may never answer it."""
        proxied = getattr(self.transport, "_producer", None)  # Agent's proxy has no abort
        if proxied is not None:
            proxied.abortConnection()

    def _end(self, outcome: bytes | Failure) -> None:
        if self._is_over or self.whole.called:
            return
        self._is_over = True
        if isinstance(outcome, Failure):
            self.whole.errback(outcome)
        else:
            self.whole.callback(outcome)


def _too_late(outcome: object, seconds: float) -> NoReturn:
    raise FetchFailed(f"no answer within {seconds:g} s")


def _policy(authorities: Path | None) -> BrowserLikePolicyForHTTPS:
    if authorities is None:
        return BrowserLikePolicyForHTTPS()
    _, *blocks = authorities.read_bytes().split(_PEM)
    trusted = [Certificate.loadPEM(_PEM + block) for block in blocks]
    return BrowserLikePolicyForHTTPS(trustRootFromCertificates(trusted))


def _in_words(error: BaseException | None) -> str:
    reasons: list[Failure] = getattr(error, "reasons", [])  # of what Agent wraps
    if reasons:
        return "; ".join(dict.fromkeys(_in_words(reason.value) for reason in reasons))
    return f"{type(error).__name__}: {error}"
