"""From refusals to ``-ERR [CODE] text``: the one table.  RFC 2449 8, RFC 3206, RFC 6856 5.

AUTH means that the credentials are at fault and the person should be asked again; SYS/TEMP that
nobody should be asked anything, it will pass; SYS/PERM that somebody has to help.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailhub import interfaces as login
from mailhub.model import errors as model


class TooSoon(model.Refusal):
    """LOGIN-DELAY has not passed since the last log-in (2449 8.1.1)."""

    explanation = "Minimum time between log-ins has not passed"


class NoSuchMessage(model.Refusal):
    explanation = "No such message"


@dataclass(frozen=True, slots=True)
class Row:
    """``text`` None: what the refusal itself says.  ``reported``: it carries a reason id."""

    code: str
    text: str | None = None
    reported: bool = False


_TABLE: dict[type[Exception], Row] = {
    login.BadCredentials: Row("AUTH", "Wrong user name or password"),
    login.BadToken: Row("AUTH", "The access token is not accepted"),
    login.LogInDisabled: Row("AUTH", "This account is disabled"),
    login.SecretExpired: Row("AUTH", "The password has expired"),
    login.LogInForbidden: Row("AUTH", "You may not log in this way"),
    login.TooManyAttempts: Row("SYS/TEMP", "Too many failed log-ins, try again later"),
    login.TooManyConnections: Row("SYS/TEMP"),
    login.LogInUnavailable: Row("SYS/TEMP", "Log-in is not possible at the moment"),
    login.LogInRefused: Row("AUTH", "Log-in refused"),
    TooSoon: Row("LOGIN-DELAY", reported=True),
    model.InUse: Row("IN-USE", "Another POP3 session is reading this mailbox", True),
    model.Unavailable: Row("SYS/TEMP", reported=True),
    model.MailboxGone: Row("SYS/TEMP"),
    model.Damaged: Row("SYS/PERM", reported=True),
    model.NoSuchAccount: Row("SYS/PERM", reported=True),
    model.AccountDisabled: Row("AUTH", reported=True),
    model.NotPermitted: Row("", reported=True),
    model.Refusal: Row(""),
}


def refusal(problem: model.Refusal | login.LogInRefused) -> tuple[str, str]:
    """Text and extended response code ("" for none) for *problem*."""
    row = _row(problem)
    text = row.text if row.text is not None else str(problem)
    reason_id = getattr(problem, "reason_id", "")
    return (f"{text} ({reason_id})" if reason_id else text), row.code


def is_reported(problem: model.Refusal) -> bool:
    """Whether somebody may ask why, so that it is an event with an id."""
    return _row(problem).reported


def _row(problem: model.Refusal | login.LogInRefused) -> Row:
    return next(_TABLE[kind] for kind in type(problem).__mro__ if kind in _TABLE)
