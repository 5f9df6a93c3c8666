"""Addresses in the one form in which they are stored and compared.

Case never matters (RFC 5321 2.4 leaves that to the host that delivers), local parts are Unicode in
normalisation form C (RFC 6532 3.1), domains are lower-case A-labels (RFC 5891), so that
``Alice@BÜCHER.example`` and ``alice@xn--bcher-kva.example`` are one.  What may be *stored* is
stricter than what may be *asked for*: an address with spaces or control characters finds nobody.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import idna

from mailhub.store.hub.errors import BadAddress

MAX_LOCAL_OCTETS = 64  # 5321 4.5.3.1.1
MAX_ADDRESS_OCTETS = 254  # 5321 4.5.3.1.3 (a path of 256 with its brackets)

# 5322 3.2.3 dot-atom, 6532 3.2 for what is not ASCII.
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u00a1-\U0010ffff-]+"
_DOT_ATOM = re.compile(rf"{_ATEXT}(?:\.{_ATEXT})*")
_PLAIN_LABEL = re.compile(r"(?!xn--)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)


def canonical(text: str) -> str:
    """*text* as an address that may be stored, or raise BadAddress."""
    local, domain = split(text)
    local = fold_local(local)
    address = f"{local}@{canonical_domain(domain)}"
    if not _DOT_ATOM.fullmatch(local) or not _is_visible(local):
        raise BadAddress(f"Not a valid address: {text!r}")
    if _octets(local) > MAX_LOCAL_OCTETS or _octets(address) > MAX_ADDRESS_OCTETS:
        raise BadAddress(f"The address is too long: {text!r}")
    return address


def split(text: str) -> tuple[str, str]:
    """Local part and domain as written; raises BadAddress when one is missing."""
    local, _, domain = text.strip().rpartition("@")
    if not local or not domain or not _is_unicode(text):
        raise BadAddress(f"Not an address of the form name@domain: {text!r}")
    return local, domain


def canonical_domain(text: str) -> str:
    """A domain name in the form in which it is stored, or raise BadAddress."""
    name = text.strip().removesuffix(".").lower()
    if not all(_PLAIN_LABEL.fullmatch(label) for label in name.split(".")):
        try:
            name = idna.encode(name, uts46=True).decode("ascii").lower()
        except (idna.IDNAError, UnicodeError):
            raise BadAddress(f"Not a valid domain name: {text!r}") from None
    if len(name) > 253:  # 1035 3.1, without the root's empty label
        raise BadAddress(f"The domain name is too long: {text!r}")
    return name


def display_domain(name: str) -> str:
    """The domain for people: U-labels where they are valid."""
    try:
        return idna.decode(name)
    except (idna.IDNAError, UnicodeError):
        return name


def fold_local(local: str) -> str:
    """A local part for comparing; a quoted string counts as what it quotes (5321 4.1.2)."""
    local = unquoted(local)
    if local.isascii():
        return local.lower()
    folded = unicodedata.normalize("NFC", local).lower()
    return unicodedata.normalize("NFC", folded)


def unquoted(local: str) -> str:
    if len(local) >= 2 and local[0] == local[-1] == '"':
        return _QUOTED_PAIR.sub(r"\1", local[1:-1])
    return local


def with_domain(text: str, default_domain: str) -> str:
    """*text*, completed when it has no domain and there is one to add."""
    return text if "@" in text or not default_domain else f"{text}@{default_domain}"


def candidates(local: str, delimiter: str) -> Iterator[tuple[str, str]]:
    """The ``(local part, detail)`` pairs that a recipient may mean, best first.

    The whole is tried before it is split, so an account may have the delimiter in its name.  The
    detail keeps its case: it names a folder.
    """
    local = unquoted(local)
    yield fold_local(local), ""
    if delimiter:
        # From 1: a name that begins with the delimiter has no user before it.
        at = local.find(delimiter, 1)
        if at > 0:
            yield fold_local(local[:at]), local[at + len(delimiter) :]


def _is_visible(text: str) -> bool:
    if text.isascii():
        return text.isprintable() and " " not in text
    return all(unicodedata.category(character)[0] not in "CZ" for character in text)


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _octets(text: str) -> int:
    return len(text.encode())
