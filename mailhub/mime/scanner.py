"""The scanner: a message's bytes in, in any pieces; its structure and all that is stored out.

Offsets are into the bytes as they came.  Lines end in LF, with or without CR before it; a bare
CR is an ordinary byte.  A header ends at the first empty line, whatever its lines look like, at a
boundary line of an enclosing multipart, or at the end.  A boundary line is ``--`` and exactly the
boundary, optionally ``--``, then nothing but spaces and tabs (RFC 2046 5.1.1); the line break
before it belongs to it (:mod:`.boundaries`).  Nothing is refused: see :mod:`.tree` for the
limits and what lies beyond them.

Memory: the header block at hand, a boundary line, the pieces not yet looked at (64 KiB), and the
results.
"""

from __future__ import annotations

import re

from mailhub.mime import tree
from mailhub.mime.analysis import Analysis
from mailhub.mime.boundaries import MAX_DELIMITER_LINE, Boundaries, Delimiter
from mailhub.mime.content import CONTENT_FIELDS, content
from mailhub.mime.envelope import ENVELOPE_FIELDS, addresses, envelope
from mailhub.mime.headers import Fields, collect
from mailhub.mime.preview import capture_limit
from mailhub.mime.summary import SUMMARY_FIELDS, summarise
from mailhub.mime.tree import Kind, Node

SLICE_OCTETS = 64 * 1024
_NESTED_FIELDS = CONTENT_FIELDS | ENVELOPE_FIELDS
MESSAGE_FIELDS = _NESTED_FIELDS | SUMMARY_FIELDS
_empty_line = re.compile(rb"\n\r?\n").search


def analyse(data: bytes) -> Analysis:
    """What there is to know about a whole message."""
    scanner = Scanner()
    scanner.feed(data)
    return scanner.finish()


class Scanner:
    """One message.  :meth:`feed` its bytes, then :meth:`finish` once."""

    def __init__(self, slice_octets: int = SLICE_OCTETS) -> None:
        self._slice = slice_octets
        self._waiting: list[bytes] = []
        self._waiting_octets = 0
        self._buffer = b""
        self._base = 0  # offset of the buffer's first byte
        self._position = 0  # where in the buffer to go on looking
        self._final = False
        self._counted = 0  # offset up to which lines are counted and texts captured
        self._lines = 0
        self._node = self._root = Node(0, None)  # the innermost part that has not ended
        self._in_header = True
        self._fields: Fields = {}
        self._parts = 1
        self._captures = 0
        self._boundaries = Boundaries()

    def feed(self, data: bytes) -> None:
        self._waiting.append(data)
        self._waiting_octets += len(data)
        if self._waiting_octets >= self._slice:
            self._take()

    def finish(self) -> Analysis:
        self._final = True
        self._take()
        end = self._base + len(self._buffer)
        self._close(end, None)
        return summarise(self._root, end, self._fields)

    def _take(self) -> None:
        data = b"".join(self._waiting)
        self._waiting.clear()
        self._waiting_octets = 0
        self._buffer = self._buffer + data if self._buffer else data
        while self._read_header() if self._in_header else self._read_body():
            pass
        if not self._final:
            self._drop(self._node.start - self._base if self._in_header else self._position)

    def _drop(self, position: int) -> None:
        """Forget what lies before *position*, except the line break just before it."""
        keep = max(0, position - 2)
        self._count(max(self._counted, self._base + keep))
        self._buffer = self._buffer[keep:]
        self._base += keep
        self._position -= keep

    # --- headers ------------------------------------------------------------------------

    def _read_header(self) -> bool:
        """Go on in the header of the current part; whether its end was found."""
        start = self._node.start - self._base
        end = self._header_end(start)
        limit = len(self._buffer) if end is None else end
        delimiter = self._boundaries.find(self._buffer, max(0, start - 1), limit, self._final)
        if delimiter is not None:
            if delimiter.owner is None:
                return False
            self._end_header(max(start, self._before(delimiter.line_break)), cut=True)
            self._begin_part(delimiter)
            return True
        if end is None:
            self._position = max(start, len(self._buffer) - 2)
            return False
        self._end_header(end)
        return True

    def _header_end(self, start: int) -> int | None:
        """Where the header that starts at *start* ends, if that is known yet."""
        buffer = self._buffer
        if buffer.startswith((b"\n", b"\r\n"), start):
            return buffer.index(b"\n", start) + 1
        limit = start + tree.MAX_HEADER_OCTETS
        found = _empty_line(buffer, max(start, self._position), limit)
        if found is not None:
            return found.end()
        if len(buffer) >= limit + MAX_DELIMITER_LINE or (self._final and len(buffer) > limit):
            return buffer.rfind(b"\n", start, limit) + 1 or limit
        return len(buffer) if self._final else None

    def _end_header(self, end: int, cut: bool = False) -> None:
        """The current part's header ends at *end*; *cut*: and with it the part."""
        node = self._node
        block = self._buffer[node.start - self._base : end]
        node.body_start = self._base + end
        self._count(node.body_start)
        node.lines = -self._lines
        self._read_fields(node, block)
        self._position = max(0, end - 1)
        self._in_header = False
        if node.kind is Kind.MULTIPART:
            self._boundaries.open(node)
        elif node.kind is Kind.MESSAGE:
            self._node = self._child(node, node.body_start)
            self._position = end
            if cut:
                self._end_header(end, cut)

    def _read_fields(self, node: Node, block: bytes) -> None:
        parent = node.parent
        is_message = parent is None or parent.kind is Kind.MESSAGE
        if parent is None:
            fields = self._fields = collect(block, MESSAGE_FIELDS)
        else:
            fields = collect(block, _NESTED_FIELDS if is_message else CONTENT_FIELDS)
        if is_message and parent is not None:
            node.envelope = envelope(fields, addresses(fields))
        in_digest = parent is not None and parent.content.type.media == "multipart/digest"
        node.content = content(fields, in_digest and not is_message)
        tree.classify(node, last=self._parts >= tree.MAX_PARTS)
        if capture_limit(node, self._captures):
            node.captured = bytearray()
            self._captures += node.kind is Kind.LEAF

    def _child(self, parent: Node, start: int) -> Node:
        child = Node(start, parent)
        parent.children.append(child)
        self._in_header = True
        self._parts += 1
        return child

    # --- bodies -------------------------------------------------------------------------

    def _read_body(self) -> bool:
        """Go on in a body; whether a boundary line was found."""
        if not self._boundaries:
            self._position = len(self._buffer)
            return False
        end = len(self._buffer)
        delimiter = self._boundaries.find(self._buffer, self._position, end, self._final)
        if delimiter is None:
            self._position = max(self._position, end - 2)
            return False
        if delimiter.owner is None:
            self._position = delimiter.line_break
            return False
        self._begin_part(delimiter)
        return True

    def _before(self, line_break: int) -> int:
        """Where the line break that ends in the LF at *line_break* begins."""
        return line_break - (self._buffer[line_break - 1 : line_break] == b"\r")

    def _begin_part(self, delimiter: Delimiter) -> None:
        """What is inside the delimiter's multipart ends; unless it is closed, a part begins."""
        owner = delimiter.owner
        assert owner is not None
        end = self._base + self._before(delimiter.line_break)
        self._close(max(end, self._node.body_start), owner)
        owner.captured = None
        self._node = owner
        self._boundaries.passed(delimiter)
        if delimiter.closing:
            self._position = max(delimiter.line_break + 3, delimiter.after - 1)
        else:
            self._node = self._child(owner, self._base + delimiter.after)
            self._position = delimiter.after
            if self._parts >= tree.MAX_PARTS:
                self._boundaries.forget()

    def _close(self, end: int, owner: Node | None) -> None:
        """All parts inside *owner* end at offset *end*."""
        self._count(end)
        node: Node | None = self._node
        while node is not owner:
            assert node is not None
            node.body_octets = end - node.body_start
            node.lines += self._lines
            if node.kind is Kind.MULTIPART and not node.children:
                node.kind = Kind.LEAF
                node.present()
                self._captures += 1
                if not capture_limit(node, self._captures - 1):
                    node.captured = None
            node = node.parent

    def _count(self, offset: int) -> None:
        """Count lines up to *offset*, and keep what the current part's preview needs."""
        start, end = self._counted - self._base, offset - self._base
        self._lines += self._buffer.count(b"\n", start, end)
        captured = self._node.captured
        if captured is not None:
            wanted = capture_limit(self._node, 0) - len(captured)
            captured += self._buffer[start : min(end, start + wanted)]
        self._counted = offset
