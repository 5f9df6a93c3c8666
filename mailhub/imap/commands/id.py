"""ID.  RFC 2971.

What the client says about itself is read and not kept: it must not make a difference (2971 2).
"""

from __future__ import annotations

from dataclasses import dataclass

import mailhub
from mailhub.imap.registry import command
from mailhub.imap.session import Session, State
from mailhub.imap.wire.reader import Reader
from mailhub.imap.wire.writer import Quoted

MAX_FIELDS = 30  # 2971 3.3
OURS = {"name": "mailhub", "version": mailhub.__version__}


@dataclass(frozen=True, slots=True)
class Id:
    pass


def parse_id(r: Reader) -> Id:
    r.sp()
    if not r.accept(b"NIL"):
        fields = r.items(lambda: _field(r), may_be_empty=True)
        if len(fields) > MAX_FIELDS:
            raise r.refused("Too many fields")
    r.end()
    return Id()


def _field(r: Reader) -> tuple[bytes, bytes | None]:
    name = r.string()
    r.sp()
    return name, r.nstring()


@command("ID", parse_id, state=State.ANY, capabilities=("ID",))
async def identify(session: Session, _: Id) -> None:
    session.untagged("ID", [Quoted(text) for pair in OURS.items() for text in pair])
