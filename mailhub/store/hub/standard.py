"""The folders that every new account starts with.

Made and subscribed: Thunderbird shows subscribed folders only, Outlook 2010 looks for folders
rather than for special-use attributes, iPhones want the attributes (RFC 6154).
"""

from __future__ import annotations

from mailhub.interfaces import IAccount
from mailhub.model.errors import MailboxExists
from mailhub.model.mail import SpecialUse
from mailhub.model.names import INBOX, MailboxName

STANDARD_FOLDERS = (
    (MailboxName("Drafts"), SpecialUse.DRAFTS),
    (MailboxName("Sent"), SpecialUse.SENT),
    (MailboxName("Trash"), SpecialUse.TRASH),
    (MailboxName("Junk"), SpecialUse.JUNK),
    (MailboxName("Archive"), SpecialUse.ARCHIVE),
)


async def create_standard_folders(account: IAccount) -> None:
    """Make and subscribe what is missing; what the person has already stays as it is."""
    taken = {use for entry in await account.mailboxes() for use in entry.special_use}
    await account.subscribe(INBOX)
    for name, use in STANDARD_FOLDERS:
        if use in taken:
            continue
        try:
            await account.create(name, frozenset({use}))
        except MailboxExists:
            continue
        await account.subscribe(name)
