"""The realm: from an account's id to its mail.

The avatar id says as well whether the client may only read.  A realm that knows nothing of that
finds no account of such a name, so nobody gets more than they may.
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
from mailhub.model.mail import AccountId

_READ_ONLY = b"\0read-only"

Avatar = tuple[type[Interface], object, Callable[[], None]]


def avatar_id_of(account: AccountId, *, read_only: bool) -> bytes:
    return account.encode("utf-8") + (_READ_ONLY if read_only else b"")


@implementer(IRealm)
class MailRealm:
    """Avatars are the accounts of *store*.  ``seen(account)`` is told of every one given out."""

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
        return Deferred.fromCoroutine(self._open(avatarId))

    async def _open(self, avatar_id: bytes | tuple[()]) -> Avatar:
        if isinstance(avatar_id, tuple):  # cred's ANONYMOUS
            raise LogInForbidden("anonymous log-in is not served")
        octets = avatar_id.removesuffix(_READ_ONLY)
        account_id = AccountId(octets.decode("utf-8", "replace"))
        try:
            account = await self._store.account(account_id)
        except NoSuchAccount:
            raise BadCredentials(f"no mail account {account_id!r}") from None
        except (Unavailable, Damaged) as problem:
            raise LogInUnavailable(str(problem)) from problem
        self._seen(account.id)
        if octets != avatar_id:
            account = ReadOnlyAccount(account)
        return IAccount, account, _nothing_to_release


def _nothing_to_release() -> None:
    """An account handle holds nothing open: the store closes files by its own LRU."""
