"""One connection to an LDAP server: the only module that knows ldap3.

ldap3's dangerous defaults end here.  No certificate is accepted unverified, StartTLS that fails
ends the connection, referrals are handed back and never followed, no schema is read, nothing is
sent without a time limit, a bind without a name or password is refused before it is sent, and a
bind counts only when it was a simple bind of the very name that was asked for.
"""

from __future__ import annotations

import math
import os
import re
import socket
import ssl
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mailhub.config.ldap import split_server
from mailhub.config.options import DirectoryConfig
from mailhub.directory import codes
from mailhub.directory.codes import Result
from mailhub.directory.receiving import Receiver
from mailhub.directory.troubles import Kind, Trouble
from mailhub.directory.watchdog import Watchdog

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # ldap3 2.9.1 with a newer pyasn1
    import ldap3

PAGED_RESULTS = "1.2.840.113556.1.4.319"  # 2696
_SCOPES = {"base": ldap3.BASE, "subtree": ldap3.SUBTREE}


@dataclass(frozen=True, slots=True)
class Entry:
    """``values`` by attribute in lower case, as octets."""

    dn: str
    values: Mapping[str, Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class Answer:
    """Of a search; ``referrals`` are the URLs that were not followed."""

    result: Result
    entries: Sequence[Entry]
    referrals: Sequence[str]
    cookie: bytes


@dataclass(frozen=True, slots=True)
class Ask:
    """A search."""

    base: str
    filter: str
    attributes: Sequence[str]
    scope: str = "subtree"
    size_limit: int = 0
    page_size: int = 0
    cookie: bytes = b""


class _Tls(ldap3.Tls):  # type: ignore[misc]  # ldap3 has no types
    """TLS as the standard library does it right: chain, name, SNI, at least 1.2."""

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._context = context
        self._name = name
        self.failure: Exception | None = None

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        try:
            connection.socket = self._context.wrap_socket(
                connection.socket, server_hostname=self._name
            )
        except (OSError, ValueError) as failure:
            self.failure = failure
            raise


def tls_context(directory: DirectoryConfig) -> ssl.SSLContext:
    """Raises Trouble when the CA's file cannot be read."""
    ca = directory.tls_ca
    try:
        return _context(ca, _changed(ca or ssl.get_default_verify_paths().cafile))
    except (OSError, ssl.SSLError) as error:
        raise Trouble(Kind.TLS, f"{ca}: {error}") from error


@lru_cache(maxsize=16)
def _context(ca: Path | None, changed: float) -> ssl.SSLContext:
    """Kept until the file changes: to read a system's authorities takes 50 ms."""
    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _changed(file: Path | str | None) -> float:
    return os.stat(file).st_mtime if file else 0.0


class Wire:
    """A connection to one server; used by one thread at a time."""

    def __init__(self, url: str, directory: DirectoryConfig, watchdog: Watchdog) -> None:
        self.url = url
        self._directory = directory
        self._watchdog = watchdog
        self._tls: _Tls | None = None
        scheme, self.host, self.port = split_server(url)
        if directory.tls != "none-i-understand":
            name = directory.tls_server_name or self.host
            self._tls = _Tls(tls_context(directory), name)
        server = ldap3.Server(
            self.host,
            self.port,
            use_ssl=scheme == "ldaps",
            tls=self._tls,
            get_info=ldap3.NONE,
            allowed_referral_hosts=[],
            connect_timeout=directory.connect_timeout,
        )
        self._connection = ldap3.Connection(
            server,
            client_strategy=ldap3.SAFE_SYNC,
            auto_referrals=False,
            check_names=False,
            raise_exceptions=False,
            receive_timeout=math.ceil(directory.connect_timeout + directory.operation_timeout),
        )
        self._receiver = Receiver(self._connection)
        self._connection.strategy.receiving = self._receiver
        self.used = time.monotonic()

    def open(self) -> None:
        """Connect, with TLS if there is to be any.  Raises Trouble."""
        patience = self._directory.connect_timeout
        try:
            with self._watchdog.limit(self.abort, 2 * patience):  # to connect, then for TLS
                self._connection.open(read_server_info=False)
                if self._directory.tls == "starttls":
                    self._start_tls()
        except Trouble:
            self.close()
            raise
        except Exception as failure:
            self.close()
            raise self._why_not_open(failure) from failure
        # A bind in two segments would wait 40 ms for the server's delayed acknowledgement.
        self._connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.used = time.monotonic()

    def _start_tls(self) -> None:
        try:
            started = self._connection.start_tls(read_server_info=False)
        except Exception as failure:
            raise Trouble(Kind.TLS, self._why_no_tls(failure)) from failure
        if not (started[0] if isinstance(started, tuple) else started):
            raise Trouble(Kind.TLS, f"StartTLS was refused: {self._connection.last_error}")
        if not isinstance(self._connection.socket, ssl.SSLSocket):
            raise Trouble(Kind.TLS, "StartTLS did not lead to TLS")
        if not self._receiver.is_empty:  # it would be taken for something said in TLS
            raise Trouble(Kind.TLS, "something was said in clear after StartTLS")

    def bind(self, dn: str, password: str, seconds: float) -> Result:
        """How the server answers a simple bind.  Raises Trouble when it does not."""
        if not dn or not password:
            raise Trouble(Kind.REFUSED, "a bind without a name or password is anonymous; not sent")
        result = self._bind(ldap3.SIMPLE, dn, password.encode(), seconds)
        ours = self._connection.authentication == ldap3.SIMPLE and self._connection.user == dn
        if result.code == codes.SUCCESS and not (ours and self._connection.bound):
            raise Trouble(Kind.BROKEN, "a bind succeeded that was not asked for")
        return result

    def bind_anonymously(self, seconds: float) -> Result:
        """For searching only, never on behalf of anybody."""
        return self._bind(ldap3.ANONYMOUS, None, None, seconds)

    def _bind(self, how: str, name: str | None, secret: bytes | None, seconds: float) -> Result:
        """Not ldap3's rebind: that one keeps the name it has when it is given none."""
        connection = self._connection
        connection.authentication, connection.user, connection.password = how, name, secret
        answer = self._do(seconds, lambda: connection.bind(read_server_info=False))
        return self._result(answer[1])

    def search(self, ask: Ask, seconds: float) -> Answer:
        """What the server finds.  Raises Trouble when it does not answer."""
        _, result, response, _ = self._do(
            seconds,
            lambda: self._connection.search(
                ask.base,
                ask.filter,
                search_scope=_SCOPES[ask.scope],
                dereference_aliases=ldap3.DEREF_NEVER,
                attributes=list(ask.attributes),
                size_limit=ask.size_limit,
                time_limit=max(1, math.ceil(seconds)),
                paged_size=ask.page_size or None,
                paged_cookie=ask.cookie or None,
            ),
        )
        found = response or []
        return Answer(
            self._result(result),
            [_entry(item) for item in found if item.get("type") == "searchResEntry"],
            [url for item in found if item.get("type") == "searchResRef" for url in item["uri"]]
            + [str(url) for url in result.get("referrals") or ()],
            _cookie(result),
        )

    def tls_version(self) -> str:
        """``TLSv1.3``, or nothing without TLS."""
        sock = self._connection.socket
        return sock.version() or "" if isinstance(sock, ssl.SSLSocket) else ""

    def close(self) -> None:
        """Harmless when called again."""
        try:
            self._connection.strategy.close()
        except Exception:
            self.abort()

    def abort(self) -> None:
        """End it from another thread: whoever waits for an answer is told so."""
        sock = self._connection.socket
        if sock is None:
            return
        try:
            socket.socket.shutdown(sock, socket.SHUT_RDWR)  # not SSLSocket's, which is not safe
        except OSError:
            return  # it is gone already

    def _do(self, seconds: float, operation: Any) -> Any:
        if seconds <= 0:
            raise Trouble(Kind.TIMEOUT, "the time for the whole request was used up")
        if self._connection.closed:  # ldap3 would open it again, without StartTLS
            raise Trouble(Kind.BROKEN, "the connection is closed")
        with self._watchdog.limit(self.abort, seconds) as limit:
            try:
                answer = operation()
            except Trouble:
                raise
            except Exception as failure:
                self.close()
                if limit.passed:
                    text = f"no answer in {seconds:.1f} s"
                    raise Trouble(Kind.TIMEOUT, text) from failure
                raise Trouble(Kind.BROKEN, _broken(failure)) from failure
        self.used = time.monotonic()
        return answer

    def _result(self, result: Mapping[str, Any] | None) -> Result:
        if not isinstance(result, Mapping) or not isinstance(result.get("result"), int):
            raise Trouble(Kind.BROKEN, "answered something that is not LDAP")
        return Result(result["result"], str(result["description"]), str(result["message"] or ""))

    def _why_no_tls(self, failure: Exception) -> str:
        """Of StartTLS."""
        where = f"{self.host}:{self.port}"
        if self._tls is not None and self._tls.failure is not None:
            return tls_reason(self._tls.failure, self.host)
        if "terminated by server" in str(failure):
            hint = f'the port may be for TLS from the start: tls = "ldaps", ldaps://{where}'
            return f"{where} hung up when asked for StartTLS; {hint}"
        if "startTLS failed" in str(failure):
            return f"the server refuses StartTLS: {failure}"
        return f"StartTLS came to nothing: {failure}"

    def _why_not_open(self, failure: Exception) -> Trouble:
        where = f"{self.host}:{self.port}"
        if self._tls is not None and self._tls.failure is not None:
            return Trouble(Kind.TLS, tls_reason(self._tls.failure, self.host))
        text = str(failure)
        if "invalid server address" in text:
            return Trouble(Kind.NAME, f"the host name {self.host} does not resolve")
        if "timed out" in text:
            return Trouble(Kind.CONNECT, f"no connection to {where} in time")
        return Trouble(Kind.CONNECT, f"no connection to {where}: {_reason(text)}")


def _reason(text: str) -> str:
    """Of ldap3's ``socket connection error while opening: [Errno 111] Connection refused``."""
    return re.sub(r"^\[Errno \d+\] ", "", text.rpartition(": ")[2]).lower()


_ADMINISTRATIVE = re.compile(
    r"ldaps?://[^/]*/(CN=Configuration|DC=(Domain|Forest)DnsZones),", re.IGNORECASE
)


def is_administrative(url: str) -> bool:
    """Whether a referral is one that every Active Directory gives, to where nobody is."""
    return _ADMINISTRATIVE.match(url) is not None


def _entry(item: Mapping[str, Any]) -> Entry:
    values = {name.lower(): tuple(found) for name, found in item["raw_attributes"].items()}
    return Entry(item["dn"], values)


def _cookie(result: Mapping[str, Any]) -> bytes:
    control = (result.get("controls") or {}).get(PAGED_RESULTS) or {}
    return bytes((control.get("value") or {}).get("cookie") or b"")


def _broken(failure: Exception) -> str:
    if isinstance(failure, ldap3.core.exceptions.LDAPExceptionError | OSError):
        return f"the connection broke: {failure}"
    return f"answered something that is not LDAP ({type(failure).__name__})"


_HUNG_UP = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)
"""Which of them depends on whether the end arrives before or after our first words."""


def tls_reason(failure: Exception, host: str) -> str:
    """What was wrong with TLS, in words that name the mistake."""
    if isinstance(failure, ssl.SSLCertVerificationError):
        if failure.verify_code in (10,):
            return "the server's certificate has expired"
        if failure.verify_code in (62, 64):
            text = f"the server's certificate is for another name: {failure.verify_message}"
            return f"{text.rstrip('.')}; servers or tls_server_name must be a name in it"
        if failure.verify_code in (2, 18, 19, 20, 21):
            return (
                f"the server's certificate is of a CA that is not trusted "
                f"({failure.verify_message}); tls_ca names the file of the right one"
            )
        return f"the server's certificate is not valid: {failure.verify_message}"
    text = str(failure)
    if any(sign in text for sign in ("WRONG_VERSION_NUMBER", "RECORD_LAYER")):
        return 'the server does not speak TLS on this port; tls = "starttls" with ldap://, perhaps'
    if "UNSUPPORTED_PROTOCOL" in text or "PROTOCOL_VERSION" in text:
        return "the server speaks no TLS newer than 1.1"
    if isinstance(failure, TimeoutError):
        return "no TLS handshake in time; the server may not speak TLS on this port"
    if isinstance(failure, _HUNG_UP) or "UNEXPECTED_EOF" in text:
        hint = 'tls = "starttls" with ldap:// if it does not speak TLS on this port'
        return f"the server hung up during the TLS handshake; {hint}"
    return f"no TLS: {text}"
