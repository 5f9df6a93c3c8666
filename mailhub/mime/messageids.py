"""Message-ID, References and In-Reply-To as plain ids, for threads (RFC 5322 3.6.4, RFC 5256).

Ids come without angle brackets and white space, so that the same id is found again however a
program folded or quoted it.
"""

from __future__ import annotations

import re

MAX_REFERENCES = 100
"""Of a longer chain the first id (the thread) and the latest ones are kept."""

MAX_ID = 1000
"""Characters; RFC 5322 2.1.1 has room for less than that in a line."""

_ID = re.compile(rb"<([^<>]*)>")


def message_ids(value: bytes) -> list[str]:
    """The ids in *value* in their order, each once."""
    found = [_plain(text) for text in _ID.findall(_without_space(value)) if text]
    return list(dict.fromkeys(found)) if len(found) > 1 else found


def message_id(value: bytes) -> str:
    """The first id; what is there, when nothing stands in angle brackets."""
    value = _without_space(value)
    found = _ID.search(value)
    return _plain(found[1] if found else value)


def references(refers_to: bytes, replies_to: bytes) -> tuple[str, ...]:
    """The ids of References, then the first of In-Reply-To, which may hold other text."""
    ids = message_ids(refers_to)
    parent = message_ids(replies_to)[:1]
    if parent and parent[0] not in ids:
        ids += parent
    if len(ids) > MAX_REFERENCES:
        ids = ids[:1] + ids[1 - MAX_REFERENCES :]
    return tuple(ids)


def _without_space(value: bytes) -> bytes:
    return b"".join(value.split())


def _plain(text: bytes) -> str:
    return text.decode("utf-8", "replace").replace('"', "")[:MAX_ID]
