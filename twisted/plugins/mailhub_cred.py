"""Makes mailhub's checkers known to Twisted: ``--auth mailhub-local:...``, ``--auth ldap:...``."""

from mailhub.service.strcred import LdapCheckerFactory, LocalCheckerFactory

local = LocalCheckerFactory()
ldap = LdapCheckerFactory()
