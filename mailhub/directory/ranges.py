"""Range retrieval: Active Directory hands out the values of a long attribute in pieces.

``memberOf;range=0-1499`` is the first piece, ``*`` as the end of a range the last one.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from mailhub.directory import codes
from mailhub.directory.troubles import Kind, Trouble
from mailhub.directory.wire import Answer, Ask, Entry

_RANGE = re.compile(r"(.+);range=(\d+)-(\d+|\*)", re.IGNORECASE)
MAX_PIECES = 100


def completed(entry: Entry, search: Callable[[Ask], Answer]) -> Entry:
    """*entry* with all values of each attribute.  Raises Trouble."""
    if not any(";range=" in name for name in entry.values):
        return entry
    values = {name: found for name, found in entry.values.items() if ";range=" not in name}
    for name, found in entry.values.items():
        if match := _RANGE.fullmatch(name):
            values[match[1]] = (*found, *_rest(entry.dn, match, search))
    return Entry(entry.dn, values)


def _rest(dn: str, match: re.Match[str] | None, search: Callable[[Ask], Answer]) -> list[bytes]:
    values: list[bytes] = []
    for _ in range(MAX_PIECES):
        if match is None or match[3] == "*":
            return values
        name, start = match[1], int(match[3]) + 1
        answer = search(Ask(dn, "(objectClass=*)", (f"{name};range={start}-*",), scope="base"))
        if answer.result.code != codes.SUCCESS or not answer.entries:
            raise codes.trouble(answer.result)
        match = None
        for key, found in answer.entries[0].values.items():
            if (piece := _RANGE.fullmatch(key)) and int(piece[2]) == start and found:
                values += found
                match = piece
    raise Trouble(Kind.LIMIT, f"{dn} has an attribute of more than {MAX_PIECES} pieces")
