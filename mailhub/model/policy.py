"""Who may do what: the person a rule is about, and what the rules come to.

Each setting stands for itself: of the rules that match a person, the first that says something
about a setting decides it (:mod:`mailhub.rules`), and its name is kept beside the value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from mailhub.model.directory import Group
from mailhub.model.mail import AccountId

PROTOCOLS = ("imap", "pop3")
"""That are logged in to."""
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Subject:
    """An account as rules see it; ``directory`` empty: a local account."""

    address: str
    directory: str = ""
    groups: frozenset[Group] = frozenset()
    protocols: frozenset[str] | None = None
    """What the directory itself says of the person; None: nothing."""

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Decision:
    """What no rule says anything about is None or not there, and decided by the other options."""

    protocols: frozenset[str] | None = None
    networks: Mapping[str, tuple[Network, ...]] = field(default_factory=dict)
    """By protocol."""
    max_connections: int | None = None
    """0: no limit."""
    delivery: bool = True
    quota_octets: int | None = None
    """0: no limit."""
    quota_messages: int | None = None
    rules: Mapping[str, str] = field(default_factory=dict)
    """From the name of a setting to that of the rule that decided it: see :func:`over`."""

    def allows_network(self, protocol: str, address: str) -> bool:
        """*address* empty: a Unix socket, which is this machine."""
        networks = self.networks.get(protocol)
        return networks is None or is_within(address, networks)


def is_within(address: str, networks: Iterable[Network]) -> bool:
    """*address* empty: a Unix socket, which is this machine."""
    ip = _ip(address or "127.0.0.1")
    return ip is not None and any(ip in network for network in networks)


def over(protocol: str) -> str:
    """What the setting is called that says from where *protocol* may be used."""
    return f"networks over {protocol}"


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which conditions a client was let in; None: what the server's options say."""

    max_connections: int | None = None
    means: str = "password"
    """By what it was proved who the client is, for the log."""
    account: AccountId | None = None
    """Whose mail it is, if not the client's own."""
    master: str = ""
    """The address of the client, then."""


def _ip(text: str) -> IPv4Address | IPv6Address | None:
    """An IPv4 address in IPv6's clothes is what it was."""
    try:
        ip = ip_address(text)
    except ValueError:
        return None
    return getattr(ip, "ipv4_mapped", None) or ip
