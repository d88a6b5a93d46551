"""Step 8: what went on from here, what came here from further off, and which question was asked for somebody else."""

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE onward_copy (
        copy_digest TEXT PRIMARY KEY,
        copy_id TEXT NOT NULL,
        held_digest TEXT NOT NULL,
        original_digest TEXT NOT NULL,
        recipient TEXT NOT NULL,
        right_kind TEXT NOT NULL,
        consent_digest TEXT,
        passed_on_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX onward_by_held ON onward_copy (held_digest)",
    """
    CREATE TABLE copy_origin (
        copy_digest TEXT PRIMARY KEY,
        original_digest TEXT NOT NULL,
        original_id TEXT NOT NULL,
        originator TEXT NOT NULL,
        path TEXT NOT NULL,
        right_kind TEXT NOT NULL,
        consent_digest TEXT,
        recorded_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX copies_by_original ON copy_origin (original_digest)",
    """
    CREATE TABLE release_chain (
        request_digest TEXT PRIMARY KEY,
        asked_digest TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE release_note (
        digest TEXT PRIMARY KEY,
        originator TEXT NOT NULL,
        original_id TEXT NOT NULL,
        original_digest TEXT NOT NULL,
        use TEXT NOT NULL,
        holder TEXT NOT NULL,
        recipients TEXT NOT NULL,
        outcome TEXT,
        valid_until INTEGER
    ) STRICT, WITHOUT ROWID
    """,
)
