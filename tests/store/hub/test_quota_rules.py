"""Limits that ``[[policy]]`` rules set: between what is kept about the account and the domain's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailhub.config.options import PolicyRule, QuotaConfig
from mailhub.model.directory import Group, Person, PersonId
from mailhub.model.mail import AccountId
from mailhub.model.policy import Decision
from mailhub.model.quota import Limits
from mailhub.rules import Rules
from mailhub.store.hub import accounts, adoption, identities, quota
from mailhub.store.hub.database import HubFile
from tests.store.hub.conftest import NOW

CONFIG = QuotaConfig(octets=5, messages=5)
RULES = Rules(
    [
        PolicyRule("staff", groups=("staff",), quota_octets=100),
        PolicyRule("all", quota_octets=50, quota_messages=0),
    ]
)
STAFF = frozenset({Group("cn=staff,dc=example,dc=org", "staff")})
ALICE = Person("corp", PersonId("1"), "uid=alice", ("alice@example.org",), groups=STAFF)


@pytest.fixture
def alice(file: HubFile) -> AccountId:
    with file.write() as tx:
        return adoption.adopt(tx, ALICE, (), NOW).identity.account


def limits(file: HubFile, account: AccountId) -> list[tuple[int, str]]:
    with file.read() as tx:
        found = quota.sources(tx, account, CONFIG, RULES)
    return [found.limit("octets"), found.limit("messages"), found.limit("mailboxes")]


def test_each_limit_is_the_first_rule_s_that_says_it(file: HubFile, alice: AccountId) -> None:
    assert limits(file, alice) == [(100, "policy staff"), (0, "policy all"), (0, "configuration")]


def test_what_is_kept_about_the_account_is_stronger_and_the_domain_weaker(
    file: HubFile, alice: AccountId
) -> None:
    with file.write() as tx:
        quota.set_domain_limits(
            tx, "example.org", quota.ACCOUNT, Limits(octets=7, mailboxes=7), NOW
        )
        quota.set_limits(tx, alice, quota.DIRECTORY, Limits(messages=9), NOW, "corp")
    assert limits(file, alice) == [
        (100, "policy staff"),
        (9, "directory (corp)"),
        (7, "domain (administrator)"),
    ]


def test_a_local_account_is_in_no_group(file: HubFile) -> None:
    with file.write() as tx:
        bob = accounts.add(tx, "bob@example.org", NOW).id
    assert limits(file, bob)[0] == (50, "policy all")


def test_another_group_makes_what_was_remembered_old(file: HubFile, alice: AccountId) -> None:
    with file.read() as tx:
        before = quota.version(tx)
    with file.write() as tx:
        adoption.adopt(tx, replace(ALICE, groups=frozenset()), (), NOW)
        assert quota.version(tx) > before
        identity = identities.of_id(tx, alice)
        assert identity is not None
        before = quota.version(tx)
        identities.confirmed(tx, identity.number, NOW + 1)
        assert quota.version(tx) == before
    assert limits(file, alice)[0] == (50, "policy all")


def test_what_would_hold_can_be_asked_for_somebody_without_an_account(
    file: HubFile, alice: AccountId
) -> None:
    decision = Decision(quota_octets=3, rules={"quota_octets": "new"})
    said = Limits(messages=4)
    with file.read() as tx:
        nobody = quota.sources_if(tx, "x@elsewhere.example", CONFIG, decision, said)
        known = quota.sources_if(tx, "alice@example.org", CONFIG, decision, said)
    assert (nobody.limit("octets"), nobody.limit("messages")) == (
        (3, "policy new"),
        (4, "directory"),
    )
    assert known.limit("messages") == (5, "configuration")
