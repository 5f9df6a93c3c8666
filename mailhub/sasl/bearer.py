"""OAUTHBEARER (RFC 7628) and XOAUTH2: an access token in one message, and how its refusal is told.

What a token is worth is for others to say; here it is only taken out of the client's message.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from mailhub.sasl.errors import SaslFailed

MAX_OCTETS = 48 * 1024
"""Of a message: what a line of 64 KiB holds in base64."""
OAUTHBEARER, XOAUTH2 = "OAUTHBEARER", "XOAUTH2"
_GS2 = re.compile(r"(?P<flag>[ny]|p=[A-Za-z0-9.-]+),(?:a=(?P<authzid>[^,\0\x01]+))?,")
_PAIR = re.compile(r"(?P<key>[A-Za-z]+)=(?P<value>[\x20-\x7e\t\r\n]*)")
_BEARER = re.compile(r"bearer +(?P<token>[A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)  # 6750 2.1
_STATUS = {"invalid_request": "400", "invalid_token": "401", "insufficient_scope": "403"}


@dataclass(frozen=True, slots=True)
class Bearer:
    authorization: str
    """Whom to act as; empty: oneself."""
    token: str = field(repr=False)
    """Empty: the client only asks what kind of token is wanted (7628 4.3)."""
    host: str = ""
    """Where the client believes to be."""
    port: str = ""


def oauthbearer(token: str, authorization: str = "") -> bytes:
    """What a client of OAUTHBEARER says first."""
    escaped = authorization.replace("=", "=3D").replace(",", "=2C")
    named = f"a={escaped}" if escaped else ""
    return f"n,{named},\x01auth=Bearer {token}\x01\x01".encode("utf-8", "surrogateescape")


def parse_bearer(mechanism: str, message: bytes) -> Bearer:
    """The first message of *mechanism*.  Raises SaslFailed."""
    if len(message) > MAX_OCTETS:
        raise SaslFailed("message too long")
    try:
        text = message.decode("utf-8")
    except UnicodeDecodeError:
        raise SaslFailed("message not in UTF-8") from None
    header, *pairs = text.split("\x01")
    if len(pairs) < 2 or pairs[-2:] != ["", ""]:
        raise SaslFailed("message does not end in two %x01")
    if mechanism == XOAUTH2:
        return _xoauth2(header, pairs[:-2])
    return _oauthbearer(header, pairs[:-2])


def _oauthbearer(header: str, pairs: list[str]) -> Bearer:  # 7628 3.1
    gs2 = _GS2.fullmatch(header)
    if gs2 is None:
        raise SaslFailed("malformed gs2 header")
    if gs2["flag"].startswith("p"):
        raise SaslFailed("a token has no channel binding")
    said = _pairs(pairs)
    token = _token(said.get("auth", ""))
    return Bearer(_name(gs2["authzid"] or ""), token, said.get("host", ""), said.get("port", ""))


def _xoauth2(header: str, pairs: list[str]) -> Bearer:
    key, equals, user = header.partition("=")
    if key != "user" or not equals or "\0" in user:
        raise SaslFailed("message does not begin with user=")
    return Bearer(user, _token(_pairs(pairs).get("auth", "")))


def _pairs(pairs: list[str]) -> dict[str, str]:
    """Those that nobody knows are ignored (7628 3.1)."""
    said: dict[str, str] = {}
    for pair in pairs:
        parsed = _PAIR.fullmatch(pair)
        if parsed is None:
            raise SaslFailed("malformed key/value pair")
        if parsed["key"] in said:
            raise SaslFailed(f"{parsed['key']} is there twice")
        said[parsed["key"]] = parsed["value"]
    return said


def _token(value: str) -> str:
    """Of the value of an HTTP Authorization header."""
    if not value:
        return ""
    bearer = _BEARER.fullmatch(value.rstrip(" "))
    if bearer is None:
        raise SaslFailed("no bearer token")
    return bearer["token"]


def _name(escaped: str) -> str:  # 5801 4: "=2C" and "=3D", no other "="
    if re.search("=(?!2C|3D)", escaped):
        raise SaslFailed("malformed authorization identity")
    return escaped.replace("=2C", ",").replace("=3D", "=")


def refused(mechanism: str, status: str, scope: str = "", discovery: str = "") -> bytes:
    """The challenge that tells why (7628 3.2.2); the client answers it with next to nothing."""
    told: dict[str, str] = {"status": status}
    if mechanism == XOAUTH2:
        told = {"status": _STATUS[status], "schemes": "bearer"}
    if scope:
        told["scope"] = scope
    if discovery and mechanism == OAUTHBEARER:
        told["openid-configuration"] = discovery
    return json.dumps(told, separators=(",", ":")).encode("ascii")
