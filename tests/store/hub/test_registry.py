"""Domains, accounts, aliases and credentials in hub.db."""

from __future__ import annotations

import pytest

from mailhub.model.errors import AccountExists, CannotDo, NoSuchAccount
from mailhub.model.mail import AccountId, Usage, Verifier
from mailhub.store.hub import accounts, aliases, credentials, domains, usage
from mailhub.store.hub.database import HubFile
from mailhub.store.hub.datadir import DataDir
from mailhub.store.hub.errors import BadAddress, NoSuchAlias, NoSuchDomain
from tests.store.hub.conftest import NOW

SECRET = (Verifier("SCRAM-SHA-256", "x"), Verifier("argon2id", "y"))


# --- refusals -----------------------------------------------------------------------------


def test_an_address_of_an_unknown_domain_is_refused(file: HubFile) -> None:
    with pytest.raises(NoSuchDomain), file.write() as tx:
        accounts.add(tx, "alice@example.net", NOW)


def test_a_bad_address_is_refused(file: HubFile) -> None:
    with pytest.raises(BadAddress), file.write() as tx:
        accounts.add(tx, "alice", NOW)


def test_an_address_is_given_once_among_accounts_and_aliases(file: HubFile) -> None:
    with file.write() as tx:
        alice = accounts.add(tx, "alice@example.org", NOW)
        aliases.add(tx, "post@example.org", alice.id, NOW)
    for taken in ("Alice@example.org", "post@example.org"):
        with pytest.raises(AccountExists), file.write() as tx:
            accounts.add(tx, taken, NOW)
        with pytest.raises(AccountExists), file.write() as tx:
            aliases.add(tx, taken, alice.id, NOW)


def test_a_refusal_leaves_nothing_behind(file: HubFile) -> None:
    def add_twice() -> None:
        with file.write() as tx:
            accounts.add(tx, "alice@example.org", NOW)
            accounts.add(tx, "alice@example.org", NOW)

    with pytest.raises(AccountExists):
        add_twice()
    with file.read() as tx:
        assert accounts.all_accounts(tx) == []


def test_a_domain_with_addresses_cannot_be_deleted(file: HubFile) -> None:
    with file.write() as tx:
        accounts.add(tx, "alice@example.org", NOW)
    with pytest.raises(CannotDo, match=r"accounts \(1\)"), file.write() as tx:
        domains.delete(tx, "example.org")


def test_a_domain_cannot_take_the_name_of_another(file: HubFile) -> None:
    with file.write() as tx:
        domains.add(tx, "example.net", NOW)
    with pytest.raises(AccountExists), file.write() as tx:
        domains.rename(tx, "example.org", "example.net")
    with pytest.raises(AccountExists), file.write() as tx:
        domains.add(tx, "EXAMPLE.net", NOW)


def test_what_does_not_exist_is_refused_by_name(file: HubFile) -> None:
    nobody = AccountId("00")
    with file.write() as tx:
        with pytest.raises(NoSuchAccount):
            accounts.get(tx, nobody)
        with pytest.raises(NoSuchAccount):
            accounts.by_address(tx, "nobody@example.org")
        with pytest.raises(NoSuchAlias):
            aliases.get(tx, "nobody@example.org")
        with pytest.raises(NoSuchDomain):
            domains.get(tx, "example.net")
        with pytest.raises(NoSuchAccount):
            domains.set_catch_all(tx, "example.org", nobody)


# --- domains ------------------------------------------------------------------------------


def test_renaming_a_domain_renames_its_addresses_and_keeps_ids(file: HubFile) -> None:
    with file.write() as tx:
        alice = accounts.add(tx, "alice@example.org", NOW, verifiers=SECRET)
        aliases.add(tx, "post@example.org", alice.id, NOW)
        domains.set_catch_all(tx, "example.org", alice.id)
        domain = domains.rename(tx, "example.org", "Example.net")
        assert (domain.name, domain.catch_all) == ("example.net", "alice@example.net")
        assert accounts.by_address(tx, "alice@example.net").id == alice.id
        assert aliases.get(tx, "post@example.net").target == "alice@example.net"


def test_an_empty_domain_is_deleted(file: HubFile) -> None:
    with file.write() as tx:
        domains.delete(tx, "example.org")
        assert domains.all_domains(tx) == []


def test_the_only_domain_is_known_while_there_is_one(file: HubFile) -> None:
    with file.write() as tx:
        assert domains.only(tx) == "example.org"
        domains.add(tx, "example.net", NOW)
        assert domains.only(tx) == ""


def test_disabling_a_domain_disables_who_is_in_it(file: HubFile) -> None:
    with file.write() as tx:
        alice = accounts.add(tx, "alice@example.org", NOW)
        domains.set_enabled(tx, "example.org", False)
        assert not accounts.get(tx, alice.id).active
        domains.set_enabled(tx, "example.org", True)
        assert accounts.get(tx, alice.id).active


# --- accounts -----------------------------------------------------------------------------


def test_an_account_is_found_by_address_in_any_case_and_by_id(file: HubFile) -> None:
    with file.write() as tx:
        alice = accounts.add(tx, "Alice@Example.org", NOW, display_name="Alice A.")
        assert accounts.find(tx, "ALICE@example.ORG") == alice
        assert accounts.find(tx, alice.id) == alice
        assert alice.display_name == "Alice A."


def test_accounts_are_listed_by_domain_and_name(file: HubFile) -> None:
    with file.write() as tx:
        domains.add(tx, "a.example", NOW)
        for address in ("bob@example.org", "alice@example.org", "zoe@a.example"):
            accounts.add(tx, address, NOW)
        everybody = [account.address for account in accounts.all_accounts(tx)]
        some = [account.address for account in accounts.all_accounts(tx, "a.example")]
    assert everybody == ["zoe@a.example", "alice@example.org", "bob@example.org"]
    assert some == ["zoe@a.example"]


def test_a_deleted_account_leaves_its_address_but_neither_number_nor_id(file: HubFile) -> None:
    with file.write() as tx:
        first = accounts.add(tx, "alice@example.org", NOW, verifiers=SECRET)
        aliases.add(tx, "post@example.org", first.id, NOW)
        domains.set_catch_all(tx, "example.org", first.id)
        accounts.delete(tx, first.id, NOW)
        with pytest.raises(NoSuchAccount):
            accounts.get(tx, first.id)
        assert accounts.to_remove(tx) == [first.id]
        accounts.removed(tx, first.id, NOW)
        assert accounts.to_remove(tx) == []
        assert domains.get(tx, "example.org").catch_all is None
        second = accounts.add(tx, "alice@example.org", NOW)
        assert second.id != first.id
        assert second.number > first.number
        assert credentials.of_account(tx, second.number) == ()
        accounts.add(tx, "post@example.org", NOW)


def test_a_renamed_account_keeps_everything_but_its_address(file: HubFile) -> None:
    with file.write() as tx:
        alice = accounts.add(tx, "alice@example.org", NOW, verifiers=SECRET)
        renamed = accounts.rename(tx, alice.id, "al@example.org", NOW)
        assert (renamed.id, renamed.number) == (alice.id, alice.number)
        assert renamed.address == "al@example.org"
        assert credentials.of_account(tx, alice.number) == SECRET
        with pytest.raises(NoSuchAccount):
            accounts.by_address(tx, "alice@example.org")


def test_an_account_may_keep_its_old_address_as_an_alias_and_come_back(file: HubFile) -> None:
    with file.write() as tx:
        alice = accounts.add(tx, "alice@example.org", NOW)
        accounts.rename(tx, alice.id, "al@example.org", NOW, keep_alias=True)
        assert aliases.get(tx, "alice@example.org").target == "al@example.org"
        back = accounts.rename(tx, alice.id, "alice@example.org", NOW, keep_alias=True)
        assert back.address == "alice@example.org"
        assert [alias.address for alias in aliases.all_aliases(tx)] == ["al@example.org"]


def test_an_account_cannot_take_the_address_of_another(file: HubFile) -> None:
    with file.write() as tx:
        alice = accounts.add(tx, "alice@example.org", NOW)
        bob = accounts.add(tx, "bob@example.org", NOW)
        aliases.add(tx, "post@example.org", bob.id, NOW)
    for taken in ("bob@example.org", "post@example.org"):
        with pytest.raises(AccountExists), file.write() as tx:
            accounts.rename(tx, alice.id, taken, NOW)
    with file.read() as tx:
        assert accounts.get(tx, alice.id).address == "alice@example.org"


# --- aliases ------------------------------------------------------------------------------


def test_a_disabled_alias_stays_disabled_when_it_is_renamed(file: HubFile) -> None:
    with file.write() as tx:
        alice = accounts.add(tx, "alice@example.org", NOW)
        aliases.add(tx, "post@example.org", alice.id, NOW)
        aliases.set_enabled(tx, "post@example.org", False)
        renamed = aliases.rename(tx, "post@example.org", "office@example.org", NOW)
        assert not renamed.enabled
        assert [alias.address for alias in aliases.all_aliases(tx)] == ["office@example.org"]


def test_an_account_is_not_an_alias(file: HubFile) -> None:
    with file.write() as tx:
        accounts.add(tx, "alice@example.org", NOW)
        with pytest.raises(NoSuchAlias):
            aliases.delete(tx, "alice@example.org")


def test_aliases_are_listed_by_domain_and_account(file: HubFile) -> None:
    with file.write() as tx:
        domains.add(tx, "a.example", NOW)
        alice = accounts.add(tx, "alice@example.org", NOW)
        bob = accounts.add(tx, "bob@example.org", NOW)
        aliases.add(tx, "one@a.example", alice.id, NOW)
        aliases.add(tx, "two@example.org", alice.id, NOW)
        aliases.add(tx, "three@example.org", bob.id, NOW)
        of_domain = aliases.all_aliases(tx, domain="example.org")
        of_account = aliases.all_aliases(tx, account=alice.id)
    assert [alias.address for alias in of_domain] == ["three@example.org", "two@example.org"]
    assert [alias.address for alias in of_account] == ["one@a.example", "two@example.org"]


# --- usage --------------------------------------------------------------------------------


def test_an_older_report_of_usage_never_overwrites_a_newer_one(file: HubFile) -> None:
    with file.write() as tx:
        alice = accounts.add(tx, "alice@example.org", NOW)
        assert usage.record(tx, alice.id, Usage(20, 2), 7)
        assert not usage.record(tx, alice.id, Usage(10, 1), 6)
        assert not usage.record(tx, alice.id, Usage(10, 1), 7)
        assert accounts.get(tx, alice.id).usage == Usage(20, 2)
        usage.correct(tx, alice.id, Usage(5, 1), 3)
        assert accounts.get(tx, alice.id).usage == Usage(5, 1)
        assert usage.ledger_seq(tx, alice.id) == 3


def test_the_last_log_in_never_goes_back(file: HubFile) -> None:
    with file.write() as tx:
        alice = accounts.add(tx, "alice@example.org", NOW)
        usage.record_login(tx, alice.id, NOW)
        usage.record_login(tx, alice.id, NOW - 5)
        assert accounts.get(tx, alice.id).last_login == NOW


def test_a_glance_keeps_no_view(file: HubFile, data: DataDir) -> None:
    other = HubFile.open(data.hub_db)
    with file.write() as tx:
        alice = accounts.add(tx, "alice@example.org", NOW)
    assert other.glance(accounts.get, alice.id).enabled
    with file.write() as tx:
        accounts.set_enabled(tx, alice.id, False)

    assert not other.glance(accounts.get, alice.id).enabled
    other.close()
