"""The folders that every new account starts with.

Made and subscribed: Thunderbird shows subscribed folders only, Outlook 2010 looks for folders
rather than for special-use attributes, iPhones want the attributes (RFC 6154).
"""

from __future__ import annotations

from mailhub.interfaces import IAccount
from mailhub.model.mail import SpecialUse
from mailhub.model.names import MailboxName

STANDARD_FOLDERS = (
    (MailboxName("Drafts"), SpecialUse.DRAFTS),
    (MailboxName("Sent"), SpecialUse.SENT),
    (MailboxName("Trash"), SpecialUse.TRASH),
    (MailboxName("Junk"), SpecialUse.JUNK),
    (MailboxName("Archive"), SpecialUse.ARCHIVE),
)


async def create_standard_folders(account: IAccount) -> None:
    """Make and subscribe what is missing; what the person has already stays as it is."""
    await account.furnish(STANDARD_FOLDERS)
