"""SCRAM (RFC 5802, RFC 7677), the server's messages.  Looking up the keys is the caller's.

A dialogue: ``first`` takes client-first and tells the user, ``challenge`` makes server-first from
that user's keys, ``final`` checks client-final and makes server-final.  Extensions (``m=``) are
refused, as 5802 5.1 wants; SCRAM-SHA-1-PLUS is left out, who can bind can do SHA-256.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from mailhub.sasl.errors import SaslFailed

HASHES = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-1": "sha1"}
MAX_OCTETS = 4096
"""Of a client's message."""
_NONCE = r"r=(?P<nonce>[!-+\--~]+)"
_EXTENSIONS = r"(?:,[A-Za-z]=[^,\0]+)*"
_FIRST = re.compile(
    r"(?P<gs2>(?:(?P<flag>[ny])|p=(?P<binding>[A-Za-z0-9.-]+)),(?:a=(?P<authzid>[^,\0]+))?,)"
    rf"(?P<bare>(?P<mandatory>m=[^,]*,)?n=(?P<user>[^,\0]+),{_NONCE}{_EXTENSIONS})"
)
_FINAL = re.compile(
    rf"(?P<unproved>c=(?P<bound>[A-Za-z0-9+/=]+),{_NONCE}{_EXTENSIONS}),p=(?P<proof>[A-Za-z0-9+/=]+)"
)


@dataclass(frozen=True, slots=True)
class ScramKeys:
    """What the server keeps of a password (5802 3)."""

    iterations: int
    salt: bytes
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)


def derive(hash_name: str, password: str, salt: bytes, iterations: int) -> ScramKeys:
    """The keys of a prepared *password*.  Takes long on purpose; not for the reactor."""
    salted = hashlib.pbkdf2_hmac(hash_name, password.encode("utf-8"), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", hash_name)
    stored_key = hashlib.new(hash_name, client_key).digest()
    return ScramKeys(iterations, salt, stored_key, hmac.digest(salted, b"Server Key", hash_name))


class ScramServer:
    """One dialogue.  *bindings* is empty when the mechanism has no -PLUS variant on offer."""

    def __init__(
        self,
        mechanism: str,
        bindings: Sequence[tuple[str, bytes]] = (),
        nonce: str | None = None,
    ) -> None:
        self._plus = mechanism.endswith("-PLUS")
        self._hash = HASHES[mechanism.removesuffix("-PLUS")]
        self._bindings = dict(bindings)
        self._server_nonce = nonce or secrets.token_urlsafe(18)
        self._keys: ScramKeys | None = None
        self._nonce = self._bare = self._server_first = ""
        self._bound = b""
        self.user = ""
        """As the client spelled it, once ``first`` has returned."""
        self.authorization = ""

    def first(self, message: bytes) -> None:
        """Take client-first.  Raises SaslFailed."""
        parsed = _FIRST.fullmatch(_text(message))
        if parsed is None:
            raise SaslFailed("malformed client-first message")
        if parsed["mandatory"]:  # 5802 5.1: an extension that must be understood
            raise SaslFailed("unsupported SCRAM extension")
        self._bound = parsed["gs2"].encode("utf-8") + self._binding(
            parsed["flag"], parsed["binding"]
        )
        self.user = _unescape(parsed["user"])
        self.authorization = _unescape(parsed["authzid"] or "")
        self._bare = parsed["bare"]
        self._nonce = parsed["nonce"] + self._server_nonce

    def challenge(self, keys: ScramKeys) -> bytes:
        """Make server-first."""
        self._keys = keys
        salt = base64.b64encode(keys.salt).decode("ascii")
        self._server_first = f"r={self._nonce},s={salt},i={keys.iterations}"
        return self._server_first.encode("utf-8")

    def final(self, message: bytes) -> bytes:
        """Check client-final and make server-final.  Raises SaslFailed."""
        assert self._keys is not None, "challenge comes first"
        parsed = _FINAL.fullmatch(_text(message))
        if parsed is None:
            raise SaslFailed("malformed client-final message")
        if not hmac.compare_digest(parsed["nonce"].encode(), self._nonce.encode()):
            raise SaslFailed("wrong nonce")
        if not hmac.compare_digest(_decode(parsed["bound"]), self._bound):
            raise SaslFailed("channel bindings differ: somebody may sit in between")
        said = ",".join((self._bare, self._server_first, parsed["unproved"])).encode("utf-8")
        self._prove(self._keys, said, _decode(parsed["proof"]))
        return b"v=" + base64.b64encode(hmac.digest(self._keys.server_key, said, self._hash))

    def _prove(self, keys: ScramKeys, said: bytes, proof: bytes) -> None:  # 5802 3
        signature = hmac.digest(keys.stored_key, said, self._hash)
        if len(proof) != len(signature):
            raise SaslFailed("malformed proof")
        client_key = bytes(a ^ b for a, b in zip(signature, proof, strict=True))
        stored_key = hashlib.new(self._hash, client_key).digest()
        if not hmac.compare_digest(stored_key, keys.stored_key):
            raise SaslFailed("wrong password")

    def _binding(self, flag: str | None, name: str | None) -> bytes:  # 5802 6
        if flag == "y" and self._bindings:
            raise SaslFailed("the client was made to believe that -PLUS is not on offer")
        if self._plus != (name is not None):
            raise SaslFailed("channel binding and mechanism disagree")
        if name is None:
            return b""
        if name not in self._bindings:
            raise SaslFailed(f"channel binding {name} is not available here")
        return self._bindings[name]


def _text(message: bytes) -> str:
    if len(message) > MAX_OCTETS:
        raise SaslFailed("message too long")
    try:
        return message.decode("utf-8")
    except UnicodeDecodeError:
        raise SaslFailed("message not in UTF-8") from None


def _unescape(name: str) -> str:  # 5802 5.1: "=2C" and "=3D", no other "="
    if re.search("=(?!2C|3D)", name):
        raise SaslFailed("malformed user name")
    return name.replace("=2C", ",").replace("=3D", "=")


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise SaslFailed("malformed base64") from None
