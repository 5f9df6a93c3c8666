from __future__ import annotations

from mailhub.model.mail import SpecialUse
from mailhub.model.names import INBOX, MailboxName
from mailhub.store.hub.standard import STANDARD_FOLDERS, create_standard_folders
from tests.harness import run
from tests.memory_store import MemoryAccount, MemoryStore


def folders(account: MemoryAccount) -> dict[str, tuple[bool, frozenset[SpecialUse]]]:
    entries = run(account.mailboxes())
    return {entry.name: (entry.subscribed, entry.special_use) for entry in entries}


def test_every_standard_folder_exists_is_subscribed_and_says_what_it_is_for() -> None:
    account = MemoryStore().add_account("alice@example.org")
    run(create_standard_folders(account))
    expected = {name: (True, frozenset({use})) for name, use in STANDARD_FOLDERS}
    assert folders(account) == {INBOX: (True, frozenset()), **expected}


def test_doing_it_again_changes_nothing() -> None:
    account = MemoryStore().add_account("alice@example.org")
    run(create_standard_folders(account))
    before = folders(account)
    run(create_standard_folders(account))
    assert folders(account) == before


def test_what_the_person_has_already_stays_as_it_is() -> None:
    account = MemoryStore().add_account("alice@example.org")
    run(account.create(MailboxName("Gesendet"), frozenset({SpecialUse.SENT})))
    run(account.create(MailboxName("Trash")))
    run(create_standard_folders(account))
    present = folders(account)
    assert "Sent" not in present
    assert present["Trash"] == (False, frozenset())
