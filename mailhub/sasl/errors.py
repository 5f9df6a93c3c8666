"""What a SASL exchange can fail with."""

from __future__ import annotations


class SaslFailed(Exception):
    """The client's message is malformed or proves nothing; the text is for the log only."""
