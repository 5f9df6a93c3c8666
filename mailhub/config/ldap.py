"""What the options of a directory are made of: servers' URLs, places in templates, password files.

Apart from the rules that check them, so that the process which speaks LDAP stays small.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from mailhub.config.problems import shown
from mailhub.config.templates import BadTemplate, leftover

PAGE_SECONDS = 120.0
"""A page of people may take longer than one person: groups are looked up for each."""
LOGIN_PLACES = ("login", "local", "domain")
ADDRESS_PLACES = ("address", "local", "domain")
GROUP_PLACES = ("dn", "name")
PORTS: Mapping[str, int] = {"ldap": 389, "ldaps": 636}


def split_server(url: str) -> tuple[str, str, int]:
    """Scheme, host and port.  Raises BadTemplate."""
    if foreign := leftover(url):
        raise BadTemplate(f"{foreign} is still to be replaced")
    if "://" not in url:
        raise BadTemplate(f"{shown(url)} has no scheme", f"ldaps://{url}")
    parts = urlsplit(url)
    if parts.scheme not in PORTS:
        raise BadTemplate(f"{shown(url)} is neither ldaps:// nor ldap://", "ldaps://host")
    try:
        port = parts.port or PORTS[parts.scheme]
    except ValueError:
        raise BadTemplate(f"{shown(url)} has no possible port", "ldaps://host:636") from None
    if parts.username is not None:
        hint = "bind_dn and bind_password_file say who searches"
        raise BadTemplate("names a user before the host", hint)
    if not parts.hostname or re.search(r"\s", url):
        raise BadTemplate(f"{shown(url)} does not name a host", "ldaps://ldap.example.org")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        hint = "the base is user_base, filters are user_filter and address_filter"
        raise BadTemplate(f"{shown(url)} has more than a host and a port", hint)
    return parts.scheme, parts.hostname, port


def read_password(path: Path) -> str:
    """The first line; a line's end is not part of a password."""
    return path.read_text(encoding="utf-8").split("\n", 1)[0].rstrip("\r")
