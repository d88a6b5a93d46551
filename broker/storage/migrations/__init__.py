"""The database's history: one file a change in `versions/`, run by `broker.storage.migrate`."""
