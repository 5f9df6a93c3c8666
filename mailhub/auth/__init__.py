"""Who may log in: portal, realm, checkers of local accounts, throttling and policy.

Protocols know only the portal.  A directory comes in as another source of passwords beside
:mod:`mailhub.auth.local`, under :mod:`mailhub.auth.chain`.
"""
