"""Whether an entry's owner is active, as each product says it.

OpenLDAP's ppolicy, 389 DS and FreeIPA (``nsAccountLock``), Active Directory (``userAccountControl``
and its relatives), and an attribute of the administrator's choice, which goes before all of them.
Times of Active Directory count 100 ns since 1601; 0 and the greatest number mean never.
"""

from __future__ import annotations

import time
from calendar import timegm
from collections.abc import Callable, Mapping, Sequence

from mailhub.config.options import DirectoryConfig
from mailhub.directory.wire import Entry
from mailhub.model.directory import Standing

ATTRIBUTES: Mapping[str, Sequence[str]] = {
    "none": (),
    "ppolicy": ("pwdAccountLockedTime", "pwdReset", "pwdEndTime"),
    "nsAccountLock": ("nsAccountLock", "krbPrincipalExpiration"),
    "active-directory": (
        "userAccountControl",
        "accountExpires",
        "lockoutTime",
        "msDS-User-Account-Control-Computed",
        "pwdLastSet",
    ),
}
PERMANENT = "000001010000Z"
"""Of pwdAccountLockedTime: by an administrator, who alone can lift it."""
_DISABLED, _DONT_EXPIRE = 0x2, 0x10000
_LOCKED_OUT, _PASSWORD_EXPIRED = 0x10, 0x800000
_NEVER = (0, 0x7FFF_FFFF_FFFF_FFFF)
_EPOCH_SECONDS = 11_644_473_600
"""From 1601 to 1970."""


def standing_of(entry: Entry, directory: DirectoryConfig, now: float | None = None) -> Standing:
    """What *entry* says; *directory* is in full."""
    attributes = directory.attributes
    if attributes.disabled:
        said = {value.casefold() for value in texts(entry, attributes.disabled)}
        if said & {value.casefold() for value in attributes.disabled_values}:
            return Standing.DISABLED
    return _STANDINGS[directory.standing](entry, time.time() if now is None else now)


def texts(entry: Entry, attribute: str) -> tuple[str, ...]:
    """The values as text; octets that are none are replaced."""
    return tuple(
        value.decode("utf-8", "replace") for value in entry.values.get(attribute.lower(), ())
    )


def _none(entry: Entry, now: float) -> Standing:
    return Standing.ACTIVE


def _ppolicy(entry: Entry, now: float) -> Standing:
    if PERMANENT in texts(entry, "pwdAccountLockedTime"):
        return Standing.DISABLED
    if texts(entry, "pwdAccountLockedTime"):
        return Standing.LOCKED
    if any(_generalized(value) <= now for value in texts(entry, "pwdEndTime")):
        return Standing.EXPIRED
    if "TRUE" in map(str.upper, texts(entry, "pwdReset")):
        return Standing.PASSWORD_MUST_CHANGE
    return Standing.ACTIVE


def _account_lock(entry: Entry, now: float) -> Standing:
    if "TRUE" in map(str.upper, texts(entry, "nsAccountLock")):
        return Standing.DISABLED
    if any(_generalized(value) <= now for value in texts(entry, "krbPrincipalExpiration")):
        return Standing.EXPIRED
    return Standing.ACTIVE


def _active_directory(entry: Entry, now: float) -> Standing:
    control = _number(entry, "userAccountControl")
    computed = _number(entry, "msDS-User-Account-Control-Computed")
    expires = _number(entry, "accountExpires")
    if control & _DISABLED:
        return Standing.DISABLED
    if expires not in _NEVER and expires / 10_000_000 - _EPOCH_SECONDS <= now:
        return Standing.EXPIRED
    if computed & _LOCKED_OUT or (
        "msds-user-account-control-computed" not in entry.values
        and _number(entry, "lockoutTime") > 0
    ):
        return Standing.LOCKED
    if not control & _DONT_EXPIRE:
        if texts(entry, "pwdLastSet") == ("0",):
            return Standing.PASSWORD_MUST_CHANGE
        if computed & _PASSWORD_EXPIRED:
            return Standing.PASSWORD_EXPIRED
    return Standing.ACTIVE


_STANDINGS: Mapping[str, Callable[[Entry, float], Standing]] = {
    "none": _none,
    "ppolicy": _ppolicy,
    "nsAccountLock": _account_lock,
    "active-directory": _active_directory,
}


def _number(entry: Entry, attribute: str) -> int:
    for value in texts(entry, attribute):
        try:
            return int(value)
        except ValueError:
            return 0
    return 0


def _generalized(value: str) -> float:  # 4517 3.3.13
    """GeneralizedTime in UTC, as every server writes it, in seconds; never when it is not one."""
    try:
        return _seconds(value)
    except ValueError:
        return float("inf")


def _seconds(value: str) -> float:
    return float(timegm(time.strptime(value.partition(".")[0].rstrip("Z"), "%Y%m%d%H%M%S")))
