"""The arguments of MAIL and RCPT: addresses in angle brackets, and parameters.  RFC 5321 4.1.2.

An address comes out in one canonical form: a local part that needs no quotes has none.  Source
routes are read and ignored (5321 4.1.1.3).  Lax where mail that exists needs it: dots anywhere
in a local part, ``_`` in a domain, a local part without a domain, a space after the colon.  No
control character ever comes out, so an address is safe in a header field.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailhub.lmtp.wire import Refused

_BEYOND_ASCII = "\u00a0-\u2027\u202a-\ud7ff\ue000-\U0010ffff"  # neither controls nor line ends
_ATOM = rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~.\-{_BEYOND_ASCII}]+"
_QUOTED = rf'"(?:\\[ -~]|[ !#-\[\]-~{_BEYOND_ASCII}])*"'
_DOMAIN = rf"[A-Za-z0-9_{_BEYOND_ASCII}](?:[A-Za-z0-9_.\-{_BEYOND_ASCII}]*)|\[[!-Z^-~]+\]"
_ROUTE = rf"(?:@(?:{_DOMAIN})(?:,@(?:{_DOMAIN}))*:)?"
_PATH = re.compile(
    rf" ?<{_ROUTE}(?P<local>{_ATOM}|{_QUOTED})(?:@(?P<domain>{_DOMAIN}))?>(?P<rest>.*)"
)
_NULL_PATH = re.compile(r" ?<>(?P<rest>.*)")
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~\u0080-\U0010ffff]+))?")
_ATOM_ONLY = re.compile(_ATOM)

MAX_ADDRESS_OCTETS = 1000  # more than 5321 4.5.3.1.3 asks for: detail addresses are long


@dataclass(frozen=True, slots=True)
class MailFrom:
    sender: str
    """Empty: the null reverse-path of a bounce."""
    size: int = 0
    """As declared (1870); 0: not declared."""
    eight_bit: bool = False
    smtputf8: bool = False


def parse_mail(argument: str) -> MailFrom:
    """MAIL's argument, ``FROM:<...>`` and parameters, or Refused."""
    rest = _after(argument, "FROM:")
    match = _NULL_PATH.fullmatch(rest)
    sender = "" if match else _address(_path(rest, "5.1.7"))
    parameters = _parameters((match or _path(rest, "5.1.7"))["rest"])
    mail = MailFrom(
        sender,
        size=_size(parameters.pop("SIZE", "0")),
        eight_bit=_eight_bit(parameters.pop("BODY", "7BIT")),
        smtputf8="SMTPUTF8" in parameters,
    )
    if parameters.pop("SMTPUTF8", None) is not None:
        raise Refused(501, "5.5.4", "SMTPUTF8 takes no value")
    _refuse_unknown(parameters)
    check_ascii(sender, mail.smtputf8)
    return mail


def parse_rcpt(argument: str, *, smtputf8: bool) -> str:
    """RCPT's argument, ``TO:<...>``: the address, or Refused."""
    path = _path(_after(argument, "TO:"), "5.1.3")
    _refuse_unknown(_parameters(path["rest"]))
    address = _address(path)
    check_ascii(address, smtputf8)
    return address


def check_ascii(address: str, smtputf8: bool) -> None:
    if not smtputf8 and not address.isascii():  # 6531 3.5
        raise Refused(553, "5.6.7", "An address beyond ASCII needs SMTPUTF8")


def _after(argument: str, keyword: str) -> str:
    if argument[: len(keyword)].upper() != keyword:
        raise Refused(501, "5.5.4", f"Syntax: {keyword}<address>")
    return argument[len(keyword) :]


def _path(text: str, status: str) -> re.Match[str]:
    match = _PATH.fullmatch(text)
    if match is None or len(text.encode()) > MAX_ADDRESS_OCTETS:
        raise Refused(501, status, "That is not an address")
    return match


def _address(path: re.Match[str]) -> str:
    local, domain = path["local"], path["domain"]
    if local.startswith('"'):
        plain = re.sub(r"\\(.)", r"\1", local[1:-1])
        if _ATOM_ONLY.fullmatch(plain):  # 5321 4.1.2: the quotes do not change the address
            local = plain
    return f"{local}@{domain}" if domain else local


def _parameters(text: str) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    if text and not text.startswith(" "):
        raise Refused(501, "5.5.4", "Parameters are separated by spaces")
    for word in text.split():
        match = _PARAMETER.fullmatch(word)
        if match is None:
            raise Refused(501, "5.5.4", "That is not a parameter")
        keyword = match[1].upper()
        if keyword in found:
            raise Refused(501, "5.5.4", f"{keyword} was given twice")
        found[keyword] = match[2]
    return found


def _refuse_unknown(parameters: dict[str, str | None]) -> None:
    for keyword in parameters:
        raise Refused(555, "5.5.4", f"Unknown parameter {keyword}")  # 5321 4.1.1.11


def _size(value: str | None) -> int:
    if value is None or not value.isascii() or not value.isdigit() or len(value) > 20:  # 1870 3
        raise Refused(501, "5.5.4", "SIZE wants a number of octets")
    return int(value)


def _eight_bit(value: str | None) -> bool:
    if value is None or value.upper() not in ("7BIT", "8BITMIME"):  # 6152 2
        raise Refused(501, "5.5.4", "BODY may be 7BIT or 8BITMIME")
    return value.upper() == "8BITMIME"
