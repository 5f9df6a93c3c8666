"""Which parts of a changed configuration a running server can take over.

What the store and the sockets stand on needs a restart, and saying so is better than doing half
of it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mailhub.config.options import Config

RELOADED = ("tls", "imap", "pop3", "lmtp", "limits", "auth", "oauth", "gssapi", "policies", "quota")
NEEDS_RESTART = (
    "data_dir",
    "workers",
    "hostname",
    "listeners",
    "store",
    "delivery",
    "log",
    "directories",
    "pop3.uidl_format",
    "auth.default_domain",
    "lmtp.default_domain",
)


def waiting(old: Config, new: Config) -> list[str]:
    """The names of options that differ and need a restart."""
    return [name for name in NEEDS_RESTART if _value(old, name) != _value(new, name)]


def changed(old: Config, new: Config) -> list[str]:
    """The names of sections that differ and do not."""
    return [name for name in RELOADED if getattr(old, name) != getattr(new, name)]


def kept(old: Config, new: Config) -> Config:
    """*new*, but with the old values of what needs a restart."""
    for name in NEEDS_RESTART:
        new = _with(new, name.split("."), _value(old, name))
    return new


def _value(config: Config, name: str) -> object:
    value: object = config
    for part in name.split("."):
        value = getattr(value, part)
    return value


def _with(section: Any, path: list[str], value: object) -> Any:
    if len(path) > 1:
        value = _with(getattr(section, path[0]), path[1:], value)
    return replace(section, **{path[0]: value})
