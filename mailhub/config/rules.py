"""What a configuration must keep beyond types and ranges: addresses, names, what fits together.

Nothing here looks at the disk; :mod:`.files` does.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator

from OpenSSL import SSL

from mailhub.config.addresses import Address, BadAddress, UnixAddress, parse_address
from mailhub.config.convert import Report
from mailhub.config.directories import check_directories, directory_warnings
from mailhub.config.gssapi import check_gssapi
from mailhub.config.oauth import check_oauth, oauth_warnings
from mailhub.config.options import Config, Listener
from mailhub.config.policies import check_policies, policy_warnings
from mailhub.config.problems import shown
from mailhub.config.quotas import check_quotas, quota_warnings

_HOST_NAME = re.compile(r"(?!-)[\w-]{1,63}(?<!-)(\.(?!-)[\w-]{1,63}(?<!-))*", re.ASCII)
_CAPABILITY = re.compile(r"[A-Z0-9][A-Z0-9=+\-/.]*", re.ASCII)
MAX_UIDL_OCTETS = 70  # 1939 7


def check_rules(config: Config, report: Report) -> None:
    """Report everything about *config* that cannot work."""
    if config.hostname and not _HOST_NAME.fullmatch(config.hostname):
        report("hostname", f"{shown(config.hostname)} is not a host name", "mail.example.org, say")
    _check_listeners(config, report)
    for check in (
        _check_domains,
        _check_masters,
        _check_pop3,
        _check_imap,
        _check_delivery,
        _check_tls,
    ):
        check(config, report)
    check_directories(config, report)
    check_oauth(config, report)
    check_gssapi(config, report)
    check_policies(config, report)
    check_quotas(config, report)


# --- listeners ----------------------------------------------------------------------------


def _check_listeners(config: Config, report: Report) -> None:
    seen: dict[Address, str] = {}
    for number, listener in enumerate(config.listeners, 1):
        name = f"listener[{number}]"

        def tell(key: str, text: str, hint: str = "", name: str = name) -> None:
            report(f"{name}.{key}", text, hint)

        try:
            address = parse_address(listener.address)
        except BadAddress as bad:
            tell("address", f"{shown(listener.address)}: {bad}")
            continue
        if address in seen and not _any_port(address):
            tell("address", f"{address} is already the address of {seen[address]}")
        seen.setdefault(address, name)
        _check_listener(listener, address, tell)


def _any_port(address: Address) -> bool:
    return not isinstance(address, UnixAddress) and address.port == 0


def _check_listener(
    listener: Listener, address: Address, tell: Callable[[str, str, str], None]
) -> None:
    if listener.protocol == "metrics" and not address.is_loopback:
        tell("address", "the metrics tell about people: loopback or a Unix socket only", "")
    if listener.protocol == "metrics" and listener.tls != "none":
        tell("tls", "metrics are served without TLS", 'write tls = "none"')
    if listener.protocol == "policy" and listener.tls != "none":
        tell("tls", "Postfix asks its policy services without TLS", 'write tls = "none"')
    if listener.protocol == "metrics" and listener.proxy:
        tell("proxy", "metrics are served without PROXY headers", "write proxy = false")
    if not re.fullmatch(r"0?[0-7]{3}", listener.mode):
        tell("mode", f"{shown(listener.mode)} is not an octal mode", 'write mode = "0660"')
    for network in listener.proxy_from:
        try:
            ipaddress.ip_network(network)
        except ValueError as bad:
            tell("proxy_from", f"{shown(network)}: {bad}", "10.0.0.0/8, say")


# --- sections -----------------------------------------------------------------------------


def _check_domains(config: Config, report: Report) -> None:
    for key, domain in (
        ("lmtp.default_domain", config.lmtp.default_domain),
        ("auth.default_domain", config.auth.default_domain),
    ):
        if domain and not _is_domain(domain):
            report(key, f"{shown(domain)} is not a domain", "without an @: example.org")


def _check_masters(config: Config, report: Report) -> None:
    auth = config.auth
    for master in auth.masters:
        if "@" not in master:
            report("auth.masters", f"{shown(master)} is not an address", "admin@example.org")
    if not re.fullmatch(r"[!#$%&*/:;|~^]", auth.master_separator):
        hint = "one of ! # $ % & * / : ; | ~ ^"
        report("auth.master_separator", f"{shown(auth.master_separator)} cannot separate", hint)


def _is_domain(text: str) -> bool:
    try:
        return bool(_HOST_NAME.fullmatch(text.encode("idna").decode()))
    except UnicodeError:
        return False


def _check_pop3(config: Config, report: Report) -> None:
    text = config.pop3.uidl_format
    if problem := _uidl_problem(text):
        report("pop3.uidl_format", f"{shown(text)} {problem}", "{uidvalidity:08x}{uid:08x}, say")
    if config.pop3.expire != "NEVER" and not re.fullmatch(r"\d{1,9}", config.pop3.expire):
        report(
            "pop3.expire",
            f"{shown(config.pop3.expire)} is neither NEVER nor a number of days",
            "it is what CAPA tells (RFC 2449 6.7); nothing is ever deleted for it",
        )


def _uidl_problem(text: str) -> str:
    """1939 7: 1 to 70 characters of 0x21 to 0x7E, never the same for two messages."""
    greatest = 0xFFFF_FFFF
    try:
        made = text.format(uidvalidity=greatest, uid=greatest)
        other = text.format(uidvalidity=greatest, uid=greatest - 1)
    except (LookupError, ValueError, AttributeError, TypeError):
        return "is not a format of {uidvalidity} and {uid}"
    if made == other:
        return "does not contain the UID, so ids would repeat"
    if not 1 <= len(made) <= MAX_UIDL_OCTETS or not re.fullmatch(r"[\x21-\x7e]+", made):
        return f"gives ids that are not 1 to {MAX_UIDL_OCTETS} visible ASCII characters"
    return ""


def _check_imap(config: Config, report: Report) -> None:
    for name in config.imap.hidden_capabilities:
        if not _CAPABILITY.fullmatch(name):
            report("imap.hidden_capabilities", f"{shown(name)} is not a capability", "in capitals")
        elif name in ("IMAP4REV1", "IMAP4REV2"):
            report("imap.hidden_capabilities", f"{shown(name)} cannot be hidden", "")
    if config.imap.max_command < config.imap.max_line:
        report(
            "imap.max_command",
            f"{config.imap.max_command} is less than one line may have",
            f"at least imap.max_line, {config.imap.max_line}",
        )


def _check_delivery(config: Config, report: Report) -> None:
    delimiter = config.delivery.recipient_delimiter
    if len(delimiter) > 1 or delimiter in ("@", '"', " "):
        report("delivery.recipient_delimiter", f"{shown(delimiter)} is not one sign", 'write "+"')


def _check_tls(config: Config, report: Report) -> None:
    try:
        SSL.Context(SSL.TLS_SERVER_METHOD).set_cipher_list(config.tls.ciphers.encode())
    except (SSL.Error, UnicodeError):
        report(
            "tls.ciphers", f"{shown(config.tls.ciphers)} names no cipher", "see openssl ciphers -v"
        )


def warnings(config: Config) -> Iterator[str]:
    """What works, but is probably not meant."""
    for listener in config.listeners:
        address = parse_address(listener.address)
        where = f"{listener.protocol} on {listener.address}"
        reads_mail = listener.protocol in ("imap", "pop3")
        trusted = config.auth.plaintext == "always" or (
            config.auth.plaintext == "loopback" and address.is_loopback
        )
        if reads_mail and listener.tls == "none" and not trusted:
            yield f"{where}: nobody can log in with a password there, it has no TLS"
        if reads_mail and config.auth.plaintext == "always" and not address.is_loopback:
            yield f"{where}: passwords may be sent in clear over the network"
        if listener.protocol == "lmtp" and not address.is_loopback:
            yield f"{where}: whoever reaches it can deliver mail to anybody here"
        if listener.protocol == "policy" and not address.is_loopback:
            yield f"{where}: whoever reaches it can ask how full anybody's account is"
    yield from directory_warnings(config)
    yield from oauth_warnings(config)
    yield from policy_warnings(config)
    yield from quota_warnings(config)
    if config.limits.idle_timeout < 1800:
        yield "limits.idle_timeout is less than the 30 minutes that RFC 9051 5.4 asks for"
    if config.limits.pop3_idle_timeout < 600:
        yield "limits.pop3_idle_timeout is less than the 10 minutes that RFC 1939 3 asks for"
    if not config.listeners:
        yield "there is no [[listener]]: nothing is served"
