"""HTTP for a command, which may wait: takes the place of :class:`mailhub.net.fetch.Fetcher`."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from mailhub.net.fetch import MAX_OCTETS, FetchFailed, checked, headers


class WaitingFetcher:
    """*authorities*: PEM file of those that are trusted; None: the system's."""

    def __init__(self, seconds: float, authorities: Path | None = None) -> None:
        self._seconds = seconds
        self._authorities = authorities

    async def get(self, url: str) -> bytes:
        return self._fetch("GET", url, headers())

    async def post(self, url: str, form: Mapping[str, str], user: str, password: str) -> bytes:
        return self._fetch("POST", url, headers(user, password, form=True), urlencode(form))

    def _fetch(self, method: str, url: str, told: Mapping[str, str], body: str = "") -> bytes:
        parts = urlsplit(url)
        connection = self._connection(parts.scheme, parts.hostname or "", parts.port)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request(method, target, body or None, dict(told))
            response = connection.getresponse()
            return checked(response.status, response.read(MAX_OCTETS + 1))
        except TimeoutError:
            raise FetchFailed(f"no answer within {self._seconds:g} s") from None
        except (OSError, HTTPException) as error:
            raise FetchFailed(f"{type(error).__name__}: {error}") from error
        finally:
            connection.close()

    def _connection(self, scheme: str, host: str, port: int | None) -> HTTPConnection:
        if scheme == "http":
            return HTTPConnection(host, port, timeout=self._seconds)
        trust = ssl.create_default_context(cafile=self._authorities)
        return HTTPSConnection(host, port, timeout=self._seconds, context=trust)
