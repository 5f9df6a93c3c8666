"""What the grammar says no with."""

from __future__ import annotations


class SyntaxRefused(Exception):
    """The client's bytes are not what the grammar allows.  Answer: BAD.

    *place* is some of what the client has sent, which must not be repeated where it may be a
    secret; then ``what`` alone is the answer.
    """

    def __init__(self, what: str, place: str = "") -> None:
        super().__init__(f"{what} at {place}" if place else what)
        self.what = what
