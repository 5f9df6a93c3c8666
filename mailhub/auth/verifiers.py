"""Verifiers: what is stored of a password.  Argon2id for PLAIN and LOGIN, keys for SCRAM.

Everything here takes tens of milliseconds on purpose and never runs in the reactor.
"""

from __future__ import annotations

import base64
import binascii
import os

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from mailhub.model.mail import Verifier
from mailhub.sasl.plain import MAX_OCTETS
from mailhub.sasl.prep import NotPreparable, saslprep
from mailhub.sasl.scram import HASHES, ScramKeys, derive

ARGON2ID = "argon2id"
ITERATIONS = 50_000
"""Of SCRAM's PBKDF2.  Every client has to do them at every log-in, a phone too."""
SALT_OCTETS = 16
# OWASP's smallest recommendation: many log-ins at once must not take gigabytes.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
NOBODY = Verifier(
    ARGON2ID,
    "$argon2id$v=19$m=19456,t=2,p=1"
    "$M0mngKxd7nTAadESgWeDTQ$hg5fnvu1GU1CQ7iPZUM3YJ73b+Nypi6Rp/fOGQF6tJQ",
)
"""Of no account: checked in place of one that does not exist, so that it takes as long."""


class BadPassword(ValueError):
    """A password that cannot be set; the text says why."""


def make_verifiers(password: str) -> tuple[Verifier, ...]:
    """All verifiers of a new password.  Raises BadPassword."""
    prepared = prepare(password)
    verifiers = [Verifier(ARGON2ID, _HASHER.hash(prepared))]
    for mechanism, hash_name in HASHES.items():
        keys = derive(hash_name, prepared, os.urandom(SALT_OCTETS), ITERATIONS)
        verifiers.append(Verifier(mechanism, write_keys(keys)))
    return tuple(verifiers)


def prepare(password: str) -> str:
    """*password* as it is hashed.  Raises BadPassword."""
    try:
        prepared = saslprep(password)
    except NotPreparable as problem:
        raise BadPassword(f"The password contains {problem}") from None
    if not prepared:
        raise BadPassword("The password is empty")
    if len(prepared.encode("utf-8")) > MAX_OCTETS:
        raise BadPassword("The password is too long")
    return prepared


def verify(verifier: Verifier, prepared: str) -> bool:
    """Whether *prepared* is the password; False for a verifier that makes no sense."""
    if verifier.scheme == ARGON2ID:
        try:
            return _HASHER.verify(verifier.data, prepared)
        except (VerificationError, InvalidHashError):
            return False
    keys = read_keys(verifier)
    if keys is None:
        return False
    same = derive(HASHES[verifier.scheme], prepared, keys.salt, keys.iterations)
    return same.stored_key == keys.stored_key


def outdated(verifiers: tuple[Verifier, ...]) -> bool:
    """Whether today's parameters are stronger than those of *verifiers*, or one is missing."""
    by_scheme = {verifier.scheme: verifier for verifier in verifiers}
    if by_scheme.keys() < {ARGON2ID, *HASHES}:
        return True
    try:
        if _HASHER.check_needs_rehash(by_scheme[ARGON2ID].data):
            return True
    except InvalidHashError:
        return True
    keys = [read_keys(by_scheme[mechanism]) for mechanism in HASHES]
    return any(k is None or k.iterations < ITERATIONS for k in keys)


def write_keys(keys: ScramKeys) -> str:
    parts = (keys.salt, keys.stored_key, keys.server_key)
    return ":".join([str(keys.iterations), *(base64.b64encode(p).decode("ascii") for p in parts)])


def read_keys(verifier: Verifier) -> ScramKeys | None:
    """The keys of a SCRAM verifier, None when it makes no sense."""
    if verifier.scheme not in HASHES:
        return None
    try:
        iterations, *parts = verifier.data.split(":")
        salt, stored, server = (base64.b64decode(part, validate=True) for part in parts)
        return ScramKeys(int(iterations), salt, stored, server)
    except (ValueError, binascii.Error):
        return None
