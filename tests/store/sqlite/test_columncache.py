"""What is kept of mailboxes is bounded; those looked at last stay."""

from __future__ import annotations

from array import array

from mailhub.model.mail import AccountId, MailboxId
from mailhub.store.sqlite.columncache import ColumnCache, Key
from mailhub.store.sqlite.columns import Columns, Page

ALICE, BOB = AccountId("alice"), AccountId("bob")
HUNDRED_UIDS = 400
"""Octets."""


def key(account: AccountId, mailbox: int) -> Key:
    return account, MailboxId(mailbox)


def columns(modseq: int = 1, uids: int = 100) -> Columns:
    return Columns(modseq, pages=(Page(array("I", range(1, uids + 1))),))


def test_the_mailboxes_kept_first_go_when_it_is_too_much() -> None:
    cache = ColumnCache(3 * HUNDRED_UIDS)
    for mailbox in (1, 2, 3):
        cache.keep(key(ALICE, mailbox), columns())
    cache.keep(key(ALICE, 1), columns(2))  # in place of what it was, and looked at last
    cache.keep(key(BOB, 4), columns())

    assert [mailbox for mailbox in (1, 2, 3) if cache.get(key(ALICE, mailbox))] == [1, 3]
    assert cache.get(key(ALICE, 1)) == columns(2)
    assert cache.get(key(BOB, 4)) is not None


def test_what_is_larger_than_all_is_not_kept() -> None:
    cache = ColumnCache(HUNDRED_UIDS)
    cache.keep(key(ALICE, 1), columns(uids=101))
    assert cache.get(key(ALICE, 1)) is None
    cache.keep(key(ALICE, 2), columns())
    assert cache.get(key(ALICE, 2)) is not None


def test_an_account_is_forgotten_as_a_whole_and_makes_room() -> None:
    cache = ColumnCache(2 * HUNDRED_UIDS)
    cache.keep(key(ALICE, 1), columns())
    cache.keep(key(BOB, 1), columns())
    cache.forget(ALICE)
    assert cache.get(key(ALICE, 1)) is None
    cache.keep(key(BOB, 2), columns())
    assert cache.get(key(BOB, 1)) is not None
    assert cache.get(key(BOB, 2)) is not None
