"""GETQUOTA, GETQUOTAROOT, SETQUOTA.  RFC 9208.

Every account is one quota root, called by the account's address: never empty, which crashes Apple
Mail, and a name that administrators can use for anybody's.  A resource without a limit is left out
(0 would mean that nothing is allowed, 9208 3.1.2); MAILBOX always has one, so the list is never
empty, which the text of 9208 4.2.1 allows and its grammar does not.  ANNOTATION-STORAGE is left
out: there are no annotations.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailhub.imap.errors import No
from mailhub.imap.registry import command
from mailhub.imap.session import Session, State
from mailhub.imap.wire.reader import Reader
from mailhub.imap.wire.writer import Astring, Item, Mailbox
from mailhub.interfaces_quota import IQuotaRoots
from mailhub.model.errors import NoSuchQuotaRoot
from mailhub.model.names import MailboxName
from mailhub.model.quota import Limits, QuotaStatus

STORAGE_UNIT = 1024  # 9208 5.1
RESOURCES = ("STORAGE", "MESSAGE", "MAILBOX")
MAX_LIMIT = 2**53  # in kilobytes: the product is still a 63-bit number
CAPABILITIES = ("QUOTA", *(f"QUOTA=RES-{name}" for name in RESOURCES))  # 9208 3.1.1


@dataclass(frozen=True, slots=True)
class GetQuota:
    root: str


@dataclass(frozen=True, slots=True)
class GetQuotaRoot:
    mailbox: MailboxName


@dataclass(frozen=True, slots=True)
class SetQuota:
    root: str
    limits: tuple[tuple[str, int], ...]


def parse_getquota(r: Reader) -> GetQuota:
    r.sp()
    root = r.astring()
    r.end()
    return GetQuota(root)


def parse_getquotaroot(r: Reader) -> GetQuotaRoot:
    r.sp()
    mailbox = r.mailbox()
    r.end()
    return GetQuotaRoot(mailbox)


def parse_setquota(r: Reader) -> SetQuota:
    r.sp()
    root = r.astring()
    r.sp()
    limits = r.items(lambda: _limit(r), may_be_empty=True)
    r.end()
    return SetQuota(root, tuple(limits))


def _limit(r: Reader) -> tuple[str, int]:
    name = r.atom().upper()
    r.sp()
    return name, r.number64()


@command("GETQUOTA", parse_getquota, state=State.AUTHENTICATED, capabilities=CAPABILITIES)
async def getquota(session: Session, cmd: GetQuota) -> None:  # 9208 4.1.1
    if _is_own(session, cmd.root):
        _send(session, session.account.address, await session.account.quota())
        return
    roots = _administrated(session)
    if roots is None:
        raise NoSuchQuotaRoot
    _send(session, cmd.root, await roots.status(cmd.root))


@command("GETQUOTAROOT", parse_getquotaroot, state=State.AUTHENTICATED)
async def getquotaroot(session: Session, cmd: GetQuotaRoot) -> None:
    """The mailbox need not exist (9208 4.1.2)."""
    root = session.account.address
    session.untagged("QUOTAROOT", Mailbox(cmd.mailbox), Astring(root))
    _send(session, root, await session.account.quota())


def _quotaset(session: Session) -> tuple[str, ...]:
    may = session.state is not State.NOT_AUTHENTICATED and _administrated(session) is not None
    return ("QUOTASET",) if may else ()


@command("SETQUOTA", parse_setquota, state=State.AUTHENTICATED, capabilities=(_quotaset,))
async def setquota(session: Session, cmd: SetQuota) -> None:  # 9208 4.1.3
    roots = _administrated(session)
    if roots is None:
        raise No("Only administrators may set quotas", "NOPERM")
    limits = _limits(dict(cmd.limits))
    _send(session, cmd.root, await roots.set_limits(cmd.root, limits, session.account.address))


def _limits(wanted: dict[str, int]) -> Limits:
    """0 for what is not mentioned: limits that are not listed are removed.

    What no resource stands for (the messages of a mailbox, the octets of a message) stays as it is.
    """
    for name, limit in wanted.items():
        if name not in RESOURCES:
            raise No(f"There is no resource {name} here", "CANNOT")
        if not limit:
            raise No("Nobody can live without any room; disable the account instead", "CANNOT")
        if limit > MAX_LIMIT:
            raise No(f"{limit} is more than can be counted", "CANNOT")
    return Limits(
        octets=wanted.get("STORAGE", 0) * STORAGE_UNIT,
        messages=wanted.get("MESSAGE", 0),
        mailboxes=wanted.get("MAILBOX", 0),
    )


def _is_own(session: Session, root: str) -> bool:
    return root.casefold() == session.account.address.casefold()


def _administrated(session: Session) -> IQuotaRoots | None:
    roots = session.quota_roots
    if roots is None or session.account.read_only:
        return None
    return roots if roots.administers(session.account) else None


def _send(session: Session, root: str, status: QuotaStatus) -> None:  # 9208 4.2.1
    quota, usage = status.quota, status.usage
    values: list[Item] = []
    if quota.octets:
        values += ("STORAGE", _units(usage.octets), _units(quota.octets))
    if quota.messages:
        values += ("MESSAGE", usage.messages, quota.messages)
    most = status.most_mailboxes
    values += ("MAILBOX", status.mailboxes, min(most, quota.mailboxes or most))
    session.untagged("QUOTA", Astring(root), values)


def _units(octets: int) -> int:
    """Both numbers upwards: one octet is not "empty", and nobody seems to keep too much."""
    return -(-octets // STORAGE_UNIT)
