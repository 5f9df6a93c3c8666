"""The usage that an account's file holds, read from outside: what hub.db is told is only a copy."""

from __future__ import annotations

from contextlib import closing

from mailhub.model.errors import Damaged
from mailhub.model.mail import AccountId, Usage
from mailhub.store.hub.datadir import DataDir
from mailhub.store.sqlite.check import usage_of
from mailhub.store.sqlite.files import open_for_check


def file_usage(data: DataDir, account: AccountId) -> tuple[Usage, int] | None:
    """With its ledger_seq.  None: there is no file, or it is damaged.  Raises Unavailable."""
    path = data.account_file(account)
    if not path.exists():
        return None
    try:
        with closing(open_for_check(path)) as db:
            return usage_of(db)
    except Damaged:
        return None  # whoever opens it tells the administrator
