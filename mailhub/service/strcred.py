"""``--auth mailhub-local:...`` and ``--auth ldap:...`` for any Twisted application (strcred).

What an application's ``--help-auth-type`` prints, and what is wrong with an argument.  The rest
is loaded when one of them is used (:mod:`.standalone`); every application that lists its checkers
loads this module.
"""

from __future__ import annotations

from pathlib import Path

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.strcred import ICheckerFactory, InvalidAuthArgumentString
from twisted.plugin import IPlugin
from zope.interface import implementer

from mailhub.config.problems import ConfigError
from mailhub.model.errors import Refusal

LOCAL_HELP = """\
Passwords of mailhub's local accounts (mailhub account add, mailhub passwd).

    --auth mailhub-local:/etc/mailhub/mailhub.toml
    --auth mailhub-local:/var/lib/mailhub

PATH is mailhub's configuration file, whose [[policy]] rules hold as well, or its data directory.
The application must be allowed to use the data directory: run it as the same user.  An avatar's id
is the account's primary address.
"""
LDAP_HELP = """\
Passwords of people in an LDAP directory, as mailhub asks it: OpenLDAP, 389 DS, FreeIPA,
Active Directory, lldap.

    --auth ldap:/etc/mailhub/mailhub.toml
    --auth ldap:/etc/mailhub/directories.toml:corp

FILE holds [[directory]] sections as docs/directory.rst and "mailhub directory show --preset" tell;
other sections are not looked at.  After a colon: the name of the one directory to ask; otherwise
all are asked, in their order, until one knows the name.  "mailhub directory check" tells what is
wrong.  An avatar's id is the person's primary address, or the DN of somebody who has none.

Empty passwords are refused, certificates verified, referrals not followed, and the same wrong
password reaches the directory once within lockout_window.
"""


class _Factory:
    credentialInterfaces = (IUsernamePassword,)  # noqa: N815 - Twisted's name


@implementer(ICheckerFactory, IPlugin)
class LocalCheckerFactory(_Factory):
    authType = "mailhub-local"  # noqa: N815 - Twisted's name
    authHelp = LOCAL_HELP  # noqa: N815 - Twisted's name
    argStringFormat = "PATH of mailhub's configuration file or data directory."  # noqa: N815

    def generateChecker(self, argstring: str) -> ICredentialsChecker:
        """Raises InvalidAuthArgumentString."""
        from mailhub.service.standalone import local_checker

        if not argstring:
            raise InvalidAuthArgumentString("mailhub-local:PATH, and there is no PATH")
        try:
            return local_checker(Path(argstring).absolute())
        except (ConfigError, Refusal, OSError) as problem:
            raise InvalidAuthArgumentString(str(problem)) from problem


@implementer(ICheckerFactory, IPlugin)
class LdapCheckerFactory(_Factory):
    authType = "ldap"  # noqa: N815 - Twisted's name
    authHelp = LDAP_HELP  # noqa: N815 - Twisted's name
    argStringFormat = "FILE[:NAME] with [[directory]] sections, name of one of them."  # noqa: N815

    def generateChecker(self, argstring: str) -> ICredentialsChecker:
        """Raises InvalidAuthArgumentString."""
        from mailhub.service.standalone import directory_checker

        file, _, name = argstring.partition(":")
        if not file:
            raise InvalidAuthArgumentString("ldap:FILE[:NAME], and there is no FILE")
        try:
            return directory_checker(Path(file).absolute(), name)
        except ConfigError as problem:
            raise InvalidAuthArgumentString(str(problem)) from problem
