"""What every listener needs: connections with limits, TLS, PROXY headers, log-in, monitoring.

Protocols subclass :class:`mailhub.net.connection.Connection` and know of the network nothing
that is not there.  :mod:`~mailhub.net.login` takes people in through a twisted.cred portal.
"""
