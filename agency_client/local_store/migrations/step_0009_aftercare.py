"""Step 9: notices about messages, received and own; how they went on to who has a copy; what was answered from there.

`aftercare_notice.digest` is the notice's envelope as it lies here, `origin` the author's own. `codes` is canonical JSON
of what is needed without opening it and says nothing of a person: uses that stay allowed, paths of fields. `effect` is
empty for own notices and for those that nothing was done about yet.
"""

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE aftercare_notice (
        digest TEXT PRIMARY KEY,
        origin TEXT NOT NULL,
        target TEXT NOT NULL,
        author TEXT NOT NULL,
        kind TEXT NOT NULL,
        action TEXT NOT NULL,
        codes BLOB NOT NULL,
        said_at INTEGER NOT NULL,
        acknowledge_by INTEGER NOT NULL,
        is_own INTEGER NOT NULL,
        effect TEXT NOT NULL,
        acted_at INTEGER
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX notices_by_target ON aftercare_notice (target)",
    """
    CREATE TABLE aftercare_relay (
        notice TEXT NOT NULL,
        copy TEXT NOT NULL,
        message_id TEXT NOT NULL,
        queued_at INTEGER NOT NULL,
        PRIMARY KEY (notice, copy)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE aftercare_report (
        notice TEXT NOT NULL,
        n INTEGER NOT NULL,
        message_id TEXT NOT NULL,
        told BLOB NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (notice, n)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE onward_effect (
        notice TEXT NOT NULL,
        reporter TEXT NOT NULL,
        agency TEXT NOT NULL,
        path TEXT NOT NULL,
        effect TEXT NOT NULL,
        at INTEGER,
        reported_at INTEGER NOT NULL,
        PRIMARY KEY (notice, reporter, agency, path)
    ) STRICT, WITHOUT ROWID
    """,
)
