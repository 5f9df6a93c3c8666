"""Typed templates: where a log-in name goes into an LDAP filter or a distinguished name.

A template is parsed once, when the configuration is read, into literal text and places.  What is
put into a place is escaped by what the template is for (RFC 4515 3 in a filter, RFC 4514 2.4 in a
DN), so there is no way to fill one without escaping.  Braces that are no place, and the ``%s`` and
``${user}`` of other programs, are refused with a hint instead of never matching anybody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mailhub.config.problems import did_you_mean

_PLACE = re.compile(r"\{([^{}]*)\}")
_FOREIGN = re.compile(
    r"%[sundLMN]\b|%%|%\{[^}]*\}|%\([^)]*\)s?|\$\{[^}]*\}|\$\w+|\{\{[^}]*\}\}|<[A-Za-z][\w \-]*>"
    r"|(?i:\bCHANGE[-_ ]?ME\b)"
)
_DN_SPECIAL = frozenset(',+"\\<>;=')
_FILTER_SPECIAL = frozenset("*()\\")
_ATTRIBUTE = r"(?:[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)"
_VALUE = r'(?:\\[0-9A-Fa-f]{2}|\\[ ,+"\\<>;=#]|[^,+"\\<>;\x00])*'
_PAIR = rf"\s*{_ATTRIBUTE}\s*=\s*(?:#(?:[0-9A-Fa-f]{{2}})+|{_VALUE})"
_DN = re.compile(rf"{_PAIR}(?:\+{_PAIR})*(?:,{_PAIR}(?:\+{_PAIR})*)*")
_DESCRIPTION = re.compile(rf"{_ATTRIBUTE}(?:;[A-Za-z0-9-]+)*")


class BadTemplate(ValueError):
    """What is wrong with a template, filter or DN, and a hint."""

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Place:
    name: str


@dataclass(frozen=True, slots=True)
class _Template:
    parts: Sequence[str | Place]

    @property
    def places(self) -> frozenset[str]:
        return frozenset(part.name for part in self.parts if isinstance(part, Place))

    def filled_with(self, text: str) -> str:
        """Every place replaced by *text*, as it is."""
        return "".join(text if isinstance(part, Place) else part for part in self.parts)

    def _fill(self, values: Mapping[str, str], escape: Callable[[str], str]) -> str:
        return "".join(
            escape(values[part.name]) if isinstance(part, Place) else part for part in self.parts
        )


class FilterTemplate(_Template):
    """An LDAP filter with places."""

    __slots__ = ()

    def fill(self, values: Mapping[str, str]) -> str:
        return self._fill(values, escape_filter)


class DnTemplate(_Template):
    """A distinguished name with places."""

    __slots__ = ()

    @property
    def is_dn(self) -> bool:
        return self.parts != (Place("login"),)

    def fill(self, values: Mapping[str, str]) -> str:
        """Just ``{login}`` is no DN but a bind name (user principal name): the login as it is."""
        if not self.is_dn:
            return values["login"]
        return self._fill(values, escape_dn)


def parse_filter_template(text: str, known: Sequence[str]) -> FilterTemplate:
    """Raises BadTemplate."""
    template = FilterTemplate(_parts(text, known))
    _check_places(template, check_filter)
    return template


def parse_dn_template(text: str, known: Sequence[str]) -> DnTemplate:
    """Raises BadTemplate."""
    template = DnTemplate(_parts(text, known))
    if template.is_dn:
        _check_places(template, check_dn)
    return template


def _check_places(template: _Template, check: Callable[[str], None]) -> None:
    """Raises BadTemplate, also when an attribute's name would be of the client's choice."""
    check(template.filled_with("x"))
    try:
        check(template.filled_with(r"\78"))  # an x that is good in values only
    except BadTemplate:
        text = "a place stands where the name of an attribute must be"
        raise BadTemplate(text, "places are values: (uid={login})") from None


def leftover(text: str) -> str | None:
    """The first thing in *text* that reads like a place of some other program, or nothing."""
    found = _FOREIGN.search(text)
    return found[0] if found else None


def place(text: str) -> str | None:
    """The first place in a text that must have none."""
    found = _PLACE.search(text)
    return found[0] if found else None


def _parts(text: str, known: Sequence[str]) -> tuple[str | Place, ...]:
    names = ", ".join(f"{{{name}}}" for name in known)
    if foreign := leftover(text):
        raise BadTemplate(f"{foreign} is not replaced by anything", f"write {names}")
    parts: list[str | Place] = []
    end = 0
    for found in _PLACE.finditer(text):
        if found[1] not in known:
            hint = did_you_mean(found[1], known) or f"known are {names}"
            raise BadTemplate(f"{found[0]} is not replaced by anything", hint)
        parts += [text[end : found.start()], Place(found[1])]
        end = found.end()
    parts.append(text[end:])
    if any(isinstance(part, str) and ("{" in part or "}" in part) for part in parts):
        raise BadTemplate("a brace without its partner", f"places are {names}")
    return tuple(part for part in parts if part != "")


# --- escaping -----------------------------------------------------------------------------


def escape_filter(value: str) -> str:  # 4515 3
    return "".join(
        f"\\{ord(c):02x}" if c in _FILTER_SPECIAL or ord(c) < 0x20 or c == "\x7f" else c
        for c in value
    )


def escape_filter_octets(value: bytes) -> str:
    return "".join(f"\\{octet:02x}" for octet in value)


def escape_dn(value: str) -> str:  # 4514 2.4
    escaped = "".join(
        f"\\{c}" if c in _DN_SPECIAL else f"\\{ord(c):02x}" if ord(c) < 0x20 or c == "\x7f" else c
        for c in value
    )
    if escaped[:1] in ("#", " "):
        escaped = "\\" + escaped
    if len(value) > 1 and value[-1] == " ":
        escaped = escaped[:-1] + "\\ "
    return escaped


# --- grammar ------------------------------------------------------------------------------

MAX_DEPTH = 32
"""Of nested parentheses."""


def check_dn(text: str) -> None:  # 4514 3
    """Raises BadTemplate when *text* is not a distinguished name of at least one part."""
    if not text:
        raise BadTemplate("is empty", "dc=example,dc=org, say")
    if not _DN.fullmatch(text):
        hint = r'dc=example,dc=org, say; a comma in a value is written "\,"'
        raise BadTemplate(f'"{text}" is not a distinguished name', hint)


def check_attribute(text: str) -> None:  # 4512 2.5
    """Raises BadTemplate when *text* is not an attribute's name."""
    if not _DESCRIPTION.fullmatch(text):
        raise BadTemplate(f'"{text}" is not the name of an attribute', "mail, say")


def check_filter(text: str) -> None:  # 4515 3
    """Raises BadTemplate when *text* is not a filter, telling where."""
    if not text.startswith("("):
        raise BadTemplate("a filter is written in parentheses", f"({text}), perhaps")
    end = _filter(text, 0, 0)
    if end != len(text):
        raise BadTemplate(f'"{text[end:]}" follows the filter', "join several by (&(...)(...))")


def _filter(text: str, at: int, depth: int) -> int:
    """The end of the filter that begins at *at*."""
    if depth > MAX_DEPTH:
        raise BadTemplate(f"more than {MAX_DEPTH} parentheses inside each other")
    if text[at : at + 1] != "(":
        raise BadTemplate(f"a parenthesis is missing at {_there(text, at)}")
    sign = text[at + 1 : at + 2]
    if sign and sign in "&|!":
        return _composed(text, at, depth, sign)
    end = text.find(")", at)
    if end < 0:
        raise BadTemplate(f"the parenthesis at {_there(text, at)} is never closed")
    _item(text[at + 1 : end])
    return end + 1


def _composed(text: str, at: int, depth: int, sign: str) -> int:
    end, count = at + 2, 0
    while text[end : end + 1] == "(":
        end = _filter(text, end, depth + 1)
        count += 1
    if text[end : end + 1] != ")":
        raise BadTemplate(f"the parenthesis at {_there(text, at)} is never closed")
    if sign == "!" and count != 1:
        raise BadTemplate(f"! at {_there(text, at)} takes one filter, not {count}")
    if not count:
        raise BadTemplate(f"{sign} at {_there(text, at)} joins nothing")
    return end + 1


_ITEM = re.compile(
    rf"(?:{_ATTRIBUTE}(?:;[A-Za-z0-9-]+)*(?:=|~=|>=|<=)"
    rf"|(?:{_ATTRIBUTE})?(?::dn)?(?::{_ATTRIBUTE})?:=)"
    r"(?:[^()\\\x00]|\\[0-9A-Fa-f]{2})*"
)


def _item(text: str) -> None:
    if "(" in text:
        raise BadTemplate(f'"{text}" has a parenthesis inside', r"( in a value is written \28")
    if not _ITEM.fullmatch(text):
        hint = r"attribute=value; \ in a value is written \5c" if "=" in text else "attribute=value"
        raise BadTemplate(f'"({text})" is not a comparison', hint)


def _there(text: str, at: int) -> str:
    return f'column {at + 1}, "{text[at : at + 20]}"'
