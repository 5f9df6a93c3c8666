"""Telling people that they are running out of room, before they have.

- :mod:`.watch`    notices who has crossed a threshold, whenever usages have been recorded
- :mod:`.webhook`  the signed request that tells another program
- :mod:`.tasks`    does both, as often as it takes, also after a restart

What is still to be done is kept in the hub (:mod:`mailhub.store.hub.crossings`).
"""
