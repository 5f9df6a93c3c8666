"""The analysis of a message that trace fields are put before (RFC 5321 4.4), without a new scan.

Return-Path, Delivered-To and Received say nothing that an analysis holds, so all that changes is
where things are.  The limit on header blocks is one for what strangers send: the few lines that
delivery adds may exceed it.
"""

from __future__ import annotations

from mailhub.mime.analysis import Analysis
from mailhub.mime.headers import fields
from mailhub.mime.parts import shifted
from mailhub.mime.scanner import MESSAGE_FIELDS


def prepended(analysis: Analysis, prefix: bytes) -> Analysis:
    """What :func:`analyse` says of *prefix* and then the message that *analysis* is of.

    *prefix* is whole header lines.  ValueError when one of them would change more than places.
    """
    if not prefix:
        return analysis
    if not prefix.endswith(b"\n") or prefix.startswith((b"\n", b"\r")) or b"\n\r\n" in prefix:
        raise ValueError("not whole header lines")
    for name, _ in fields(prefix):
        if name in MESSAGE_FIELDS:
            raise ValueError(f"{name.decode('latin-1')} is no trace field")
    return analysis._replace(
        size=analysis.size + len(prefix),
        header_octets=analysis.header_octets + len(prefix),
        parts=shifted(analysis.parts, len(prefix)),
    )
