"""Who may log in: portal, realm, checkers of local accounts, throttling and policy.

Protocols know only the portal.  A directory comes in as another checker beside
:mod:`mailhub.auth.local` and :mod:`mailhub.auth.scram`.
"""
