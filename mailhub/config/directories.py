"""What a ``[[directory]]`` must keep: servers, TLS, templates, attributes, what fits together.

Everything here is found out without asking a server; ``mailhub directory check`` asks.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path

from cryptography import x509

from mailhub.config.convert import Report
from mailhub.config.ldap import (
    ADDRESS_PLACES,
    GROUP_PLACES,
    LOGIN_PLACES,
    read_password,
    split_server,
)
from mailhub.config.options import Config, DirectoryConfig
from mailhub.config.presets import NONE, in_full
from mailhub.config.problems import did_you_mean, shown
from mailhub.config.templates import (
    BadTemplate,
    check_attribute,
    check_dn,
    check_filter,
    leftover,
    parse_dn_template,
    parse_filter_template,
    place,
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_NONE = "none-i-understand"
LOCAL = "local"
"""What ``auth.order`` calls local accounts."""

Tell = Callable[[str, str, str], None]
"""Called with an option of the directory, what is wrong, hint."""


def check_directories(config: Config, report: Report) -> None:
    """Report everything about the directories of *config* that cannot work."""
    names: dict[str, int] = {}
    for number, directory in enumerate(config.directories, 1):

        def tell(key: str, text: str, hint: str = "", number: int = number) -> None:
            report(f"directory[{number}].{key}", text, hint)

        if not _NAME.fullmatch(directory.name):
            tell("name", f"{shown(directory.name)} is not a name", "letters, digits, - and _")
        if directory.name == LOCAL:
            tell("name", f'"{LOCAL}" means the accounts with a password here', "another name")
        if names.setdefault(directory.name, number) != number:
            tell("name", f"{shown(directory.name)} is directory[{names[directory.name]}] already")
        full = in_full(directory)
        for check in (_check_servers, _check_tls, _check_bind, _check_users, _check_groups):
            check(full, tell)
        _check_attributes(full, tell)
        _check_times(full, tell)
    _check_order(config, [LOCAL, *names], report)


def _check_order(config: Config, known: Sequence[str], report: Report) -> None:
    seen: set[str] = set()
    for name in config.auth.order:
        if name not in known:
            report("auth.order", f"{shown(name)} is no directory", did_you_mean(name, known))
        if name in seen:
            report("auth.order", f"{shown(name)} stands there twice", "")
        seen.add(name)


# --- servers and TLS ----------------------------------------------------------------------


def _check_servers(directory: DirectoryConfig, tell: Tell) -> None:
    if not directory.servers:
        tell("servers", "there is none", 'servers = ["ldaps://ldap.example.org"]')
    for url in directory.servers:
        try:
            scheme, host, port = split_server(url)
        except BadTemplate as bad:
            tell("servers", str(bad), bad.hint)
            continue
        if directory.tls == "ldaps" and scheme != "ldaps":
            hint = f'write "ldaps://{host}", or tls = "starttls" if the server offers it'
            tell("servers", f'{shown(url)} is in clear, and tls = "ldaps"', hint)
        if directory.tls != "ldaps" and scheme == "ldaps":
            hint = f'write tls = "ldaps", or "ldap://{host}"'
            tell(
                "servers", f'{shown(url)} is TLS from the start, and tls = "{directory.tls}"', hint
            )
        if scheme == "ldap" and port in (636, 3269):
            tell("servers", f"port {port} is for TLS from the start", f"ldaps://{host}:{port}")


def _check_tls(directory: DirectoryConfig, tell: Tell) -> None:
    if directory.tls == _NONE:
        if directory.tls_ca is not None:
            tell("tls_ca", f'is not used with tls = "{_NONE}"', 'tls = "ldaps", perhaps')
        return
    if directory.tls_ca is None:
        return
    try:
        found = x509.load_pem_x509_certificates(directory.tls_ca.read_bytes())
    except OSError as error:
        tell("tls_ca", f"{directory.tls_ca}: {(error.strerror or str(error)).lower()}", "")
    except ValueError:
        tell(
            "tls_ca", f"{directory.tls_ca} holds no PEM certificate", "-----BEGIN CERTIFICATE-----"
        )
    else:
        if not found:
            tell("tls_ca", f"{directory.tls_ca} holds no certificate", "")


# --- who asks -----------------------------------------------------------------------------


def _check_bind(directory: DirectoryConfig, tell: Tell) -> None:
    if directory.bind_dn:
        _told(tell, "bind_dn", lambda: _check_bind_name(directory))
        if directory.bind_password_file is None:
            tell("bind_dn", "has no bind_password_file", "a bind without a password is anonymous")
        else:
            _check_password_file(directory.bind_password_file, tell)
    elif directory.bind_password_file is not None:
        tell("bind_password_file", "is not used without a bind_dn", "")
    if directory.mode == "template-bind":
        if not directory.dn_template:
            tell("mode", "template-bind needs a dn_template", "uid={local},ou=people,dc=..., say")
            return
        _told(tell, "dn_template", lambda: _check_dn_template(directory.dn_template))
    elif directory.dn_template:
        tell("dn_template", 'is not used with mode = "search-bind"', 'mode = "template-bind"')


def _check_bind_name(directory: DirectoryConfig) -> None:
    name = directory.bind_dn
    if foreign := leftover(name):
        raise BadTemplate(f"{foreign} is still to be replaced")
    if "=" in name or directory.preset != "active-directory":
        check_dn(name)
    elif "@" not in name and "\\" not in name:
        raise BadTemplate(f"{shown(name)} is no bind name", "a DN, name@domain, or DOMAIN\\name")


def _check_dn_template(text: str) -> None:
    template = parse_dn_template(text, LOGIN_PLACES)
    if not template.places & {"login", "local"}:
        raise BadTemplate("has no {login} or {local}: everybody would be the same person")


def _check_password_file(path: Path, tell: Tell) -> None:
    try:
        mode = path.stat().st_mode
        secret = read_password(path)
    except OSError as error:
        tell("bind_password_file", f"{path}: {(error.strerror or str(error)).lower()}", "")
        return
    except UnicodeDecodeError:
        tell("bind_password_file", f"{path} is not UTF-8", "")
        return
    if mode & stat.S_IRWXO:
        tell("bind_password_file", f"{path} is open to everybody", f"chmod o= {path}")
    elif not secret:
        tell("bind_password_file", f"{path} is empty", "a bind without a password is anonymous")


# --- whom to find -------------------------------------------------------------------------


def _check_users(directory: DirectoryConfig, tell: Tell) -> None:
    searches = directory.mode == "search-bind" or bool(directory.user_base)
    if directory.user_base:
        _told(tell, "user_base", lambda: _check_base(directory.user_base))
    elif searches or directory.dn_template == "{login}":
        tell("user_base", "is missing", "dc=example,dc=org, say")
    if not searches:
        return
    for key, places in (("user_filter", LOGIN_PLACES), ("address_filter", ADDRESS_PLACES)):
        text = getattr(directory, key)
        if not text:
            tell(key, 'is missing, and preset = "custom" has none', "(mail={%s})" % places[0])  # noqa: UP031
            continue
        _told(tell, key, partial(_check_finds_one, text, places))
    _told(tell, "people_filter", lambda: _check_plain_filter(directory.people_filter))
    if directory.lockout_policy:
        _told(tell, "lockout_policy", lambda: _check_base(directory.lockout_policy))
        if directory.lockout_counter == "none":
            tell("lockout_policy", 'is not used with lockout_counter = "none"', "")


def _check_base(text: str) -> None:
    if foreign := leftover(text):
        raise BadTemplate(f"{foreign} is still to be replaced")
    check_dn(text)


def _check_finds_one(text: str, places: tuple[str, ...]) -> None:
    template = parse_filter_template(text, places)
    if not template.places & set(places[:2]):
        raise BadTemplate(f"has no {{{places[0]}}}: everybody would match", "")


def _check_plain_filter(text: str) -> None:
    if foreign := leftover(text) or place(text):
        raise BadTemplate(f"{foreign} is not replaced by anything", "it is to find everybody")
    check_filter(text)


def _check_groups(directory: DirectoryConfig, tell: Tell) -> None:
    groups = directory.groups
    if groups.mode == "none":
        return
    if groups.base:
        _told(tell, "groups.base", lambda: _check_base(groups.base))
    if groups.mode == "tokenGroups" and directory.preset != "active-directory":
        tell("groups.mode", "only Active Directory has tokenGroups", 'mode = "search"')
    if groups.mode != "search" and groups.nested == "no":
        return
    if not groups.filter:
        tell("groups.filter", "is missing", "(&(objectClass=groupOfNames)(member={dn}))")
        return
    _told(tell, "groups.filter", lambda: _check_group_filter(directory))


def _check_group_filter(directory: DirectoryConfig) -> None:
    template = parse_filter_template(directory.groups.filter, GROUP_PLACES)
    if not template.places:
        raise BadTemplate("has neither {dn} nor {name}: everybody would be in every group")
    if "name" in template.places and not directory.attributes.login:
        raise BadTemplate("has {name}, but attributes.login is not set", 'login = "uid"')
    if directory.groups.nested == "yes" and "dn" not in template.places:
        raise BadTemplate("has no {dn}, so nothing can be nested", 'write nested = "no"')


def _check_attributes(directory: DirectoryConfig, tell: Tell) -> None:
    attributes = directory.attributes
    for key in ("id", "address"):
        if not getattr(attributes, key):
            example = "entryUUID" if key == "id" else "mail"
            tell(f"attributes.{key}", "is missing", f'a preset, or {key} = "{example}", say')
    for field in fields(attributes):
        value = getattr(attributes, field.name)
        if field.name == "disabled_values":
            continue
        for name in value if isinstance(value, tuple) else (value,):
            if name and name != NONE:
                _told(tell, f"attributes.{field.name}", partial(check_attribute, name))


def _check_times(directory: DirectoryConfig, tell: Tell) -> None:
    if directory.request_timeout < directory.operation_timeout:
        text = f"{directory.request_timeout:g} is less than one operation may take"
        tell(
            "request_timeout", text, f"at least operation_timeout, {directory.operation_timeout:g}"
        )
    for domain in directory.domains:
        if not re.fullmatch(r"[\w-]+(\.[\w-]+)*", domain):
            tell("domains", f"{shown(domain)} is not a domain", "without an @: example.org")


def _told(tell: Tell, key: str, check: Callable[[], object]) -> None:
    try:
        check()
    except BadTemplate as bad:
        tell(key, str(bad), bad.hint)


# --- advice -------------------------------------------------------------------------------


_CHANGEABLE = frozenset({"cn", "mail", "samaccountname", "uid", "userprincipalname"})
"""What people are called; an id has to outlast that."""


def directory_warnings(config: Config) -> Iterator[str]:
    """What works, but is probably not meant."""
    for directory in map(in_full, config.directories):
        where = f"directory {directory.name}"
        if directory.tls == _NONE:
            yield f"{where}: people's passwords cross the network in clear"
        if not directory.bind_dn and directory.user_base:
            yield f"{where}: it is searched anonymously, for there is no bind_dn"
        if directory.attributes.id.casefold() in _CHANGEABLE:
            yield (
                f"{where}: attributes.id is {directory.attributes.id}, which can be changed and"
                " given to somebody else, and the mailbox with it"
            )
        if sees_no_counts(directory):
            yield (
                f"{where}: what it counts before a lock-out cannot be read without a bind_dn;"
                f" lockout_passwords ({directory.lockout_passwords}) must be below its limit"
            )
        by_search = directory.groups.mode not in ("none", "memberOf")
        if directory.mode == "template-bind" and not directory.bind_dn and by_search:
            yield f"{where}: groups are searched for anonymously, for there is no bind_dn"
        if directory.mode == "template-bind" and not directory.user_base:
            yield f"{where}: people can log in, but no mail is delivered by it without user_base"


def sees_no_counts(directory: DirectoryConfig) -> bool:
    """Whether nobody may read the wrong passwords that the directory counts before a bind."""
    is_counted = directory.lockout_counter != "none"
    return is_counted and directory.mode == "template-bind" and not directory.bind_dn


def describe_directory(directory: DirectoryConfig) -> str:
    """A sentence for ``mailhub check``."""
    who = " and ".join(directory.domains) or "any domain"
    servers = ", then ".join(directory.servers)
    return f"directory {directory.name} ({directory.preset}) knows people of {who}: {servers}"
