"""What the quotas of a configuration must keep, and what is odd about them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailhub.config.convert import Report
from mailhub.config.options import Config
from mailhub.config.problems import did_you_mean, shown

_DOMAIN = re.compile(r"[\w-]+(\.[\w-]+)*")
_USES = ("\\All", "\\Archive", "\\Drafts", "\\Flagged", "\\Junk", "\\Sent", "\\Trash")  # RFC 6154 2


def check_quotas(config: Config, report: Report) -> None:
    """Report everything about the quotas of *config* that cannot be meant."""
    for number, folder in enumerate(config.quota.folders, 1):
        where = f"quota.folder[{number}]"
        if not folder.name:
            report(f"{where}.name", "is empty", 'a mailbox, or "\\\\Trash"')
        elif folder.name.startswith("\\"):
            if folder.name.casefold() not in (use.casefold() for use in _USES):
                hint = did_you_mean(folder.name, _USES)
                report(f"{where}.name", f"{shown(folder.name)} is no special use", hint)
        elif folder.name.startswith("/") or folder.name.endswith("/") or "//" in folder.name:
            report(f"{where}.name", f"{shown(folder.name)} is no mailbox", "")
        if folder.ignore and folder.extra_percent:
            report(f"{where}.extra_percent", "says nothing about a folder that does not count", "")
    names: dict[str, int] = {}
    for number, domain in enumerate(config.quota.domains, 1):
        name = domain.name
        if not _DOMAIN.fullmatch(name) or name != name.lower():
            hint = "in lower case, without @; international ones as xn--"
            report(f"quota.domain[{number}].name", f"{shown(name)} is no domain", hint)
        if names.setdefault(name, number) != number:
            text = f"{shown(name)} is quota.domain[{names[name]}] already"
            report(f"quota.domain[{number}].name", text, "")
    for address in config.auth.administrators:
        if "@" not in address:
            report("auth.administrators", f"{shown(address)} is no address", "name@domain")


def quota_warnings(config: Config) -> Iterator[str]:
    """What works, but is probably not meant."""
    most = config.limits.max_message
    for where, octets in (
        ("quota.octets", config.quota.octets),
        *((f"quota.domain {d.name}: octets", d.octets or 0) for d in config.quota.domains),
    ):
        if 0 < octets < most:
            yield f"{where} is less than one message may have (limits.max_message, {most})"
    for domain in config.quota.domains:
        total, one = domain.total_octets or 0, domain.octets or config.quota.octets
        if 0 < total < one:
            yield f"quota.domain {domain.name}: one account may keep more than all together"
