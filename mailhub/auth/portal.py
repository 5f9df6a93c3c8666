"""The portal, put together from its parts.  An embedder may use their own."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.portal import IRealm, Portal
from twisted.internet.interfaces import IReactorTime

from mailhub.auth.chain import PasswordChain, PasswordSource
from mailhub.auth.hashing import Hashing
from mailhub.auth.local import LocalPasswords
from mailhub.auth.memory import VerifiedSecrets
from mailhub.auth.policy import Policy
from mailhub.auth.scram import ScramChecker
from mailhub.auth.throttle import Throttle
from mailhub.config.directories import LOCAL
from mailhub.config.options import AuthConfig
from mailhub.interfaces import ILocalAccounts
from mailhub.net.shared import Shared

SECRET_OCTETS = 32


def make_portal(realm: IRealm, checkers: Iterable[ICredentialsChecker]) -> Portal:
    return Portal(realm, list(checkers))


def make_checkers(
    accounts: ILocalAccounts,
    config: AuthConfig,
    clock: IReactorTime,
    hashing: Hashing,
    secret: bytes,
    policy: Policy | None = None,
    directories: Mapping[str, PasswordSource] = MappingProxyType({}),
    first: Sequence[PasswordSource] = (),
    shared: Shared | None = None,
) -> list[ICredentialsChecker]:
    """Passwords and SCRAM under one throttle.

    *accounts* are those with verifiers here; *directories* the other sources of passwords, by their
    name in ``auth.order``.  *first* are asked before them, whatever that order is.  *shared*: with
    the other workers of the server.
    """
    shared = shared or Shared()
    throttle = Throttle(clock.seconds, config.throttle_attempts, config.throttle_window, shared)
    memory = VerifiedSecrets(clock.seconds, config.verified_secret_cache, shared)
    policy = policy or Policy(accounts)
    local = LocalPasswords(accounts, hashing, memory)
    known: Mapping[str, PasswordSource] = {LOCAL: local, **directories}
    # A reloaded order may name a directory that is there after the next restart.
    sources = [known[name] for name in config.order or known if name in known]
    return [
        PasswordChain([*first, *sources], policy, throttle, local.decoy),
        ScramChecker(accounts, policy, throttle, secret),
    ]


def load_secret(path: Path) -> bytes:
    """The secret of :class:`ScramChecker` kept in *path*; made at the first start."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        secret = path.read_bytes()
        if len(secret) == SECRET_OCTETS:
            return secret
        path.unlink()  # cut short by a crash; nothing is lost with it
        return load_secret(path)
    with open(descriptor, "wb") as file:
        secret = os.urandom(SECRET_OCTETS)
        file.write(secret)
    return secret
