"""The schema of hub.db, as numbered migrations; see :mod:`mailhub.store.migrate`."""
