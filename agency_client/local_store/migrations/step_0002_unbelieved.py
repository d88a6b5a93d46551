"""Step 2: what came through the log and was not believed: public records, and steps of agreements that have to wait."""

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE suspicious_record (
        origin TEXT NOT NULL,
        leaf_index INTEGER NOT NULL,
        code TEXT NOT NULL,
        agency TEXT NOT NULL,
        sentence TEXT NOT NULL,
        record BLOB NOT NULL,
        found_at INTEGER NOT NULL,
        PRIMARY KEY (origin, leaf_index, code)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX suspicious_by_agency ON suspicious_record (agency)",
    """
    CREATE TABLE held_step (
        leaf_index INTEGER PRIMARY KEY,
        agreement TEXT NOT NULL,
        agency TEXT NOT NULL,
        code TEXT NOT NULL,
        sentence TEXT NOT NULL,
        logged_step BLOB NOT NULL,
        found_at INTEGER NOT NULL
    ) STRICT
    """,
)
