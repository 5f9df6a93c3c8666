"""The embedded set-up: example.org with alice and bob, and sample mail for alice.

Made at the first start, before the reactor runs.  Passwords are set last: a first start that was
interrupted finds accounts without any at the next one, and finishes what is missing.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mailhub.auth.verifiers import make_verifiers
from mailhub.config.load import EMBEDDED_DOMAIN
from mailhub.config.options import Config
from mailhub.interfaces import IAccount, Incoming
from mailhub.model.names import MailboxName
from mailhub.service.engine import Engine, open_inline
from mailhub.service.together import at_once
from mailhub.store.hub import accounts, credentials, domains
from mailhub.store.hub.accounts import Account
from mailhub.store.hub.datadir import DataDir
from mailhub.store.hub.standard import create_standard_folders

if TYPE_CHECKING:
    from mailhub.samples import Sample

ACCOUNTS = (f"alice@{EMBEDDED_DOMAIN}", f"bob@{EMBEDDED_DOMAIN}")
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # no l, 1, o, 0: passwords are typed from a screen
_GROUPS = 4


def first_start(config: Config, data: DataDir) -> Mapping[str, str]:
    """Make what is missing; returns the passwords of accounts made just now.

    Domains, accounts and mail that are there already stay as they are.
    """
    engine = open_inline(config, data)
    try:
        present = _accounts(engine)
        new = [account for account in present if not _has_password(engine, account)]
        for account in new:
            at_once(_furnish(engine, account))
        return {account.address: _set_password(engine, account) for account in new}
    finally:
        at_once(engine.close())


def _accounts(engine: Engine) -> list[Account]:
    """Both accounts; none when an administrator has made other domains or removed these."""
    now = int(time.time())
    with engine.hub.file.write() as tx:
        if not domains.all_domains(tx):
            domains.add(tx, EMBEDDED_DOMAIN, now)
            for address in ACCOUNTS:
                accounts.add(tx, address, now)
        return [account for account in accounts.all_accounts(tx) if account.address in ACCOUNTS]


def _has_password(engine: Engine, account: Account) -> bool:
    with engine.hub.file.read() as tx:
        return bool(credentials.of_account(tx, account.number))


def _set_password(engine: Engine, account: Account) -> str:
    password = "-".join(
        "".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(_GROUPS)
    )
    with engine.hub.file.write() as tx:
        credentials.replace(tx, account.number, make_verifiers(password))
    return password


async def _furnish(engine: Engine, account: Account) -> None:
    mail = await engine.store.account(account.id)
    await create_standard_folders(mail)
    if account.address != ACCOUNTS[0]:
        return
    from mailhub.samples import messages  # not loaded by a server that has them already

    by_mailbox: dict[MailboxName, list[Sample]] = {}
    for sample in messages():
        by_mailbox.setdefault(sample.mailbox, []).append(sample)
    present = {entry.name for entry in await mail.mailboxes() if entry.id is not None}
    for mailbox, samples in by_mailbox.items():
        if mailbox not in present:
            await mail.create(mailbox)
        if not (await mail.status(mailbox)).exists:  # all or none: an append is one transaction
            await _file(mail, mailbox, samples)
    for entry in await mail.mailboxes():  # parents as well: some clients show nothing else
        await mail.subscribe(entry.name)


async def _file(mail: IAccount, mailbox: MailboxName, samples: list[Sample]) -> None:
    incoming = []
    for sample in samples:
        staging = mail.stage(len(sample.data))
        await staging.write(sample.data)
        incoming.append(Incoming(await staging.finish(), sample.flags, sample.date))
    await mail.append(mailbox, incoming)
    for message in incoming:
        message.staged.release()
