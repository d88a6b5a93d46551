"""Step 4: what is known of a status beside its words: when the log took it, what it revoked, which gaps were told."""

STATEMENTS: tuple[str, ...] = (
    "ALTER TABLE status ADD COLUMN logged_at INTEGER",
    """
    CREATE TABLE announced_revocation (
        agency TEXT NOT NULL,
        kid TEXT NOT NULL,
        announced_at INTEGER NOT NULL,
        PRIMARY KEY (agency, kid)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE told_gap (
        sender TEXT NOT NULL,
        stream TEXT NOT NULL,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        told_at INTEGER NOT NULL,
        PRIMARY KEY (sender, stream, first)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX inbox_by_number ON inbox_message (sender, stream, n)",
)
