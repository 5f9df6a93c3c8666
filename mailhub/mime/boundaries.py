"""The boundary lines that may come next, and finding them (RFC 2046 5.1.1).

A candidate is any line that starts with ``--``; whether it is a boundary line is one look into a
dictionary, however deep the multiparts are nested.  When two multiparts have the same boundary,
the inner one owns it; one that has been closed takes part no more.
"""

from __future__ import annotations

from typing import NamedTuple

from mailhub.mime.tree import Node

MAX_DELIMITER_LINE = 1000
"""A line longer than this is no boundary line, so no more than this waits for its end."""


class Delimiter(NamedTuple):
    """A boundary line; positions in the buffer.  ``owner`` None: it may be one, seen too early."""

    line_break: int
    """Of the LF before it."""
    after: int
    owner: Node | None = None
    closing: bool = False


class Boundaries:
    """The multiparts that are open where the scanner is, outermost first."""

    def __init__(self) -> None:
        self._multiparts: list[Node] = []
        self._owners: dict[bytes, tuple[Node, bool]] = {}

    def __bool__(self) -> bool:
        return bool(self._owners)

    def open(self, multipart: Node) -> None:
        self._multiparts.append(multipart)
        self._learn(multipart)

    def passed(self, delimiter: Delimiter) -> None:
        """What is inside the delimiter's owner has ended, and perhaps that too."""
        while self._multiparts[-1] is not delimiter.owner:
            self._multiparts.pop()
        if delimiter.closing:
            self._multiparts.pop()
        self._owners.clear()
        for multipart in self._multiparts:
            self._learn(multipart)

    def forget(self) -> None:
        self._multiparts.clear()
        self._owners.clear()

    def _learn(self, multipart: Node) -> None:
        boundary = multipart.content.type.boundary
        assert boundary is not None
        self._owners[boundary] = (multipart, False)
        self._owners[boundary + b"--"] = (multipart, True)

    def find(self, buffer: bytes, start: int, limit: int, final: bool) -> Delimiter | None:
        """The first boundary line whose line break is at *start* or later, before *limit*.

        *final*: no bytes follow those in *buffer*.
        """
        if not self._owners:
            return None
        while (found := buffer.find(b"\n--", start, limit)) >= 0:
            last = found + 3 + MAX_DELIMITER_LINE
            end = buffer.find(b"\n", found + 3, last)
            if end < 0 and len(buffer) >= last:
                start = found + 3
                continue
            if end < 0 and not final:
                return Delimiter(found, found)
            end = end if end >= 0 else len(buffer)
            owner = self._owners.get(buffer[found + 3 : end].rstrip(b" \t\r"))
            if owner is not None:
                return Delimiter(found, min(end + 1, len(buffer)), *owner)
            start = end
        return None
