"""The commands of POP3 and the states in which each is valid.  RFC 1939 3, RFC 2449 5.

The third state, UPDATE, is what QUIT does on the way out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from mailhub.pop3.commands import authenticate, general, messages

if TYPE_CHECKING:
    from mailhub.pop3.session import Session

Handler = Callable[["Session", bytes], Awaitable[None]]

AUTHORIZATION: Mapping[str, Handler] = {
    "USER": authenticate.user,
    "PASS": authenticate.pass_,
    "AUTH": authenticate.auth,
    "STLS": general.stls,
    "UTF8": general.utf8,
    "CAPA": general.capa,
    "LANG": general.lang,
    "QUIT": general.quit_,
}
TRANSACTION: Mapping[str, Handler] = {
    "STAT": messages.stat,
    "LIST": messages.list_,
    "UIDL": messages.uidl,
    "RETR": messages.retr,
    "TOP": messages.top,
    "DELE": messages.dele,
    "RSET": messages.rset,
    "NOOP": general.noop,
    "CAPA": general.capa,
    "LANG": general.lang,
    "QUIT": general.quit_,
}
SECRET = ("PASS", "AUTH")
"""Their arguments are shown nowhere."""
