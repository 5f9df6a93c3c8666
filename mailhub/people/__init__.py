"""The people of directories as owners of accounts: between directories, hub and store.

- :mod:`.adoption`  from a person to an account, furnished and up to date
- :mod:`.book`      whom mail for an address goes to: hub first, then directories
- :mod:`.accounts`  whose account a proven log-in name means
- :mod:`.walk`      going through whole directories now and then

Knows directories, hub and store only through their interfaces; passwords are :mod:`mailhub.auth`'s.
"""
