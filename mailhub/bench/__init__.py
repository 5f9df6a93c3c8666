"""Measuring mail servers over their protocols: what ``mailhub bench`` runs.

It speaks to any server (IMAP, POP3, LMTP) and knows nothing of ours.  The clients here are not
for reading mail: they count what comes and look for the end of a reply with ``bytes.find``, in as
many processes as there are cores, so that the server is what is measured.
"""
