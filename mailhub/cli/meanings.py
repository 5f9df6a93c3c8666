"""What each refusal means for an administrator: the sentence under what ``mailhub explain`` prints.

By the class that the event names; a test asks for a sentence for every class there is.
"""

from __future__ import annotations

from collections.abc import Mapping

MEANINGS: Mapping[str, str] = {
    # log-in
    "BadCredentials": "Unknown user or wrong password; the client is not told which.",
    "Unproved": "Nobody can say whose the password would be: several entries match the name, or the"
    " entry has no id that mailhub may read; the client is told what it is told about a wrong"
    " password.",
    "NoSuchPerson": "Nobody of that name is known; the client is told what it is told about a"
    " wrong password.  Is the name right, and does mailhub directory check find it?",
    "LockedOut": "The directory has locked or inactivated the account and looked at no password;"
    " the client is told what it is told about a wrong one.",
    "KeptBack": "The password was not sent to the directory, which counts so many wrong ones that"
    " one more would lock the account; one that has worked before still does.  It passes when"
    " the directory forgets them, or with a log-in elsewhere.",
    "BadToken": "The access token is not accepted: malformed, over, of another issuer, for another"
    " service.  The detail says which; mailhub explain token prints every step.",
    "LogInDisabled": "The password is right, and the account is disabled: here (mailhub account"
    " show), by its domain, or in the directory.",
    "SecretExpired": "The password is right, and expired or to be changed in the directory; or an"
    " app password whose time is over (mailhub app-password list).",
    "LogInForbidden": "Not in this way, even with the right password: protocol, network, no TLS,"
    " no right to act as somebody else, not what the app password is for, or a person of a"
    " directory who cannot have an account here."
    "  mailhub policy show prints what holds for an account.",
    "TooManyConnections": "The account has as many connections as it may; the detail names who"
    " holds them.  mailhub session list shows them, mailhub session end ends them.",
    "TooManyAttempts": "Too many different wrong passwords from there for this account, so this"
    " one was not looked at.  It passes by itself after auth.throttle_window.",
    "LogInUnavailable": "Whoever knows the password could not be asked (a directory that does not"
    " answer, hub.db busy); the client was told to try again.  mailhub directory check tells more.",
    "PasswordNeeded": "The directory shows an entry to its owner only (template-bind without a"
    " bind_dn and a user_base), so nothing can be said of a log-in without the password: try it"
    " with --password-stdin.",
    "LogInRefused": "The log-in was refused.",
    # mail and mailboxes
    "NoSuchRecipient": "No account, alias, user+detail, catch-all or directory entry has this"
    " address.  mailhub explain delivery ADDRESS prints where it was looked for.",
    "AccountDisabled": "The address, the account or its domain is disabled.",
    "NoSuchAccount": "The account was deleted.",
    "AccountExists": "An account, alias or domain of that name exists already.",
    "OverQuota": "The account or its domain is full: mailhub quota show.",
    "FullForNow": "The account or its domain is full, and delivery.over_quota lets mail wait.",
    "NoSuchQuotaRoot": "Nobody of that address has a quota here.",
    "MessageTooLarge": "The message is larger than limits.max_message.",
    "StorageFull": "The disk has less than store.min_free left: new mail waits with the sender.",
    "Unavailable": "For the moment only; the client was told to try again, and nothing was lost.",
    "Damaged": "Stored data failed a check: mailhub doctor looks at the account.",
    "LimitReached": "A limit other than the quota: keywords in a mailbox, mailboxes in an account.",
    "NotPermitted": "This log-in or address has no right to that: a log-in that may only read, or a"
    " [[policy]] rule that refuses mail for the address.",
    "NoSuchMailbox": "There is no mailbox of that name.",
    "MailboxExists": "A mailbox of that name exists already.",
    "BadMailboxName": "That is not a valid mailbox name.",
    "CannotAdopt": "Somebody of a directory who cannot have an account, for the reason told; mail"
    " for them waits.",
    "CannotDo": "A request that can never succeed, such as deleting INBOX.",
    "MessageGone": "The message was expunged and is no longer kept.",
    "MailboxGone": "The mailbox was deleted while it was open.",
    "InUse": "Somebody else holds the maildrop: a second POP3 client, or one that hung up badly"
    " and is not yet timed out.  mailhub session list shows it.",
    "TooSoon": "The last POP3 session of the account began less than pop3.login_delay ago.",
    "Busy": "hub.db was locked by another process for too long; the client was told to try again.",
    "Refusal": "The request was refused.",
}

INTERNAL_ERROR = (
    "A mistake of mailhub itself; the client was told to try again.  The log has the whole"
    " traceback, and perhaps the dialogue before it: please report both."
)


def meaning(record: Mapping[str, object]) -> str:
    """What to make of the refusal in *record*."""
    if record.get("event") == "command.failed":
        return INTERNAL_ERROR
    return MEANINGS.get(str(record.get("outcome", "")), MEANINGS["Refusal"])
