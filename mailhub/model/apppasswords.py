"""App passwords: what they look like, and what is known of one.

``mhapp-abcdefg-...``: 120 random bits and a checksum of 20, in signs that are not confused when
read aloud.  The form is recognised, so that one is never sent to a directory, and a mistyped one is
refused without asking anybody.  Kept is a plain SHA-256: slow hashing protects what people choose,
and nobody can try 2**120 secrets, however fast.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass

from mailhub.model.mail import AccountId
from mailhub.model.policy import Network

PREFIX = "mhapp"
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # 32 signs: without l 1, o 0
RANDOM_SIGNS, CHECK_SIGNS, GROUP = 24, 4, 7

_SIGNS = f"[{ALPHABET}]{{{RANDOM_SIGNS + CHECK_SIGNS}}}"
_SEPARATORS = re.compile(r"[-\s]+")
_RECOGNISED = re.compile(rf"\s*{PREFIX}(-|{_SIGNS}\s*$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AppPassword:
    """``networks`` empty: from everywhere; ``expires``: seconds since 1970, None: never."""

    number: int
    account: AccountId
    address: str
    """The account's."""
    name: str
    protocols: frozenset[str]
    networks: tuple[Network, ...]
    read_only: bool
    created: int
    expires: int | None
    last_used: int | None = None
    last_address: str = ""


def generate() -> str:
    body = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_SIGNS))
    signs = body + _check(body)
    groups = (signs[at : at + GROUP] for at in range(0, len(signs), GROUP))
    return "-".join((PREFIX, *groups))


def is_recognised(text: str) -> bool:
    """Whether it is one, or was meant to be: nobody else is asked about it then."""
    return _RECOGNISED.match(text) is not None


def digest(text: str) -> bytes | None:
    """What is kept of it, however hyphens and capitals were typed; None: it is mistyped."""
    signs = _SEPARATORS.sub("", text).lower().removeprefix(PREFIX)
    if not re.fullmatch(_SIGNS, signs):
        return None
    body, check = signs[:RANDOM_SIGNS], signs[RANDOM_SIGNS:]
    if check != _check(body):
        return None
    return hashlib.sha256(f"{PREFIX}{body}".encode("ascii")).digest()


def _check(body: str) -> str:
    hashed = int.from_bytes(hashlib.sha256(f"check {body}".encode("ascii")).digest()[:4], "big")
    return "".join(ALPHABET[hashed >> 5 * at & 31] for at in range(CHECK_SIGNS))
