"""Postfix's policy delegation protocol: a full account is refused before its mail is taken in.

Postfix asks for each recipient (``check_policy_service``, SMTPD_POLICY_README) and gets the answer
of the same quota by which the mail would be filed: ``552 5.2.2``, or ``452 4.2.2`` where mail is
to wait; ``552 5.3.4`` for a message that is larger than the account takes.  About everything else
this service has no opinion (``DUNNO``): who exists is the MTA's and LMTP's business, and a service
in trouble must not stop mail for others.
"""
