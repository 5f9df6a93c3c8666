"""LDAP result codes and what Active Directory hides behind them.

A refused bind is always 49 in Active Directory; the reason is a hexadecimal number in the text,
``data 52e``.  With several of them the password was right, which decides what a client may be
told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mailhub.directory.troubles import Kind, Refused, Trouble, Verdict

SUCCESS = 0
TIME_LIMIT = 3
SIZE_LIMIT = 4
STRONGER_AUTH = 8
REFERRAL = 10
ADMIN_LIMIT = 11
CONFIDENTIALITY = 13
CONSTRAINT_VIOLATION = 19
NO_SUCH_OBJECT = 32
INVALID_DN = 34
INAPPROPRIATE_AUTH = 48
INVALID_CREDENTIALS = 49
INSUFFICIENT_RIGHTS = 50
BUSY = 51
UNAVAILABLE = 52
UNWILLING = 53

SIGNING_HINTS: Mapping[str, str] = {
    "80090346": "it demands channel binding, which works with LDAPS only from some clients: "
    "set LdapEnforceChannelBinding to 1 (when supported) for mailhub, or use another server",
    "00002028": 'it demands signing or TLS: write tls = "ldaps"',
}

_REFUSALS = (
    INVALID_CREDENTIALS,
    NO_SUCH_OBJECT,
    INVALID_DN,
    INAPPROPRIATE_AUTH,
)
_UNSEEN = {
    UNWILLING: "the account is inactivated or locked",  # 389 DS, FreeIPA
    CONSTRAINT_VIOLATION: "the account is locked out",  # 389 DS
}
"""Told before the password is looked at."""

_SUB_CODE = re.compile(r"\bdata ([0-9a-f]{1,8})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SubCode:
    verdict: Verdict
    text: str


SUB_CODES: Mapping[int, SubCode] = {
    0x525: SubCode(Verdict.NOBODY, "no such user"),
    0x52E: SubCode(Verdict.WRONG, "wrong password"),
    0x530: SubCode(Verdict.FORBIDDEN, "not permitted to log on at this time"),
    0x531: SubCode(Verdict.FORBIDDEN, "not permitted to log on from this workstation"),
    0x532: SubCode(Verdict.EXPIRED, "the password has expired"),
    0x533: SubCode(Verdict.DISABLED, "the account is disabled"),
    0x568: SubCode(Verdict.FORBIDDEN, "in too many groups for a logon token"),
    0x701: SubCode(Verdict.DISABLED, "the account has expired"),
    0x773: SubCode(Verdict.EXPIRED, "the password must be changed at the next logon"),
    # The password is not looked at while an account is locked, so nothing was proved:
    0x775: SubCode(Verdict.LOCKED, "the account is locked out"),
}


@dataclass(frozen=True, slots=True)
class Result:
    """How an operation ended."""

    code: int
    description: str
    message: str

    def __str__(self) -> str:
        text = " ".join(self.message.replace("\x00", "").split())
        return f"{self.description} ({self.code})" + (f": {text}" if text else "")


def sub_code(result: Result) -> SubCode | None:
    """What Active Directory meant, if it was Active Directory."""
    if result.code != INVALID_CREDENTIALS:
        return None
    found = _SUB_CODE.search(result.message)
    return SUB_CODES.get(int(found[1], 16)) if found else None


def signing_demand(result: Result) -> str | None:
    """What the server demands of the connection, if that is why it refused."""
    for code, hint in SIGNING_HINTS.items():
        if code in result.message:
            return hint
    if result.code in (STRONGER_AUTH, CONFIDENTIALITY):
        return 'it demands an encrypted connection: write tls = "ldaps" or tls = "starttls"'
    return None


def refuse_person(result: Result) -> None:
    """Raise what a person's bind, having ended with *result*, means; nothing on success."""
    if result.code == SUCCESS:
        return
    if signing_demand(result):
        raise trouble(result)
    if known := sub_code(result):
        raise Refused(known.verdict, f"{known.text} ({result})")
    if text := _UNSEEN.get(result.code):
        raise Refused(Verdict.LOCKED, f"{text}: {result}")
    if result.code in _REFUSALS:
        raise Refused(Verdict.WRONG, f"the directory refused the password: {result}")
    raise trouble(result)


def trouble(result: Result) -> Trouble:
    """What a failed operation says of the server or the configuration."""
    if hint := signing_demand(result):
        return Trouble(Kind.SIGNING, f"{result}; {hint}")
    kind = {
        TIME_LIMIT: Kind.TIMEOUT,
        SIZE_LIMIT: Kind.LIMIT,
        ADMIN_LIMIT: Kind.LIMIT,
        REFERRAL: Kind.BASE,
        NO_SUCH_OBJECT: Kind.BASE,
        INVALID_DN: Kind.BASE,
        INVALID_CREDENTIALS: Kind.BIND,
        INAPPROPRIATE_AUTH: Kind.BIND,
        INSUFFICIENT_RIGHTS: Kind.RIGHTS,
        BUSY: Kind.BUSY,
        UNAVAILABLE: Kind.BUSY,
    }.get(result.code, Kind.REFUSED)
    return Trouble(kind, str(result))
