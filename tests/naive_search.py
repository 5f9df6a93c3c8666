"""What a search finds, evaluated message by message with the standard library.

The oracle for real engines: no index, no SQL, no code of :mod:`mailhub.mime` but the casemap.
"""

from __future__ import annotations

import datetime
import email
import email.header
import email.policy
import re
from email.message import Message as EmailMessage
from typing import Protocol

from mailhub.mime.analysis import Analysis
from mailhub.mime.casemap import casemap
from mailhub.model.flags import FIRST_KEYWORD_BIT, SYSTEM_FLAGS, canonical_flag
from mailhub.model.mail import InternalDate
from mailhub.model.search import (
    And,
    BodyContains,
    DateField,
    EmailIdIs,
    Everything,
    HasFlag,
    HeaderContains,
    ModSeqAtLeast,
    Not,
    OnDays,
    Or,
    Query,
    ReceivedBetween,
    SizeAbove,
    SizeBelow,
    TextContains,
    ThreadIdIs,
    UidIn,
)


class Searched(Protocol):
    uid: int
    data: bytes
    analysis: Analysis
    flags: int
    date: InternalDate
    saved: int
    modseq: int
    content: int


def matches(query: Query, m: Searched, keywords: list[str]) -> bool:
    match query:
        case Everything():
            return True
        case Not(inner):
            return not matches(inner, m, keywords)
        case And(queries):
            return all(matches(q, m, keywords) for q in queries)
        case Or(queries):
            return any(matches(q, m, keywords) for q in queries)
        case HasFlag(name):
            return has_flag(m.flags, canonical_flag(name), keywords)
        case UidIn(uids):
            return m.uid in uids
        case SizeAbove(octets):
            return len(m.data) > octets
        case SizeBelow(octets):
            return len(m.data) < octets
        case ModSeqAtLeast(modseq):
            return m.modseq >= modseq
        case ReceivedBetween(after, before):
            late_enough = after is None or m.date.seconds >= after
            return late_enough and (before is None or m.date.seconds < before)
        case OnDays(field, first, end):
            day = day_of(field, m)
            return (
                day is not None and (first is None or first <= day) and (end is None or day < end)
            )
        case HeaderContains(field, text):
            return any(in_header(text, v) for v in header_values(m.data, field))
        case BodyContains(text):
            return casemap(text) in casemap(body_text(parsed(m.data)))
        case TextContains(text):
            message = parsed(m.data)
            headers = "\n".join(f"{k}: {decoded(v)}" for k, v in message.items())
            return in_header(text, headers) or casemap(text) in casemap(body_text(message))
        case EmailIdIs(value):
            return value == f"M{m.content}"
        case ThreadIdIs(value):
            return value == f"T{m.content}"


def has_flag(mask: int, name: str, keywords: list[str]) -> bool:
    if name in SYSTEM_FLAGS:
        return bool(mask & SYSTEM_FLAGS[name])
    words = [word.lower() for word in keywords]
    place = words.index(name.lower()) if name.lower() in words else None
    return place is not None and bool(mask >> FIRST_KEYWORD_BIT + place & 1)


def day_of(field: DateField, m: Searched) -> datetime.date | None:
    if field is DateField.SENT:
        if m.analysis.sent_seconds is None:
            return None
        return local_day(m.analysis.sent_seconds, m.analysis.sent_zone)
    if field is DateField.SAVED:
        return local_day(m.saved, 0)
    return local_day(m.date.seconds, m.date.zone_minutes)


def local_day(seconds: int, zone_minutes: int) -> datetime.date:
    zone = datetime.timezone(datetime.timedelta(minutes=zone_minutes))
    return datetime.datetime.fromtimestamp(seconds, zone).date()


def parsed(data: bytes) -> EmailMessage:
    return email.message_from_bytes(data, policy=email.policy.compat32)


def in_header(text: str, header: str) -> bool:
    """Several blanks, such as folding leaves, count as they are and as one."""
    needle, mapped = casemap(text), casemap(header)
    return needle in mapped or needle in re.sub(" {2,}", " ", mapped)


def header_values(data: bytes, field: str) -> list[str]:
    return [decoded(v) for v in parsed(data).get_all(field, [])]


def decoded(value: object) -> str:
    unfolded = str(value).replace("\r\n", "").replace("\n", "").replace("\t", " ")
    return str(email.header.make_header(email.header.decode_header(unfolded)))


def body_text(message: EmailMessage) -> str:
    texts = []
    for part in message.walk():
        if part.get_content_maintype() == "text":
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            texts.append(payload.decode(part.get_content_charset("utf-8"), "replace"))
    return "\n".join(texts)
