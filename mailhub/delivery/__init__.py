"""From a message and its recipients to mailboxes: what LMTP hands its mail to.

- :mod:`.delivery`  resolving, filters, filing; one outcome per recipient
- :mod:`.trace`     the header lines that every delivery adds
- :mod:`.pipe`      ``mailhub deliver``: a message from a pipe to the running server

Left out on purpose: sending anything.  mailhub never forwards and never bounces; whoever brings
a message hears what became of it, and the sender's MTA does the rest.
"""
