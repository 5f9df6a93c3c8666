"""What can go wrong with a directory, apart from the person asked about."""

from __future__ import annotations

import enum


class Kind(enum.Enum):
    """Of a trouble: what an administrator would look at first."""

    NAME = "name"
    """The host name does not resolve."""
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    BROKEN = "broken"
    """Hung up, or answered something that is not LDAP."""
    BIND = "bind"
    """The service account was refused."""
    BUSY = "busy"
    SIGNING = "signing"
    """The server wants LDAP signing, channel binding or TLS."""
    BASE = "base"
    RIGHTS = "rights"
    LIMIT = "limit"
    REFUSED = "refused"
    UNSEEN = "unseen"
    """Only somebody's password shows anything of them, and there is none."""
    WAITED = "waited"
    """Nothing was tried: every server is known to be down, or the queue was too long."""


SERVER_DOWN = frozenset(
    {Kind.NAME, Kind.CONNECT, Kind.TLS, Kind.BROKEN, Kind.BIND, Kind.BUSY, Kind.SIGNING}
)
"""What says so much about a server that others are asked until it is well again."""


class Trouble(Exception):
    """A server, or all of them, could not answer.  Says nothing about any person."""

    def __init__(self, kind: Kind, text: str) -> None:
        super().__init__(text)
        self.kind = kind

    def __reduce__(self) -> tuple[type[Trouble], tuple[Kind, str]]:
        return Trouble, (self.kind, str(self))


class Verdict(enum.Enum):
    """Why somebody is not let in."""

    NOBODY = "nobody"
    WRONG = "wrong"
    UNCLEAR = "unclear"
    """Who it would be: several entries match, or the only one has no id."""
    LOCKED = "locked"
    """Out of the directory, which has not looked at the password."""
    KEPT_BACK = "kept back"
    """The password was not sent: if it was wrong, it would lock the account, or help to."""
    DISABLED = "disabled"
    EXPIRED = "expired"
    FORBIDDEN = "forbidden"
    """Right password, but not now or not from here."""


class Refused(Exception):
    """The directory's answer about a person is no; ``detail`` is for the administrator."""

    def __init__(self, verdict: Verdict, detail: str) -> None:
        super().__init__(detail)
        self.verdict = verdict

    def __reduce__(self) -> tuple[type[Refused], tuple[Verdict, str]]:
        return Refused, (self.verdict, str(self))
