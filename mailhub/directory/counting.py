"""How directories count wrong passwords, and whether one more may be sent.

Each product counts them at the person's entry and says in a policy how many lock the account:
OpenLDAP's ppolicy (draft-behera-ldap-password-policy), 389 DS, FreeIPA, Active Directory with its
fine-grained policies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mailhub.directory.troubles import Refused, Verdict
from mailhub.directory.values import (
    NEVER,
    generalized,
    interval,
    latest,
    number,
    since_1601,
    texts,
    truth,
)
from mailhub.directory.wire import Entry
from mailhub.model.directory import Past

SKEW_SECONDS = 60.0
"""By which the clocks of a directory and of mailhub may differ."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a policy says."""

    policy: str
    """Its DN."""
    most: int
    """So many wrong passwords lock; 0: none do."""
    forgets: float = NEVER
    """Seconds after which they count no more."""
    lasts: float = NEVER
    """Of a lock, seconds."""
    dates_changes: bool = True
    """Whether it is kept when a password was changed."""


@dataclass(frozen=True, slots=True)
class Product:
    """How one counts: attributes of the *person* and the *policy*, and what they mean."""

    person: Sequence[str]
    policy: Sequence[str]
    named_by: str
    """The person's attribute with the DN of the policy, if it is not everybody's."""
    everybodys: str
    """Finds the policy of all others in the naming context; empty: it has a fixed place."""
    limits: Callable[[Entry], Limits]
    failures: Callable[[Entry, Limits, float], int]
    changed: Callable[[Entry], float]
    """When the password was changed; 0: not known."""
    lock: str
    """The person's attribute that says that they are, or were until lately, locked out."""
    always: Sequence[str] = ()
    """Attributes of everybody's policy of which one is there, whether it locks or not."""


# --- products -----------------------------------------------------------------------------


def _ppolicy_limits(policy: Entry) -> Limits:
    most = number(policy, "pwdMaxFailure") if truth(policy, "pwdLockout") else 0
    return Limits(
        policy.dn,
        most,
        number(policy, "pwdFailureCountInterval") or NEVER,
        number(policy, "pwdLockoutDuration") or NEVER,
    )


def _ppolicy_failures(person: Entry, limits: Limits, now: float) -> int:
    since = now - limits.forgets - SKEW_SECONDS
    return sum(generalized(value) > since for value in texts(person, "pwdFailureTime"))


def _389_limits(policy: Entry) -> Limits:
    most = number(policy, "passwordMaxFailure") if truth(policy, "passwordLockout") else 0
    return Limits(
        policy.dn,
        most,
        number(policy, "passwordResetFailureCount") or NEVER,
        number(policy, "passwordLockoutDuration") if truth(policy, "passwordUnlock") else NEVER,
        truth(policy, "passwordTrackUpdateTime"),
    )


def _389_failures(person: Entry, limits: Limits, now: float) -> int:
    resets = texts(person, "retryCountResetTime")
    over = bool(resets) and all(generalized(value) + SKEW_SECONDS < now for value in resets)
    return 0 if over else number(person, "passwordRetryCount")


def _freeipa_limits(policy: Entry) -> Limits:
    return Limits(
        policy.dn,
        number(policy, "krbPwdMaxFailure"),
        number(policy, "krbPwdFailureCountInterval") or NEVER,
        number(policy, "krbPwdLockoutDuration") or NEVER,
    )


def _freeipa_failures(person: Entry, limits: Limits, now: float) -> int:
    over = latest(person, "krbLastFailedAuth") + limits.forgets + SKEW_SECONDS < now
    return 0 if over else number(person, "krbLoginFailedCount")


def _ad_limits(policy: Entry) -> Limits:
    """Of a domain, or of a password settings object, whose names have a prefix."""
    prefix = "msDS-" if texts(policy, "msDS-LockoutThreshold") else ""
    return Limits(
        policy.dn,
        number(policy, f"{prefix}LockoutThreshold"),
        interval(number(policy, f"{prefix}LockoutObservationWindow")) or NEVER,
        interval(number(policy, f"{prefix}LockoutDuration")) or NEVER,
    )


def _ad_failures(person: Entry, limits: Limits, now: float) -> int:
    last = since_1601(number(person, "badPasswordTime"))
    return 0 if last + limits.forgets + SKEW_SECONDS < now else number(person, "badPwdCount")


def _ad_changed(person: Entry) -> float:
    return max(0.0, since_1601(number(person, "pwdLastSet")))


PRODUCTS: Mapping[str, Product] = {
    "ppolicy": Product(
        person=("pwdFailureTime", "pwdPolicySubentry", "pwdChangedTime", "pwdAccountLockedTime"),
        policy=("pwdAttribute", "pwdLockout", "pwdMaxFailure", "pwdFailureCountInterval",
                "pwdLockoutDuration"),
        named_by="pwdPolicySubentry",
        everybodys="(objectClass=pwdPolicy)",
        limits=_ppolicy_limits,
        failures=_ppolicy_failures,
        changed=lambda person: latest(person, "pwdChangedTime"),
        lock="pwdAccountLockedTime",
    ),
    "389ds": Product(
        person=("passwordRetryCount", "retryCountResetTime", "pwdPolicySubentry", "pwdUpdateTime",
                "accountUnlockTime"),
        policy=("cn", "passwordLockout", "passwordMaxFailure", "passwordResetFailureCount",
                "passwordUnlock", "passwordLockoutDuration", "passwordTrackUpdateTime"),
        named_by="pwdPolicySubentry",
        everybodys="",
        limits=_389_limits,
        failures=_389_failures,
        changed=lambda person: latest(person, "pwdUpdateTime"),
        lock="accountUnlockTime",
        always=("passwordLockout",),
    ),
    "freeipa": Product(
        person=("krbLoginFailedCount", "krbLastFailedAuth", "krbPwdPolicyReference",
                "krbLastPwdChange"),
        policy=("cn", "krbPwdMaxFailure", "krbPwdFailureCountInterval", "krbPwdLockoutDuration"),
        named_by="krbPwdPolicyReference",
        everybodys="(&(objectClass=krbPwdPolicy)(cn=global_policy))",
        limits=_freeipa_limits,
        failures=_freeipa_failures,
        changed=lambda person: latest(person, "krbLastPwdChange"),
        lock="krbLoginFailedCount",
        always=("krbPwdMaxFailure",),
    ),
    "active-directory": Product(
        person=("badPwdCount", "badPasswordTime", "msDS-ResultantPSO", "pwdLastSet",
                "lockoutTime"),
        policy=("lockoutThreshold", "lockOutObservationWindow", "lockoutDuration",
                "msDS-LockoutThreshold", "msDS-LockoutObservationWindow",
                "msDS-LockoutDuration"),
        named_by="msDS-ResultantPSO",
        everybodys="",
        limits=_ad_limits,
        failures=_ad_failures,
        changed=_ad_changed,
        lock="lockoutTime",
        always=("lockoutThreshold", "msDS-LockoutThreshold"),
    ),
}  # fmt: skip
"""By ``directory.lockout_counter``."""


# --- one password -------------------------------------------------------------------------


def surely_right(product: Product, person: Entry, past: Past) -> bool:
    """It was right after the last change of the password, so it still is."""
    return past.right > max(past.wrong, product.changed(person) + SKEW_SECONDS)


def refuse_to_send(product: Product, person: Entry, limits: Limits, past: Past, now: float) -> None:
    """Raises Refused when a wrong password would lock the account, or bring it nearer for nothing.

    One that was wrong since the last change of the password is, while any are counted: so a
    forgotten phone leaves its owner the attempts to log in with another.  Where the first wrong
    one locks, nothing can be kept back.
    """
    failures = product.failures(person, limits, now)
    counts = f"the directory counts {failures} wrong passwords, and {limits.most} lock the account"
    is_repeated = past.wrong > max(past.right, product.changed(person) + SKEW_SECONDS)
    if is_repeated and (failures or limits.most == 2):
        raise Refused(Verdict.WRONG, f"it was wrong before; not sent again, for {counts}")
    if failures and is_next_to_last(product, person, limits, failures):
        raise Refused(Verdict.KEPT_BACK, f"it was not sent, for {counts}")


def is_next_to_last(product: Product, person: Entry, limits: Limits, failures: int) -> bool:
    """Whether one more locks.  Who is locked out already is left to the directory.

    It knows whether that has passed, and looks at no password before.
    """
    has_been_locked = bool(set(texts(person, product.lock)) - {"0"})
    return failures + 1 == limits.most or (failures >= limits.most and not has_been_locked)


def is_locked(person: Entry, limits: Limits | None, now: float) -> bool:
    """Whether a refusal says nothing of the password; ppolicy tells so only in the entry."""
    ended = [generalized(value) <= now for value in texts(person, "pwdEndTime")]
    begins = [generalized(value) > now for value in texts(person, "pwdStartTime")]
    locked = [generalized(value) for value in texts(person, "pwdAccountLockedTime")]
    still = [limits is not None and time + limits.lasts > now for time in locked]
    return any((*ended, *begins, *still, *(time == NEVER for time in locked)))
