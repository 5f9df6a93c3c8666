"""Where in a TOML file an option stands.

:mod:`tomllib` gives values without their places.  This finds the line of ``key = `` below its
``[table]`` header, which is how every option of ours is written; a file that is written in
another way (inline tables, dotted keys) gets problems without a line number, nothing worse.
"""

from __future__ import annotations

import re

_TABLE = re.compile(r"\s*\[(\[?)\s*([\w.\-]+)\s*\]?\]\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([\w\-]+)\s*=")


def lines_of(text: str) -> dict[str, int]:
    """Full option name, ``listener[2].tls`` for instance, to its line, counted from 1."""
    found: dict[str, int] = {}
    entries: dict[str, int] = {}
    prefix = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _TABLE.match(line):
            prefix = header[2]
            if header[1]:  # one more entry of an array of tables
                entries[prefix] = entries.get(prefix, 0) + 1
                prefix = f"{prefix}[{entries[prefix]}]"
            else:
                prefix = _of_last_entry(prefix, entries)
            found.setdefault(prefix, number)
        elif key := _KEY.match(line):
            found.setdefault(f"{prefix}.{key[1]}" if prefix else key[1], number)
    return found


def _of_last_entry(table: str, entries: dict[str, int]) -> str:
    """``[directory.groups]`` belongs to the last ``[[directory]]`` above it."""
    array = table
    while array and array not in entries:
        array = array.rpartition(".")[0]
    return f"{array}[{entries[array]}]{table[len(array) :]}" if array else table
