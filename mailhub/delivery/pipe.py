"""What ``mailhub deliver`` does: hand a message to the running server over LMTP.

There is one way into the store, the server's; a message from a pipe takes it too, so quota,
filters, notification of open sessions and the log are the same.  While the server is away the
answer is "try again later", and the MTA keeps the message.

Exit codes are those of sysexits.h, which MTAs understand.  For several recipients there is only
one: a temporary failure of any comes first, so nothing is lost, at the price that those who have
the message get it again.  MTAs should therefore call it once per recipient.
"""

from __future__ import annotations

import os
import re
import smtplib
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mailhub.config.addresses import Address, BadAddress, TcpAddress, UnixAddress, parse_address
from mailhub.config.options import Listener

TIMEOUT_SECONDS = 300.0
"""More than the server takes for a large message to many."""

_LINE_END = re.compile(rb"\r?\n")
_STATUS = re.compile(rb"([245]\.\d{1,3}\.\d{1,3}) ?")
_EXIT_CODES = (
    ("5.1.", os.EX_NOUSER),
    ("5.2.2", os.EX_CANTCREAT),
    ("5.2.", os.EX_NOPERM),
    ("5.3.4", os.EX_DATAERR),
    ("5.6.", os.EX_DATAERR),
    ("5.7.", os.EX_NOPERM),
)
"""Beginning of an enhanced status code to exit code; any other 5.x.x is EX_UNAVAILABLE."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one recipient."""

    recipient: str
    code: int
    status: str
    text: str

    @property
    def exit_code(self) -> int:
        if self.code < 300:
            return os.EX_OK
        if self.code < 500:
            return os.EX_TEMPFAIL
        found = [exit for start, exit in _EXIT_CODES if self.status.startswith(start)]
        return found[0] if found else os.EX_UNAVAILABLE


class NotReached(Exception):
    """There was nobody to hand the message to: a temporary failure."""


def exit_code(answers: Iterable[Answer]) -> int:
    """One exit code for all recipients."""
    failed = [answer.exit_code for answer in answers if answer.exit_code]
    if os.EX_TEMPFAIL in failed:
        return os.EX_TEMPFAIL
    return failed[0] if failed else os.EX_OK


def server_address(listeners: Sequence[Listener]) -> Address:
    """Where the server of this configuration takes in LMTP, a Unix socket if there is one.

    Raises NotReached.
    """
    found = [
        parse_address(listener.address)
        for listener in listeners
        if listener.protocol == "lmtp" and listener.tls != "implicit" and not listener.proxy
    ]
    if not found:
        raise NotReached("the configuration has no LMTP listener to deliver to")
    return next((address for address in found if isinstance(address, UnixAddress)), found[0])


def named_address(text: str) -> Address:
    """The address given on the command line.  Raises NotReached."""
    try:
        return parse_address(text)
    except BadAddress as problem:
        raise NotReached(f"{text}: {problem}") from None


def as_message(data: bytes) -> bytes:
    """What came from the pipe, with CRLF line ends and without an mbox ``From `` line."""
    if data.startswith(b"From "):
        data = data.partition(b"\n")[2]
    data = _LINE_END.sub(b"\r\n", data)
    return data if data.endswith(b"\r\n") or not data else data + b"\r\n"


def hand_over(
    address: Address, sender: str, recipients: Sequence[str], message: bytes
) -> list[Answer]:
    """One answer per recipient, in their order.  Raises NotReached."""
    try:
        with _connect(address) as client:
            return _converse(client, sender, recipients, message)
    except smtplib.SMTPResponseException as refused:
        answer = _answer("", (refused.smtp_code, _octets(refused.smtp_error)))
        return [Answer(r, answer.code, answer.status, answer.text) for r in recipients]
    except (OSError, smtplib.SMTPException) as problem:
        raise NotReached(f"no mailhub at {address}: {problem}") from problem


def _connect(address: Address) -> smtplib.LMTP:
    name = socket.gethostname()
    if isinstance(address, UnixAddress):
        return smtplib.LMTP(str(address.path), local_hostname=name, timeout=TIMEOUT_SECONDS)
    return smtplib.LMTP(_reachable(address), address.port, name, timeout=TIMEOUT_SECONDS)


def _reachable(address: TcpAddress) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "localhost"}.get(address.host, address.host)  # noqa: S104


def _converse(
    client: smtplib.LMTP, sender: str, recipients: Sequence[str], message: bytes
) -> list[Answer]:
    """The whole LMTP dialogue; smtplib knows all of it but the replies after the first."""
    client.ehlo_or_helo_if_needed()
    options = [f"SIZE={len(message)}", "BODY=8BITMIME"]
    if not all(address.isascii() for address in (sender, *recipients)):
        options.append("SMTPUTF8")
    _expect(client.mail(sender, options))
    answers = {recipient: _answer(recipient, client.rcpt(recipient)) for recipient in recipients}
    accepted = [r for r, answer in answers.items() if answer.code < 300]
    replies = [client.data(message)] if accepted else []
    replies += [client.getreply() for _ in accepted[1:]]  # 2033 4.2: one each
    for recipient, reply in zip(accepted, replies, strict=True):
        answers[recipient] = _answer(recipient, reply)
    return [answers[recipient] for recipient in recipients]


def _expect(reply: tuple[int, bytes]) -> None:
    if reply[0] >= 300:
        raise smtplib.SMTPResponseException(*reply)


def _answer(recipient: str, reply: tuple[int, bytes]) -> Answer:
    code, text = reply
    status = _STATUS.match(text)
    rest = text[status.end() :] if status else text
    return Answer(
        recipient, code, status[1].decode() if status else "", rest.decode("utf-8", "replace")
    )


def _octets(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
