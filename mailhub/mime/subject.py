"""The base subject: what of a subject remains when replies and forwards are taken off.

RFC 5256 2.1, step by step.  Its ABNF (section 5) is ambiguous; the procedure decides.
"""

from __future__ import annotations

import re

MAX_SUBJECT = 1000
"""Characters that count; with the loops below, an endless subject would take long."""

_BLOB = r"\[[^\[\]]*\]\s*"
_leader = re.compile(rf"(?:{_BLOB})*(?:re|fwd?)\s*(?:{_BLOB})?:", re.IGNORECASE).match
_blob = re.compile(_BLOB).match


def base_subject(subject: str) -> str:
    """The base of a decoded *subject*, in its own case."""
    text = " ".join(subject[:MAX_SUBJECT].split())  # (1)
    while True:
        text = _without_trailers(text)  # (2)
        text = _without_prefixes(text)  # (3) to (5)
        if not (text[:5].lower() == "[fwd:" and text.endswith("]")):  # (6)
            return text
        text = text[5:-1]


def _without_trailers(text: str) -> str:
    while True:
        text = text.rstrip()
        if text[-5:].lower() != "(fwd)":
            return text
        text = text[:-5]


def _without_prefixes(text: str) -> str:
    position = 0
    while True:
        while text[position : position + 1].isspace():
            position += 1
        leader = _leader(text, position)
        if leader is not None:
            position = leader.end()
            continue
        blob = _blob(text, position)
        if blob is None or blob.end() == len(text):  # (4): something must remain
            return text[position:]
        position = blob.end()
