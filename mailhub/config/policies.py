"""What the ``[[policy]]`` rules of a configuration must keep, and what is odd about them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator

from mailhub.config.convert import Report
from mailhub.config.options import Config, PolicyRule
from mailhub.config.presets import in_full
from mailhub.config.problems import did_you_mean, shown
from mailhub.config.templates import BadTemplate, check_dn

SETTINGS = (
    *("protocols", "networks", "max_connections", "delivery"),
    *("quota_octets", "quota_messages"),
)
_CONDITIONS = ("groups", "directories", "domains", "accounts")
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
_DOMAIN = re.compile(r"[\w-]+(\.[\w-]+)*")

Tell = Callable[[str, str, str], None]
"""Called with an option of the rule, what is wrong, hint."""


def check_policies(config: Config, report: Report) -> None:
    """Report everything about the rules of *config* that cannot be meant."""
    names: dict[str, int] = {}
    for number, rule in enumerate(config.policies, 1):

        def tell(key: str, text: str, hint: str = "", number: int = number) -> None:
            report(f"policy[{number}].{key}", text, hint)

        if not rule.name.strip() or not rule.name.isprintable():
            tell("name", "is empty", "a name that explanations and the log will use")
        elif names.setdefault(rule.name, number) != number:
            tell("name", f"{shown(rule.name)} is policy[{names[rule.name]}] already")
        if all(getattr(rule, setting) is None for setting in SETTINGS):
            tell("name", "says nothing about anything", f"set one of {', '.join(SETTINGS)}")
        if rule.over and rule.networks is None:
            tell("over", "says for which protocols networks holds, and there is no networks")
        _check_conditions(rule, config, tell)
        _check_networks(rule, tell)


def _check_conditions(rule: PolicyRule, config: Config, tell: Tell) -> None:
    for group in rule.groups:
        if "=" in group:
            _check_group_dn(group, tell)
        elif not group.strip():
            tell("groups", "has an empty name", "")
    known = [directory.name for directory in config.directories]
    for name in rule.directories:
        if name not in known:
            hint = did_you_mean(name, known) or "there is no [[directory]] of that name"
            tell("directories", f"{shown(name)} is no directory", hint)
    for domain in rule.domains:
        if not _DOMAIN.fullmatch(domain):
            tell("domains", f"{shown(domain)} is not a domain", "without an @: example.org")
    for account in rule.accounts:
        if not _ADDRESS.fullmatch(account):
            tell("accounts", f"{shown(account)} is not an address", "alice@example.org, say")


def _check_group_dn(group: str, tell: Tell) -> None:
    try:
        check_dn(group)
    except BadTemplate as bad:
        tell("groups", str(bad), bad.hint)


def _check_networks(rule: PolicyRule, tell: Tell) -> None:
    for network in rule.networks or ():
        try:
            ipaddress.ip_network(network)
        except ValueError as bad:
            tell("networks", f"{shown(network)}: {bad}", _network_hint(network))


def _network_hint(network: str) -> str:
    try:
        return f'write "{ipaddress.ip_network(network, strict=False)}"'
    except ValueError:
        return "10.0.0.0/8, say"


# --- advice -------------------------------------------------------------------------------


def policy_warnings(config: Config) -> Iterator[str]:
    """What works, but is probably not meant."""
    for number, rule in enumerate(config.policies):
        where = f"policy {rule.name}"
        settled = _settled_before(rule, config.policies[:number])
        if settled:
            yield f"{where}: a rule for everybody above it has decided {' and '.join(settled)}"
        if rule.groups and not any(
            in_full(directory).groups.mode != "none" for directory in config.directories
        ):
            yield f"{where}: nobody is in a group, no [[directory]] looks for them"
        if rule.networks == ():
            yield f"{where}: networks is empty, so nobody it matches can log in that way"
        if rule.protocols == ():
            yield f"{where}: protocols is empty, so nobody it matches can log in"


def _settled_before(rule: PolicyRule, earlier: tuple[PolicyRule, ...]) -> list[str]:
    """What *rule* says in vain."""
    for_all = [one for one in earlier if not any(getattr(one, key) for key in _CONDITIONS)]
    return [
        setting
        for setting in SETTINGS
        if getattr(rule, setting) is not None
        and any(_has_said(one, rule, setting) for one in for_all)
    ]


def _has_said(one: PolicyRule, rule: PolicyRule, setting: str) -> bool:
    """Whether *one* says all that *rule* says about the setting."""
    if getattr(one, setting) is None:
        return False
    if setting != "networks" or not one.over:
        return True
    return bool(rule.over) and set(rule.over) <= set(one.over)


def describe_policy(rule: PolicyRule) -> str:
    """A sentence for ``mailhub check``."""
    whom = "; ".join(
        f"{key}: {', '.join(getattr(rule, key))}" for key in _CONDITIONS if getattr(rule, key)
    )
    return f"policy {rule.name} ({whom or 'everybody'}): {', '.join(_said(rule))}"


def _said(rule: PolicyRule) -> Iterator[str]:
    if rule.protocols is not None:
        yield f"log-in over {' and '.join(rule.protocols) or 'nothing'}"
    if rule.networks is not None:
        only = f" over {' and '.join(rule.over)}" if rule.over else ""
        yield f"log-in{only} from {', '.join(rule.networks) or 'nowhere'}"
    if rule.max_connections is not None:
        yield f"{rule.max_connections or 'any number of'} connections"
    if rule.delivery is not None:
        yield "mail is taken" if rule.delivery == "accept" else "mail is refused"
    for setting, unit in (("quota_octets", "octets"), ("quota_messages", "messages")):
        most: int | None = getattr(rule, setting)
        if most is not None:
            yield f"at most {most:,} {unit}" if most else f"any number of {unit}"
