"""What ``[[policy]]`` rules come to: whom they match, and which of them decides."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import Any

import pytest

from mailhub.config.options import PolicyRule
from mailhub.model.directory import Group, canonical_dn
from mailhub.model.policy import PROTOCOLS, Decision, Subject
from mailhub.rules import Rules

STAFF = Group("cn=Staff,ou=Groups,dc=example,dc=org", "Staff")
ALICE = Subject("alice@example.org", "corp", frozenset({STAFF}))
BOB = Subject("bob@example.com")


@pytest.mark.parametrize(
    ("conditions", "alice", "bob"),
    [
        pytest.param({}, True, True, id="none is everybody"),
        pytest.param({"accounts": ("Alice@Example.ORG",)}, True, False, id="account"),
        pytest.param({"domains": ("EXAMPLE.org",)}, True, False, id="domain"),
        pytest.param({"directories": ("corp",)}, True, False, id="directory"),
        pytest.param({"groups": ("staff",)}, True, False, id="group by name"),
        pytest.param(
            {"groups": ("CN=staff, OU=groups, DC=example, DC=org",)}, True, False, id="group by DN"
        ),
        pytest.param(
            {"groups": ("cn=staff,ou=others,dc=example,dc=org",)}, False, False, id="another DN"
        ),
        pytest.param({"groups": ("other", "STAFF")}, True, False, id="one of the groups"),
        pytest.param(
            {"groups": ("staff",), "domains": ("example.com",)}, False, False, id="both kinds"
        ),
        pytest.param(
            {"domains": ("example.com", "example.org")}, True, True, id="one of the domains"
        ),
    ],
)
def test_a_rule_is_for_whoever_meets_every_kind_of_condition(
    conditions: dict[str, Any], alice: bool, bob: bool
) -> None:
    rules = Rules([replace(PolicyRule("r", protocols=()), **conditions)])
    assert [rules.decide(who).protocols == frozenset() for who in (ALICE, BOB)] == [alice, bob]


@pytest.mark.parametrize(
    "conditions",
    [
        {"domains": ("BÜCHER.example",)},
        {"accounts": ("jose\u0301@bücher.example",)},
        {"accounts": ("JOSÉ@xn--bcher-kva.example",)},
    ],
)
def test_names_may_be_written_as_people_do(conditions: dict[str, Any]) -> None:
    rules = Rules([replace(PolicyRule("r", protocols=()), **conditions)])
    assert rules.decide(Subject("josé@xn--bcher-kva.example")).protocols == frozenset()


def test_a_domain_that_idna_does_not_know_is_its_own_spelling() -> None:
    rules = Rules([PolicyRule("r", domains=("under_score.example",), protocols=())])
    assert rules.decide(Subject("a@under_score.example")).protocols == frozenset()


def test_of_the_rules_that_match_the_first_that_says_something_decides_each_setting() -> None:
    rules = Rules(
        [
            PolicyRule("not alice", accounts=("bob@example.com",), max_connections=1),
            PolicyRule("staff", groups=("staff",), networks=("10.0.0.0/8",)),
            PolicyRule("corp", directories=("corp",), networks=(), protocols=("imap",)),
            PolicyRule("all", max_connections=0, protocols=("pop3",), delivery="refuse"),
        ]
    )
    assert rules.decide(ALICE) == Decision(
        protocols=frozenset({"imap"}),
        networks=dict.fromkeys(PROTOCOLS, (ipaddress.ip_network("10.0.0.0/8"),)),
        max_connections=0,
        delivery=False,
        rules={
            "protocols": "corp",
            "networks over imap": "staff",
            "networks over pop3": "staff",
            "max_connections": "all",
            "delivery": "all",
        },
    )
    assert rules.decide(BOB).rules["max_connections"] == "not alice"


def test_without_rules_nothing_is_restricted() -> None:
    decision = Rules().decide(ALICE)
    assert decision == Decision()
    assert decision.allows_network("imap", "192.0.2.1")
    assert decision.delivery


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("2001:db8::1", True),
        ("192.0.2.1", False),
        ("2001:db9::1", False),
        ("", True),  # a Unix socket is this machine
        ("fe80::1%eth0", False),
        ("nonsense", False),
    ],
)
def test_networks_are_those_of_the_client(address: str, allowed: bool) -> None:
    networks = ("10.0.0.0/8", "2001:db8::/32", "127.0.0.0/8")
    decision = Rules([PolicyRule("n", networks=networks)]).decide(ALICE)
    assert decision.allows_network("imap", address) is allowed


def test_networks_may_be_about_some_protocols_only() -> None:
    rules = Rules(
        [
            PolicyRule("pop3 here", networks=("10.0.0.0/8",), over=("pop3",)),
            PolicyRule("all", networks=("10.0.0.0/8", "192.0.2.0/24")),
        ]
    )
    decision = rules.decide(ALICE)
    assert decision.rules == {"networks over pop3": "pop3 here", "networks over imap": "all"}
    assert decision.allows_network("imap", "192.0.2.1")
    assert not decision.allows_network("pop3", "192.0.2.1")
    assert decision.allows_network("pop3", "10.1.1.1")


def test_rules_about_mail_are_known_without_anybody() -> None:
    assert not Rules([PolicyRule("a", protocols=())]).about_delivery
    assert Rules([PolicyRule("a", delivery="accept")]).about_delivery


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cn=Staff,dc=x", "CN=staff , DC=X"),
        (r"cn=a\,b,dc=x", r"cn=a\2cb,dc=x"),
        (r"cn=\C3\A9t\C3\A9,dc=x", "cn=été,dc=x"),
        (r"cn=a\ b,dc=x", "cn=a b,dc=x"),
        (r"cn=\23a,dc=x", r"cn=\#a,dc=x"),
        ("  cn=a+sn=b,dc=x ", "cn=a + sn=b,dc=x"),
    ],
)
def test_spellings_of_a_dn_are_one(one: str, other: str) -> None:
    assert canonical_dn(one) == canonical_dn(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (r"cn=a\,dc=x,dc=x", "cn=a,dc=x,dc=x"),
        (r"cn=a\ ,dc=x", "cn=a,dc=x"),
        ("cn=a,dc=x", "cn=a,dc=y"),
    ],
)
def test_different_dns_stay_different(one: str, other: str) -> None:
    assert canonical_dn(one) != canonical_dn(other)
