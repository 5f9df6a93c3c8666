"""Posting a warning to another program: JSON, signed, over HTTP.

The header ``X-Mailhub-Signature: t=SECONDS,v1=HEX`` carries HMAC-SHA-256 of ``SECONDS.BODY`` under
the key in ``quota.webhook_secret_file``, so that the other side can tell our requests from
anybody's, and old ones from new.
"""

from __future__ import annotations

import hashlib
import hmac
from io import BytesIO
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol
from twisted.web.client import Agent, FileBodyProducer, HTTPConnectionPool
from twisted.web.http_headers import Headers

TIMEOUT_SECONDS = 10.0


class NotTaken(Exception):
    """The other side did not take it; why, in words."""


def signature(key: bytes, body: bytes, now: int) -> str:
    digest = hmac.digest(key, f"{now}.".encode() + body, hashlib.sha256)
    return f"t={now},v1={digest.hex()}"


def read_key(path: Path) -> bytes:
    """The first line.  Raises OSError."""
    return path.read_bytes().split(b"\n", 1)[0].strip()


class _HangUp(Protocol):
    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.loseConnection()


class Webhook:
    """TLS is verified with the system's authorities."""

    def __init__(self, reactor: Any, url: str, secret_file: Path) -> None:
        self._reactor = reactor
        self._url = url.encode("ascii")
        self._secret_file = secret_file
        pool = HTTPConnectionPool(reactor, persistent=False)
        self._agent = Agent(reactor, connectTimeout=TIMEOUT_SECONDS, pool=pool)

    async def post(self, body: str, now: int) -> None:
        """Raises NotTaken."""
        octets = body.encode("utf-8")
        try:
            key = read_key(self._secret_file)
        except OSError as error:
            raise NotTaken(f"{self._secret_file}: {error.strerror}") from error
        headers = Headers(
            {
                "Content-Type": ["application/json"],
                "User-Agent": ["mailhub"],
                "X-Mailhub-Signature": [signature(key, octets, now)],
            }
        )
        asked: Deferred[Any] = self._agent.request(
            b"POST", self._url, headers, FileBodyProducer(BytesIO(octets))
        )
        asked.addTimeout(TIMEOUT_SECONDS, self._reactor)
        try:
            response = await asked
        except Exception as error:  # whatever a network can do
            raise NotTaken(f"{type(error).__name__}: {error}") from error
        response.deliverBody(_HangUp())  # its text does not matter
        if not 200 <= response.code < 300:
            raise NotTaken(f"answered {response.code}")
