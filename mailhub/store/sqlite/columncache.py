"""The columns of the mailboxes looked at last, of all accounts of a process, within a bound."""

from __future__ import annotations

from collections import OrderedDict

from mailhub.model.mail import AccountId, MailboxId
from mailhub.store.sqlite.columns import Columns

Key = tuple[AccountId, MailboxId]


class ColumnCache:
    def __init__(self, most_octets: int) -> None:
        self._most = most_octets
        self._octets = 0
        self._kept: OrderedDict[Key, Columns] = OrderedDict()

    def get(self, key: Key) -> Columns | None:
        return self._kept.get(key)

    def keep(self, key: Key, columns: Columns) -> None:
        self._drop(key)
        self._kept[key] = columns
        self._octets += columns.octets
        while self._octets > self._most:
            self._drop(next(iter(self._kept)))

    def forget(self, account: AccountId) -> None:
        for key in [key for key in self._kept if key[0] == account]:
            self._drop(key)

    def _drop(self, key: Key) -> None:
        dropped = self._kept.pop(key, None)
        if dropped is not None:
            self._octets -= dropped.octets
