"""What somebody may do under a configuration, and what a changed one would give or take.

An effect is everything together: rules, what the directory says of the person, and the options that
hold where no rule says anything.  Comparing effects, not rules, shows what a change really does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, collapse_addresses
from typing import Literal

from mailhub.config.options import Config
from mailhub.model.policy import PROTOCOLS, Network, Subject, over
from mailhub.rules import Rules

EVERYWHERE: tuple[Network, ...] = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))

Direction = Literal["gains", "loses", "gains and loses"]


@dataclass(frozen=True, slots=True)
class Effect:
    """``decided_by``: for each setting the rule, or whatever else says so."""

    protocols: frozenset[str]
    networks: Mapping[str, tuple[Network, ...]]
    """For every protocol."""
    max_connections: int
    """0: no limit."""
    delivery: bool
    decided_by: Mapping[str, str]
    quota_octets: int = 0
    """Filled in by whoever knows all sources of limits; 0: no limit.  So is quota_messages."""
    quota_messages: int = 0

    @property
    def may_log_in(self) -> bool:
        return any(self.networks[protocol] for protocol in self.protocols)

    def by(self, setting: str) -> str:
        return self.decided_by.get(setting, "no rule")

    def told(self) -> dict[str, str]:
        """Each setting for people, in their order."""
        return {
            "protocols": ", ".join(sorted(self.protocols)) or "none",
            **{over(protocol): _places(self.networks[protocol]) for protocol in PROTOCOLS},
            "max_connections": str(self.max_connections or "no limit"),
            "delivery": "accept" if self.delivery else "refuse",
            "quota_octets": str(self.quota_octets or "no limit"),
            "quota_messages": str(self.quota_messages or "no limit"),
        }


@dataclass(frozen=True, slots=True)
class Change:
    setting: str
    before: str
    after: str
    direction: Direction
    decided_by: str
    """Afterwards."""


class Effects:
    """Of one configuration."""

    def __init__(self, config: Config) -> None:
        self._rules = Rules(config.policies)
        self._connections = config.limits.max_connections_per_account

    def of(self, subject: Subject) -> Effect:
        decision = self._rules.decide(subject)
        by = {setting: f"policy {rule}" for setting, rule in decision.rules.items()}
        most = decision.max_connections
        allowed = frozenset(PROTOCOLS) if decision.protocols is None else decision.protocols
        if subject.protocols is not None and not allowed <= subject.protocols:
            by["protocols"] = " and ".join(
                filter(None, (by.get("protocols"), f"directory {subject.directory}"))
            )
            allowed &= subject.protocols
        return Effect(
            protocols=allowed,
            networks={p: _collapsed(decision.networks.get(p, EVERYWHERE)) for p in PROTOCOLS},
            max_connections=self._connections if most is None else most,
            delivery=decision.delivery,
            decided_by={"max_connections": "limits.max_connections_per_account"} | by,
        )


def changes(before: Effect, after: Effect) -> Iterator[Change]:
    """What the change gives or takes; nothing about details of a log-in that is forbidden."""
    yield from _change("protocols", before, after, _of_sets(before.protocols, after.protocols))
    yield from _change("delivery", before, after, _of_numbers(before.delivery, after.delivery))
    for protocol in sorted(before.protocols | after.protocols):
        places = (effect.networks[protocol] for effect in (before, after))
        yield from _change(over(protocol), before, after, _of_networks(*places))
    yield from _change_of_limit("quota_octets", before, after)
    yield from _change_of_limit("quota_messages", before, after)
    if before.may_log_in or after.may_log_in:
        yield from _change_of_limit("max_connections", before, after)


def _change_of_limit(setting: str, before: Effect, after: Effect) -> Iterator[Change]:
    numbers = (getattr(effect, setting) or float("inf") for effect in (before, after))
    yield from _change(setting, before, after, _of_numbers(*numbers))


def _change(
    setting: str, before: Effect, after: Effect, direction: Direction | None
) -> Iterator[Change]:
    if direction is not None:
        by = after.by(setting)
        yield Change(setting, before.told()[setting], after.told()[setting], direction, by)


def _places(networks: Sequence[Network]) -> str:
    if networks == EVERYWHERE:
        return "everywhere"
    return ", ".join(map(str, networks)) or "nowhere"


def _of_sets(before: frozenset[str], after: frozenset[str]) -> Direction | None:
    return _direction(gains=bool(after - before), loses=bool(before - after))


def _of_numbers(before: float, after: float) -> Direction | None:
    return _direction(gains=after > before, loses=after < before)


def _of_networks(before: Sequence[Network], after: Sequence[Network]) -> Direction | None:
    return _direction(gains=not _within(after, before), loses=not _within(before, after))


def _within(inner: Sequence[Network], outer: Sequence[Network]) -> bool:
    """Both collapsed, so each network of *inner* is inside a single one or not at all inside."""
    return all(any(_is_inside(one, other) for other in outer) for one in inner)


def _is_inside(one: Network, other: Network) -> bool:
    if isinstance(one, IPv4Network):
        return isinstance(other, IPv4Network) and one.subnet_of(other)
    return isinstance(other, IPv6Network) and one.subnet_of(other)


def _direction(*, gains: bool, loses: bool) -> Direction | None:
    if gains and loses:
        return "gains and loses"
    return "gains" if gains else "loses" if loses else None


def _collapsed(networks: Sequence[Network]) -> tuple[Network, ...]:
    four = [network for network in networks if isinstance(network, IPv4Network)]
    six = [network for network in networks if isinstance(network, IPv6Network)]
    return (*collapse_addresses(four), *collapse_addresses(six))
