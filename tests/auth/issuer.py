"""Who issues access tokens: keys, their public set, tokens good and bad."""

from __future__ import annotations

import base64
import functools
import json
from dataclasses import replace
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

from mailhub.config.options import OauthConfig

NOW = 1_800_000_000.0
ISSUER = "https://login.example.org/realms/staff"
CONFIG = OauthConfig("staff", ISSUER, jwks_url=f"{ISSUER}/keys", audience=("mail",))
ALL = replace(CONFIG, algorithms=("RS256", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA"))


@functools.cache
def key(kind: str, number: int = 0) -> Any:
    """A private key; made once."""
    curves = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
    if kind in curves:
        return ec.generate_private_key(curves[kind])
    if kind == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, int(kind))


def jwk(algorithm: str, private: Any, key_id: str = "k1", **more: Any) -> dict[str, Any]:
    public = get_default_algorithms()[algorithm].to_jwk(private.public_key(), as_dict=True)
    return {**public, "kid": key_id, "use": "sig", **more}


def jwks(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": keys or (jwk("ES256", key("P-256")),)}).encode()


def claims(now: float = NOW, **changed: Any) -> dict[str, Any]:
    """None takes a claim away."""
    said = {
        "iss": ISSUER,
        "aud": ["mail", "account"],
        "exp": int(now) + 300,
        "iat": int(now),
        "sub": "4711",
        "email": "alice@example.org",
        "scope": "openid imap",
        **changed,
    }
    return {name: value for name, value in said.items() if value is not None}


def token(
    said: dict[str, Any] | None = None,
    *,
    algorithm: str = "ES256",
    private: Any = None,
    key_id: str | None = "k1",
    **header: Any,
) -> str:
    headers = {"typ": "at+jwt", **({"kid": key_id} if key_id else {}), **header}
    if private is None:
        private = key("P-256")
    payload = json.dumps(said or claims()).encode()
    return jwt.PyJWS().encode(payload, private, algorithm, headers)


def forged(header: dict[str, Any], said: dict[str, Any], signature: bytes = b"") -> str:
    """A JWT of any header, signed with anything."""
    pieces = (json.dumps(header).encode(), json.dumps(said).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(piece).rstrip(b"=").decode() for piece in pieces)
