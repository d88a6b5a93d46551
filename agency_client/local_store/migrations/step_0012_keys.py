"""Step 12: revocations that came past the exchange, by file or by mail, and count without a leaf."""

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE carried_revocation (
        digest TEXT PRIMARY KEY,
        agency TEXT NOT NULL,
        document BLOB NOT NULL,
        taken_at INTEGER NOT NULL,
        taken_by TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
)
