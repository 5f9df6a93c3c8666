"""What is wrong with a configuration, told so that it can be put right.

A problem names the file, the line, the option and the value, says what is the matter and, where
one is known, what to write instead.  All problems of a file are collected before any is told.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake.  ``key`` is the full name of the option, ``listener[2].tls`` for instance."""

    key: str
    text: str
    hint: str = ""
    file: Path | None = None
    line: int | None = None

    def __str__(self) -> str:
        place = ""
        if self.file is not None:
            place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: "
        key = f"{self.key}: " if self.key else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}{key}{self.text}{hint}"


class ConfigError(Exception):
    """A configuration that cannot be used; ``problems`` are all of them, in the file's order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def shown(value: object) -> str:
    """A value as its writer wrote it, shortened."""
    if isinstance(value, bool):
        return str(value).lower()
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


ELSEWHERE: Mapping[str, str] = {
    "uri": "servers",
    "uris": "servers",
    "url": "servers",
    "host": "servers",
    "hosts": "servers",
    "base": "user_base",
    "base_dn": "user_base",
    "search_base": "user_base",
    "filter": "user_filter",
    "login_filter": "user_filter",
    "mail_filter": "address_filter",
    "user": "bind_dn",
    "user_dn": "bind_dn",
    "password": "bind_password_file",
    "bind_secret": "bind_password_file",
    "start_tls": "tls",
    "starttls": "tls",
    "ca": "tls_ca",
    "ca_file": "tls_ca",
    "implementation": "preset",
    "timeout": "operation_timeout",
    "mail": "address",
    "email": "address",
    "uid": "login",
    "username": "login",
}
"""What other mail servers call options of a directory."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint naming the known word that *word* was probably meant to be, or nothing."""
    names = list(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if not close:
        close = [name for name in names if name.replace("_", "") == word.replace("-", "").lower()]
    if not close and ELSEWHERE.get(word.lower()) in names:
        close = [ELSEWHERE[word.lower()]]
    return f'did you mean "{close[0]}"?' if close else ""
