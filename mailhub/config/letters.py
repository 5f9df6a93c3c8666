"""The message that tells somebody how full their account is, made of a template.

A template is a message: header fields, an empty line, text; UTF-8.  ``{account}``, ``{percent}``,
``{used}``, ``{limit}`` and ``{hostname}`` are replaced.  Date, From, To, Message-ID, Auto-Submitted
and the MIME fields are added where they are missing (RFC 5322, RFC 3834 5).
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

PLACES = ("account", "percent", "used", "limit", "hostname")
DEFAULT = """\
Subject: Your mailbox is {percent} % full

Your mailbox {account} holds {used} of the {limit} that it may hold.

When it is full, no new mail can be delivered to you.  To make room, delete
messages that you no longer need, begin with large ones, and empty the trash.
"""


_EXAMPLE = {
    "account": "alice@example.org",
    "percent": "80",
    "used": "80.0 MB",
    "limit": "100.0 MB",
    "hostname": "mail.example.org",
}


class BadTemplate(ValueError):
    """What is wrong, in words."""


def check_template(text: str) -> None:
    """Raises BadTemplate."""
    head, separator, _ = text.replace("\r\n", "\n").partition("\n\n")
    if not separator:
        raise BadTemplate("has no empty line after its header fields")
    for line in head.split("\n"):
        name, colon, _ = line.partition(":")
        if not colon or not name or any(c.isspace() for c in name):
            raise BadTemplate(f"has a line in its header that is no field: {line[:60]!r}")
    try:
        places = [each for each in string.Formatter().parse(text) if each[1] is not None]
    except ValueError as error:
        raise BadTemplate(f"has a brace that stands alone ({error}); write {{{{ for one") from error
    for _, place, form, conversion in places:
        if place not in PLACES or form or conversion:
            known = ", ".join(f"{{{place}}}" for place in PLACES)
            more = (f"!{conversion}" if conversion else "") + (f":{form}" if form else "")
            raise BadTemplate(f"has {{{place}{more}}}, which nothing replaces; known are {known}")
    try:
        letter(text, _EXAMPLE, 0)
    except ValueError as error:
        raise BadTemplate(f"is no message: {str(error).lower()}") from error


def letter(template: str, facts: Mapping[str, str], now: float) -> bytes:
    """The message, with CRLF.  *facts*: a value for each of PLACES."""
    text = template.replace("\r\n", "\n").format_map(facts)
    head, _, body = text.partition("\n\n")
    message = EmailMessage(policy=SMTP)
    for line in head.split("\n"):
        name, _, value = line.partition(":")
        message[name] = value.strip()
    when = datetime.fromtimestamp(now, UTC)
    for name, value in (
        ("Date", format_datetime(when)),
        ("From", f"postmaster@{facts['hostname']}"),
        ("To", facts["account"]),
        ("Message-ID", make_msgid(domain=facts["hostname"])),
        ("Auto-Submitted", "auto-generated"),  # 3834 5
    ):
        if name not in message:
            message[name] = value
    message.set_content(body)
    return message.as_bytes()
