"""How a command ends: what a handler returns or raises, and the table from refusals to replies.

Handlers let the refusals of the model and of log-in pass; only what depends on a command's own
sense is raised as :class:`No` or :class:`Bad` by the command.  Response codes: RFC 9051 7.1,
RFC 5530.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mailhub import interfaces as login
from mailhub.imap.wire.writer import Code
from mailhub.model import errors as model


@dataclass(frozen=True, slots=True)
class Done:
    """A handler's result when "<NAME> completed" is not all there is to say.

    ``expunge_ok`` overrides what the command has declared in the registry; ``then`` is called when
    the tagged reply has been written.
    """

    text: str = ""
    code: Code | None = None
    expunge_ok: bool | None = None
    then: Callable[[], None] | None = None


class CommandFailed(Exception):
    """A tagged reply other than OK."""

    status = "NO"

    def __init__(self, text: str, code: str | Code | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.code = Code(code) if isinstance(code, str) else code


class No(CommandFailed):
    """It was understood and cannot be done."""


class Bad(CommandFailed):
    """It makes no sense: syntax, state, arguments."""

    status = "BAD"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row of the table.  ``reported``: somebody may ask why, so it carries a reason id."""

    code: str | None
    reported: bool = False


_TABLE: dict[type[Exception], Refusal] = {
    model.NoSuchMailbox: Refusal("NONEXISTENT"),
    model.MailboxExists: Refusal("ALREADYEXISTS"),
    model.BadMailboxName: Refusal("CANNOT"),
    model.CannotDo: Refusal("CANNOT"),
    model.NotPermitted: Refusal("NOPERM", reported=True),
    model.OverQuota: Refusal("OVERQUOTA", reported=True),
    model.NoSuchQuotaRoot: Refusal("NONEXISTENT"),
    model.LimitReached: Refusal("LIMIT", reported=True),
    model.MessageTooLarge: Refusal("TOOBIG"),
    model.MessageGone: Refusal("EXPUNGEISSUED"),
    model.MailboxGone: Refusal("NONEXISTENT"),
    model.InUse: Refusal("INUSE"),
    model.Damaged: Refusal("CORRUPTION", reported=True),
    model.Unavailable: Refusal("UNAVAILABLE", reported=True),
    model.NoSuchAccount: Refusal("CONTACTADMIN", reported=True),
    model.AccountDisabled: Refusal("CONTACTADMIN", reported=True),
    model.Refusal: Refusal("CANNOT", reported=True),
}

_LOG_IN: dict[type[login.LogInRefused], tuple[str, str]] = {
    login.BadCredentials: ("AUTHENTICATIONFAILED", "Wrong user name or password"),
    login.BadToken: ("AUTHENTICATIONFAILED", "The access token is not accepted"),
    login.LogInDisabled: ("CONTACTADMIN", "This account is disabled"),
    login.SecretExpired: ("EXPIRED", "The password has expired"),
    login.LogInForbidden: ("AUTHORIZATIONFAILED", "You may not log in this way"),
    login.TooManyAttempts: ("UNAVAILABLE", "Too many failed log-ins, try again later"),
    login.TooManyConnections: ("LIMIT", "Too many connections"),
    login.LogInUnavailable: ("UNAVAILABLE", "Log-in is not possible at the moment"),
    login.LogInRefused: ("AUTHENTICATIONFAILED", "Log-in refused"),
}


def refusal(error: model.Refusal) -> Refusal:
    """The row for *error*: its own class's or the nearest base class's."""
    return next(_TABLE[kind] for kind in type(error).__mro__ if kind in _TABLE)


def log_in_failed(error: login.LogInRefused) -> No:
    """What a client is told whose log-in was refused; the log has the detail."""
    code, text = next(_LOG_IN[kind] for kind in type(error).__mro__ if kind in _LOG_IN)
    if isinstance(error, login.TooManyConnections) and error.detail:
        text = error.detail
    return No(f"{text} ({error.reason_id})" if error.reason_id else text, code)
