"""The realm: from an account's id to its mail.

The avatar id says as well whether the client may only read, and whether it is a master user.  A
realm that knows nothing of that finds no account of such a name, so nobody gets more than they may.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.cred.portal import IRealm
from twisted.internet.defer import Deferred
from zope.interface import Interface, implementer

from mailhub.auth.readonly import ReadOnlyAccount
from mailhub.interfaces import (
    BadCredentials,
    IAccount,
    IMailStore,
    LogInForbidden,
    LogInUnavailable,
)
from mailhub.model.errors import Damaged, NoSuchAccount, Unavailable
from mailhub.model.mail import AccountId, StoredCredentials
from mailhub.model.policy import Terms
from mailhub.net.atonce import at_once

_READ_ONLY, _BY_MASTER = b"read-only", b"by a master"

Avatar = tuple[type[Interface], object, Callable[[], None]]


def avatar_id_of(stored: StoredCredentials, terms: Terms) -> bytes:
    account = terms.account or stored.account
    marks = [_READ_ONLY] if stored.read_only else []
    if terms.account is not None:
        marks.append(_BY_MASTER)
    return b"\0".join((account.encode("utf-8"), *marks))


@implementer(IRealm)
class MailRealm:
    """Avatars are the accounts of *store*.  ``seen(account)`` is told when its owner gets one."""

    def __init__(
        self, store: IMailStore, seen: Callable[[AccountId], None] = lambda account: None
    ) -> None:
        self._store = store
        self._seen = seen

    def requestAvatar(
        self,
        avatarId: bytes | tuple[()],  # noqa: N803 - Twisted's name
        mind: object,
        *interfaces: type[Interface],
    ) -> Deferred[Avatar]:
        if IAccount not in interfaces:
            raise NotImplementedError("accounts of mail provide IAccount only")
        return at_once(self._open(avatarId))

    async def _open(self, avatar_id: bytes | tuple[()]) -> Avatar:
        if isinstance(avatar_id, tuple):  # cred's ANONYMOUS
            raise LogInForbidden("anonymous log-in is not served")
        octets, *marks = avatar_id.split(b"\0")
        account_id = AccountId(octets.decode("utf-8", "replace"))
        try:
            account = await self._store.account(account_id)
        except NoSuchAccount:
            raise BadCredentials(f"no mail account {account_id!r}") from None
        except (Unavailable, Damaged) as problem:
            raise LogInUnavailable(str(problem)) from problem
        if _BY_MASTER not in marks:
            self._seen(account.id)
        if _READ_ONLY in marks:
            account = ReadOnlyAccount(account)
        return IAccount, account, _nothing_to_release


def _nothing_to_release() -> None:
    """An account handle holds nothing open: the store closes files by its own LRU."""
