"""What somebody may do under a configuration, and what a changed one would give or take.

An effect is everything together: rules, what the directory says of the person, and the options that
hold where no rule says anything.  Comparing effects, not rules, shows what a change really does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, collapse_addresses
from typing import Literal

from mailhub.auth.rules import Rules
from mailhub.config.options import Config
from mailhub.model.policy import Network, Subject

PROTOCOLS = frozenset({"imap", "pop3"})
EVERYWHERE: tuple[Network, ...] = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))

Direction = Literal["gains", "loses", "gains and loses"]


@dataclass(frozen=True, slots=True)
class Effect:
    """``decided_by``: for each setting the rule, or whatever else says so."""

    protocols: frozenset[str]
    networks: tuple[Network, ...]
    max_connections: int
    """0: no limit."""
    delivery: bool
    decided_by: dict[str, str]

    @property
    def may_log_in(self) -> bool:
        return bool(self.protocols and self.networks)

    def told(self) -> dict[str, str]:
        """Each setting for people."""
        everywhere = self.networks == EVERYWHERE
        networks = "everywhere" if everywhere else ", ".join(map(str, self.networks))
        return {
            "protocols": ", ".join(sorted(self.protocols)) or "none",
            "networks": networks or "nowhere",
            "max_connections": str(self.max_connections or "no limit"),
            "delivery": "accept" if self.delivery else "refuse",
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
        allowed = PROTOCOLS if decision.protocols is None else decision.protocols
        if subject.protocols is not None and not allowed <= subject.protocols:
            by["protocols"] = " and ".join(
                filter(None, (by.get("protocols"), f"directory {subject.directory}"))
            )
            allowed &= subject.protocols
        return Effect(
            protocols=allowed,
            networks=EVERYWHERE if decision.networks is None else _collapsed(decision.networks),
            max_connections=self._connections if most is None else most,
            delivery=decision.delivery,
            decided_by={"max_connections": "limits.max_connections_per_account"} | by,
        )


def changes(before: Effect, after: Effect) -> Iterator[Change]:
    """What the change gives or takes; nothing about details of a log-in that is forbidden."""
    yield from _change("protocols", before, after, _of_sets(before.protocols, after.protocols))
    yield from _change("delivery", before, after, _of_numbers(before.delivery, after.delivery))
    if not (before.may_log_in or after.may_log_in):
        return
    yield from _change("networks", before, after, _of_networks(before.networks, after.networks))
    numbers = (effect.max_connections or 10**9 for effect in (before, after))
    yield from _change("max_connections", before, after, _of_numbers(*numbers))


def _change(
    setting: str, before: Effect, after: Effect, direction: Direction | None
) -> Iterator[Change]:
    if direction is not None:
        by = after.decided_by.get(setting, "no rule")
        yield Change(setting, before.told()[setting], after.told()[setting], direction, by)


def _of_sets(before: frozenset[str], after: frozenset[str]) -> Direction | None:
    return _direction(gains=bool(after - before), loses=bool(before - after))


def _of_numbers(before: int, after: int) -> Direction | None:
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
