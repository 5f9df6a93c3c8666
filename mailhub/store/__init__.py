"""Where mail is kept.

:mod:`.runner`, :mod:`.threads` and :mod:`.spool` are engine-neutral; :mod:`.sqlite` is the
embedded engine behind ``interfaces.IMailStore``, one SQLite file per account; :mod:`.hub` holds
what spans accounts.  Nothing above :mod:`.sqlite` knows that there is SQL.
"""
