"""Step 2: public records that were read in the log and not believed."""

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
)
