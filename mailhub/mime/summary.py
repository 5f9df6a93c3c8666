"""From the scanned parts and the message's header to what is stored beside the message.

Sort keys are those of RFC 5256 and RFC 5957, casemapped already, so that sorting compares them as
they are.  Text for searching is decoded and keeps its case.
"""

from __future__ import annotations

from mailhub.mime import dates, messageids, parts
from mailhub.mime.addressfields import texts
from mailhub.mime.analysis import Analysis
from mailhub.mime.attachments import has_attachment
from mailhub.mime.casemap import casemap
from mailhub.mime.envelope import addresses, envelope, first
from mailhub.mime.headers import Fields
from mailhub.mime.preview import preview
from mailhub.mime.structure import bodystructure
from mailhub.mime.subject import base_subject
from mailhub.mime.tree import Node
from mailhub.mime.words import decode_words

SUMMARY_FIELDS = frozenset((b"references",))


def summarise(root: Node, size: int, fields: Fields) -> Analysis:
    found = addresses(fields)
    sent = dates.parse(first(fields, b"date") or b"")
    subject = decode_words(first(fields, b"subject") or b"")
    return Analysis(
        size=size,
        header_octets=root.body_start,
        envelope=envelope(fields, found),
        bodystructure=bodystructure(root),
        parts=parts.encode(root),
        preview=preview(root),
        sent_seconds=sent.seconds if sent else None,
        sent_zone=sent.zone_minutes if sent else 0,
        message_id=messageids.message_id(first(fields, b"message-id") or b""),
        references=messageids.references(
            first(fields, b"references") or b"", first(fields, b"in-reply-to") or b""
        ),
        base_subject=casemap(base_subject(subject)),
        subject=texts(fields.get(b"subject", [])),
        from_=found.from_.text,
        to=found.to.text,
        cc=found.cc.text,
        sort_from=found.from_.sort,
        sort_to=found.to.sort,
        sort_cc=found.cc.sort,
        display_from=found.from_.display,
        display_to=found.to.display,
        has_attachment=has_attachment(root),
    )
