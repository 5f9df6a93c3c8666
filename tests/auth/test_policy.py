"""What a client must fulfil beside the right secret, and what it is told to whoever asks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailhub.auth.policy import Policy
from mailhub.auth.recipients import RuledAddressBook
from mailhub.config.options import PolicyRule
from mailhub.interfaces import LogInForbidden
from mailhub.model.errors import NotPermitted
from mailhub.model.mail import AccountId, Client
from mailhub.model.policy import Terms
from mailhub.model.steps import Steps
from mailhub.rules import Rules
from tests.address_book import MemoryAddressBook
from tests.auth.accounts import Accounts
from tests.harness import run

CLIENT = Client("c1", "imap", "192.0.2.1", 4711, tls=True)


def decide(
    *rules: PolicyRule, client: Client | None = CLIENT, **stored: object
) -> tuple[Terms, Steps]:
    accounts, steps = Accounts(), Steps()
    alice = replace(accounts.add("alice@example.org", verifiers=()), **stored)  # type: ignore[arg-type]
    terms = run(Policy(accounts, Rules(rules)).authorise(alice, client, "", steps))
    return terms, steps


def test_without_rules_there_is_nothing_to_tell() -> None:
    terms, steps = decide()
    assert terms == Terms()
    assert steps.taken == []


def test_a_rule_that_allows_it_is_told_too() -> None:
    rule = PolicyRule("staff", protocols=("imap",), networks=("192.0.2.0/24",), max_connections=3)
    terms, steps = decide(rule)
    assert terms == Terms(max_connections=3)
    assert [step.facts["decided_by"] for step in steps.taken] == ["policy staff"] * 3
    assert [step.facts.get("outcome") for step in steps.taken] == ["allowed", "allowed", None]


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (PolicyRule("p", protocols=("pop3",)), "policy p allows pop3, not imap"),
        (PolicyRule("p", protocols=()), "policy p allows nothing, not imap"),
        (PolicyRule("n", networks=("10.0.0.0/8",)), "policy n allows 10.0.0.0/8, not 192.0.2.1"),
        (PolicyRule("n", networks=(), over=("imap",)), "policy n allows nowhere, not 192.0.2.1"),
    ],
)
def test_a_refusal_names_the_rule(rule: PolicyRule, told: str) -> None:
    with pytest.raises(LogInForbidden) as refused:
        decide(rule)
    assert refused.value.detail == told


def test_a_rule_over_another_protocol_does_not_matter() -> None:
    assert decide(PolicyRule("n", networks=(), over=("pop3",)))[1].taken == []


def test_what_the_directory_says_of_protocols_no_rule_can_widen() -> None:
    with pytest.raises(LogInForbidden, match="directory corp allows pop3, not imap"):
        decide(
            PolicyRule("all", protocols=("imap",)),
            directory="corp",
            protocols=frozenset({"pop3"}),
        )
    decide(directory="corp", protocols=frozenset({"imap", "pop3"}))


def test_who_comes_from_nowhere_meets_no_restriction() -> None:
    """Twisted's own credentials know neither protocol nor address."""
    decide(client=None)
    for rule in (PolicyRule("p", protocols=("imap",)), PolicyRule("n", networks=("0.0.0.0/0",))):
        with pytest.raises(LogInForbidden, match="unknown"):
            decide(rule, client=None)


# --- mail ---


def book(*rules: PolicyRule) -> RuledAddressBook:
    accounts, addresses = Accounts(), MemoryAddressBook()
    alice = accounts.add("alice@example.org", verifiers=())
    addresses.accounts = {"alice@example.org": alice.account, "old@example.org": AccountId("gone")}
    addresses.aliases = {"sales@example.org": "alice@example.org"}
    return RuledAddressBook(addresses, accounts, Rules(rules))


REFUSE = PolicyRule("leavers", accounts=("alice@example.org",), delivery="refuse")


@pytest.mark.parametrize(
    "address", ["alice@example.org", "sales@example.org", "alice+x@example.org"]
)
def test_mail_for_an_account_is_refused_under_all_its_addresses(address: str) -> None:
    steps = Steps()
    with pytest.raises(NotPermitted) as refused:
        run(book(REFUSE).recipient(address, steps))
    assert refused.value.detail == "policy leavers refuses mail for alice@example.org"
    assert "leavers" not in str(refused.value)
    assert steps.taken[-1].facts["delivery"] == "refused"


def test_mail_for_others_passes() -> None:
    assert run(book(REFUSE).recipient("old@example.org")) is not None
    assert run(book(REFUSE).recipient("nobody@example.org")) is None


def test_an_exception_above_lets_mail_in() -> None:
    accept = replace(REFUSE, name="but", delivery="accept")
    assert run(book(accept, REFUSE).recipient("alice@example.org")) is not None
