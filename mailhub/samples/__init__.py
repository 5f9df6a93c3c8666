"""The bundled sample mailbox: about 50 messages of made-up people, for a first look at mailhub.

Files in ``mail/`` hold one message each, as it would have arrived, except that lines end in a
bare LF; ``index.toml`` says where each lies.  Everything is at example.org and its like (RFC 2606),
dates and bytes never change, so tests and documentation can count on them.
"""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from mailhub.mime.scanner import analyse
from mailhub.model.mail import InternalDate
from mailhub.model.names import MailboxName, mailbox_name


@dataclass(frozen=True, slots=True)
class Sample:
    """One message, with what APPEND would be given."""

    name: str
    mailbox: MailboxName
    flags: frozenset[str]
    date: InternalDate
    data: bytes


def messages() -> list[Sample]:
    """All samples, in the order in which they are to be filed."""
    folder = files(__name__)
    index = tomllib.loads(folder.joinpath("index.toml").read_text("utf-8"))
    return [
        _sample(entry, folder.joinpath("mail", entry["file"]).read_bytes())
        for entry in index["message"]
    ]


def _sample(entry: Mapping[str, Any], stored: bytes) -> Sample:
    data = stored.replace(b"\n", b"\r\n")
    return Sample(
        name=entry["file"].removesuffix(".eml"),
        mailbox=mailbox_name(entry["mailbox"]),
        flags=frozenset(entry["flags"]),
        date=_date(entry.get("date"), data),
        data=data,
    )


def _date(given: datetime.datetime | None, data: bytes) -> InternalDate:
    """When it arrived: the date in the index, or the one in the message."""
    if given is not None:
        offset = given.utcoffset() or datetime.timedelta()
        return InternalDate(int(given.timestamp()), int(offset.total_seconds()) // 60)
    found = analyse(data)
    if found.sent_seconds is None:
        raise ValueError("a sample without a usable Date needs one in the index")
    return InternalDate(found.sent_seconds, found.sent_zone)
