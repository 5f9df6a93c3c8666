"""Whether an entry's owner is active, as each product says it.

OpenLDAP's ppolicy, 389 DS and FreeIPA (``nsAccountLock``), Active Directory (``userAccountControl``
and its relatives), and an attribute of the administrator's choice, which goes before all of them.
In Active Directory the times 0 and the greatest number mean never.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from mailhub.config.options import DirectoryConfig
from mailhub.directory.values import generalized, number, since_1601, texts, truth
from mailhub.directory.wire import Entry
from mailhub.model.directory import Standing

ATTRIBUTES: Mapping[str, Sequence[str]] = {
    "none": (),
    "ppolicy": ("pwdAccountLockedTime", "pwdReset", "pwdStartTime", "pwdEndTime"),
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


def standing_of(entry: Entry, directory: DirectoryConfig, now: float | None = None) -> Standing:
    """What *entry* says; *directory* is in full."""
    attributes = directory.attributes
    if attributes.disabled:
        said = {value.casefold() for value in texts(entry, attributes.disabled)}
        if said & {value.casefold() for value in attributes.disabled_values}:
            return Standing.DISABLED
    return _STANDINGS[directory.standing](entry, time.time() if now is None else now)


def _none(entry: Entry, now: float) -> Standing:
    return Standing.ACTIVE


def _ppolicy(entry: Entry, now: float) -> Standing:
    if PERMANENT in texts(entry, "pwdAccountLockedTime"):
        return Standing.DISABLED
    if texts(entry, "pwdAccountLockedTime"):
        return Standing.LOCKED
    if any(generalized(value) <= now for value in texts(entry, "pwdEndTime")):
        return Standing.EXPIRED
    if any(generalized(value) > now for value in texts(entry, "pwdStartTime")):
        return Standing.DISABLED
    if truth(entry, "pwdReset"):
        return Standing.PASSWORD_MUST_CHANGE
    return Standing.ACTIVE


def _account_lock(entry: Entry, now: float) -> Standing:
    if truth(entry, "nsAccountLock"):
        return Standing.DISABLED
    if any(generalized(value) <= now for value in texts(entry, "krbPrincipalExpiration")):
        return Standing.EXPIRED
    return Standing.ACTIVE


def _active_directory(entry: Entry, now: float) -> Standing:
    control = number(entry, "userAccountControl")
    computed = number(entry, "msDS-User-Account-Control-Computed")
    expires = number(entry, "accountExpires")
    if control & _DISABLED:
        return Standing.DISABLED
    if expires not in _NEVER and since_1601(expires) <= now:
        return Standing.EXPIRED
    if computed & _LOCKED_OUT or (
        not texts(entry, "msDS-User-Account-Control-Computed") and number(entry, "lockoutTime") > 0
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
