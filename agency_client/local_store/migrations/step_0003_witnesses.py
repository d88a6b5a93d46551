"""Step 3: what witnesses signed, what partners say they saw, and the path that proves a second history."""

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE own_cosignature (
        origin TEXT PRIMARY KEY,
        size INTEGER NOT NULL,
        root TEXT NOT NULL,
        note BLOB NOT NULL,
        signed_at INTEGER NOT NULL,
        handed_in_at INTEGER
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE partner_head (
        origin TEXT NOT NULL,
        agency TEXT NOT NULL,
        anchor TEXT NOT NULL,
        kid TEXT NOT NULL,
        size INTEGER NOT NULL,
        root TEXT NOT NULL,
        note BLOB NOT NULL,
        cosigned_at INTEGER NOT NULL,
        seen_at INTEGER NOT NULL,
        PRIMARY KEY (origin, agency)
    ) STRICT, WITHOUT ROWID
    """,
    "ALTER TABLE checkpoint_sighting ADD COLUMN heard_at INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE checkpoint_sighting ADD COLUMN state TEXT NOT NULL DEFAULT 'pending'",
    "UPDATE checkpoint_sighting SET heard_at = seen_at",
    "ALTER TABLE contradiction ADD COLUMN proof BLOB",
    # What two partners say of one place are two findings.
    """
    CREATE TABLE suspicious_finding (
        origin TEXT NOT NULL,
        leaf_index INTEGER NOT NULL,
        code TEXT NOT NULL,
        agency TEXT NOT NULL,
        sentence TEXT NOT NULL,
        record BLOB NOT NULL,
        found_at INTEGER NOT NULL,
        PRIMARY KEY (origin, leaf_index, code, agency)
    ) STRICT, WITHOUT ROWID
    """,
    "INSERT INTO suspicious_finding SELECT * FROM suspicious_record",
    "DROP TABLE suspicious_record",
    "ALTER TABLE suspicious_finding RENAME TO suspicious_record",
    "CREATE INDEX suspicious_by_agency ON suspicious_record (agency)",
)
