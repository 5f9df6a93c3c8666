"""Master users: who may use other people's accounts, with a secret of their own.

They name the account beside themselves (``alice*admin@example.org``) or by SASL's authorization
identity.  A master is who the configuration names, or is in a group that it names.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailhub.config.options import AuthConfig
from mailhub.interfaces import LogInDisabled, LogInForbidden
from mailhub.model.mail import StoredCredentials
from mailhub.rules import Members, subject_of


@dataclass(frozen=True, slots=True)
class Named:
    """``authorization`` empty: oneself."""

    login: str
    authorization: str = ""


class Masters:
    def __init__(self, config: AuthConfig) -> None:
        self._members = Members(config.masters, config.master_groups)
        self._separator = config.master_separator

    def split(self, name: str, authorization: str = "") -> Named:
        """What *name* says, if it names two people and there are masters."""
        before, separator, after = name.rpartition(self._separator)
        if not (separator and before and after) or not self._members or authorization:
            return Named(name, authorization)
        return Named(after, before)

    def check(self, stored: StoredCredentials, other: StoredCredentials | None, name: str) -> None:
        """Whether *stored* may use the account *other*, called *name*.

        Raises LogInForbidden, LogInDisabled.
        """
        who = f"{stored.address} may not act as {name}"
        if not self._is_one(stored):
            raise LogInForbidden(f"{who}: not a master user")
        if stored.means:
            raise LogInForbidden(f"{who} by {stored.means}: master users show their own password")
        if other is None:
            raise LogInForbidden(f"{who}: there is no such account")
        if self._is_one(other):
            raise LogInForbidden(f"{who}: a master user as well")
        if not other.enabled:
            raise LogInDisabled(f"{other.address} is disabled, for master users too")

    def _is_one(self, stored: StoredCredentials) -> bool:
        return bool(self._members) and subject_of(stored) in self._members


NO_MASTERS = Masters(AuthConfig())
