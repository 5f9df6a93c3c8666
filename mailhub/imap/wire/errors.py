"""What the grammar says no with."""

from __future__ import annotations


class SyntaxRefused(Exception):
    """The client's bytes are not what the grammar allows; the text says where.  Answer: BAD."""
