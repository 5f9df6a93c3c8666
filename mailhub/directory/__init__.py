"""An organisation's directory, asked over LDAP: who exists, and whether a password is theirs.

:class:`mailhub.directory.directory.Directory` provides ``IDirectory``.  What it promises is done by
plain synchronous code (:mod:`.lookup` and below) in a helper process (:mod:`.helper`), because
ldap3 is pure Python: in threads of the server it would hold the reactor up.  The command line runs
the same code in place.  It knows configuration, the model and ldap3; nothing of accounts,
policies and protocols.
"""
