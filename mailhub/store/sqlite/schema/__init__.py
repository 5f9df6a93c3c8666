"""The numbered migrations of an account file, applied by :mod:`mailhub.store.migrate`."""
