"""The ``[[policy]]`` rules of a configuration, and what they come to for one account.

A rule matches when every kind of condition that it names is met by one of its values; a rule
without conditions matches everybody.  Of the matching rules the first in the file that says
something about a setting decides that setting, so exceptions stand above what is usual.  The rules
know nothing of log-ins and deliveries: they say what is allowed, others hold people to it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_network

import idna

from mailhub.config.options import PolicyRule
from mailhub.config.policies import SETTINGS
from mailhub.model.directory import Group, canonical_dn
from mailhub.model.mail import StoredCredentials
from mailhub.model.policy import PROTOCOLS, Decision, Network, Subject, over


@dataclass(frozen=True, slots=True)
class _Rule:
    """Conditions in the form in which they are compared; None: no such condition."""

    rule: PolicyRule
    groups: frozenset[str] | None
    directories: frozenset[str] | None
    domains: frozenset[str] | None
    accounts: frozenset[str] | None
    networks: tuple[Network, ...]
    settings: tuple[str, ...]
    """What it says something about; networks apart for each protocol."""

    def matches(self, subject: Subject, groups: frozenset[str]) -> bool:
        return (
            (self.accounts is None or subject.address.casefold() in self.accounts)
            and (self.domains is None or subject.domain.casefold() in self.domains)
            and (self.directories is None or subject.directory in self.directories)
            and (self.groups is None or not self.groups.isdisjoint(groups))
        )


class Rules:
    """*rules* have been checked (:mod:`mailhub.config.policies`)."""

    def __init__(self, rules: Sequence[PolicyRule] = ()) -> None:
        self._rules = tuple(map(_compiled, rules))
        self.about_delivery = any(rule.delivery is not None for rule in rules)
        self.about_quota = any(
            rule.quota_octets is not None or rule.quota_messages is not None for rule in rules
        )

    def decide(self, subject: Subject) -> Decision:
        groups = frozenset(name for group in subject.groups for name in _names(group))
        matching = [rule for rule in self._rules if rule.matches(subject, groups)]
        said: dict[str, _Rule] = {}
        for rule in matching:
            for setting in rule.settings:
                said.setdefault(setting, rule)
        return _decision(said) if said else _NOTHING_SAID


class Members:
    """Whoever has one of the addresses, or is in one of the groups, compared as rules do."""

    def __init__(self, accounts: Sequence[str], groups: Sequence[str]) -> None:
        rules = [
            PolicyRule("", accounts=tuple(accounts)),
            PolicyRule("", groups=tuple(groups)),
        ]
        self._rules = [_compiled(rule) for rule in rules if rule.accounts or rule.groups]

    def __bool__(self) -> bool:
        return bool(self._rules)

    def __contains__(self, subject: Subject) -> bool:
        groups = frozenset(name for group in subject.groups for name in _names(group))
        return any(rule.matches(subject, groups) for rule in self._rules)


def subject_of(stored: StoredCredentials) -> Subject:
    return Subject(stored.address, stored.directory, stored.groups, stored.protocols)


def _decision(said: dict[str, _Rule]) -> Decision:
    rules = {setting: deciding.rule for setting, deciding in said.items()}
    protocols = rules["protocols"].protocols if "protocols" in rules else None

    def number(setting: str) -> int | None:
        value: int | None = getattr(rules[setting], setting) if setting in rules else None
        return value

    return Decision(
        protocols=None if protocols is None else frozenset(protocols),
        networks={p: said[over(p)].networks for p in PROTOCOLS if over(p) in said},
        max_connections=number("max_connections"),
        delivery="delivery" not in rules or rules["delivery"].delivery == "accept",
        quota_octets=number("quota_octets"),
        quota_messages=number("quota_messages"),
        rules={setting: rule.name for setting, rule in rules.items()},
    )


_NOTHING_SAID = _decision({})


def _compiled(rule: PolicyRule) -> _Rule:
    return _Rule(
        rule,
        groups=_folded([_wanted(group) for group in rule.groups]),
        directories=frozenset(rule.directories) or None,
        domains=_folded([_ascii_domain(domain) for domain in rule.domains]),
        accounts=_folded([_stored_address(account) for account in rule.accounts]),
        networks=tuple(ip_network(network) for network in rule.networks or ()),
        settings=tuple(_settings(rule)),
    )


def _settings(rule: PolicyRule) -> Iterator[str]:
    for setting in SETTINGS:
        if getattr(rule, setting) is None:
            continue
        if setting == "networks":
            yield from map(over, rule.over or PROTOCOLS)
        else:
            yield setting


def _folded(values: Sequence[str]) -> frozenset[str] | None:
    return frozenset(value.casefold() for value in values) or None


def _stored_address(account: str) -> str:
    """In the spelling of stored addresses: Unicode composed, the domain in A-labels."""
    local, _, domain = unicodedata.normalize("NFC", account).rpartition("@")
    return f"{local}@{_ascii_domain(domain)}"


def _ascii_domain(domain: str) -> str:
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:  # one with an underscore, say: nobody's but its own spelling
        return domain


def _wanted(group: str) -> str:
    return canonical_dn(group) if "=" in group else group


def _names(group: Group) -> tuple[str, str]:
    """What a group may be called in a rule."""
    return group.name.casefold(), canonical_dn(group.dn).casefold()


NO_RULES = Rules()
