"""Who wants to be told when an account has changed, in this process or another."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.python.failure import Failure

from mailhub import log
from mailhub.model.mail import MailboxId
from mailhub.store.sqlite.seams import Bell

Callback = Callable[[MailboxId | None], None]
SEVERAL: tuple[MailboxId | None, ...] = (None,)


class Watchers:
    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._callbacks: dict[int, list[Callback]] = {}
        self._bell_undo: dict[int, Callable[[], None]] = {}

    def add(self, account_number: int, callback: Callback) -> Callable[[], None]:
        callbacks = self._callbacks.setdefault(account_number, [])
        if not callbacks:
            self._bell_undo[account_number] = self._bell.watch(
                account_number, lambda: self.tell(account_number, SEVERAL)
            )
        callbacks.append(callback)
        return lambda: self._remove(account_number, callback)

    def _remove(self, account_number: int, callback: Callback) -> None:
        callbacks = self._callbacks.get(account_number, [])
        if callback in callbacks:
            callbacks.remove(callback)
            if not callbacks:
                del self._callbacks[account_number]
                self._bell_undo.pop(account_number)()

    def tell(self, account_number: int, touched: Sequence[MailboxId | None]) -> None:
        for callback in list(self._callbacks.get(account_number, ())):
            for mailbox in touched:
                try:
                    callback(mailbox)
                except Exception:
                    # One session's mistake must not keep the news from the others.
                    log.failure("error", Failure(), what="a watcher failed")
