"""What the quotas of a configuration must keep, and what is odd about them."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from mailhub.config.convert import Report
from mailhub.config.letters import BadTemplate, check_template
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
    _check_warnings(config, report)
    for address in config.auth.administrators:
        if "@" not in address:
            report("auth.administrators", f"{shown(address)} is no address", "name@domain")


def _check_warnings(config: Config, report: Report) -> None:
    quota = config.quota
    for where, warn in (
        ("quota.warn", quota.warn),
        *((f"quota.domain[{n}].warn", d.warn or ()) for n, d in enumerate(quota.domains, 1)),
    ):
        if not all(1 <= percent <= 100 for percent in warn):
            report(where, "has something that is not 1 to 100 per cent", "[80, 95], say")
    if quota.webhook:
        _check_webhook(config, report)
    elif quota.webhook_secret_file is not None:
        report("quota.webhook_secret_file", "is not used without quota.webhook", "")
    if quota.warning_template is not None:
        try:
            check_template(quota.warning_template.read_text("utf-8"))
        except BadTemplate as error:
            report("quota.warning_template", f"{quota.warning_template} {error}", "")
        except (OSError, UnicodeDecodeError) as error:
            report("quota.warning_template", _why(quota.warning_template, error), "")


def _check_webhook(config: Config, report: Report) -> None:
    url, path = config.quota.webhook, config.quota.webhook_secret_file
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.isascii():
        report("quota.webhook", f"{shown(url)} is no http or https URL", "https://host/path")
    if path is None:
        report(
            "quota.webhook", "has no quota.webhook_secret_file", "head -c 32 /dev/urandom | base64"
        )
        return
    try:
        mode, secret = path.stat().st_mode, path.read_bytes().split(b"\n", 1)[0].strip()
    except OSError as error:
        report("quota.webhook_secret_file", _why(path, error), "")
        return
    if mode & stat.S_IRWXO:
        report("quota.webhook_secret_file", f"{path} is open to everybody", f"chmod o= {path}")
    elif not secret:
        report("quota.webhook_secret_file", f"{path} is empty", "")


def _why(path: Path, error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{path}: {reason.lower()}"


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
