"""Step 18: challenges of what states reported of documents, lodged here or received, and what the issuing states tell.

`reference` is the keyed reference of the document (`subject_reference`), copied from the report: so that a later report
of the same document is known to be disputed, whatever became of the first one. Nothing here says which document it is.
"""

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE revocation_challenge (
        digest TEXT PRIMARY KEY,
        target TEXT NOT NULL,
        reference BLOB NOT NULL CHECK (length(reference) = 32),
        lodger TEXT NOT NULL,
        is_own INTEGER NOT NULL,
        ground TEXT NOT NULL,
        on_behalf_of TEXT NOT NULL,
        lodged_on TEXT NOT NULL,
        said_at INTEGER NOT NULL,
        acknowledge_by INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX challenges_by_document ON revocation_challenge (reference)",
    """
    CREATE TABLE told_challenge (
        digest TEXT PRIMARY KEY,
        reference BLOB NOT NULL CHECK (length(reference) = 32),
        state TEXT NOT NULL,
        lodged_on TEXT NOT NULL,
        said_at INTEGER NOT NULL,
        is_own INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX told_by_document ON told_challenge (reference)",
    """
    CREATE TRIGGER challenge_ends_with_received AFTER DELETE ON inbox_message BEGIN
        DELETE FROM revocation_challenge WHERE digest = OLD.digest;
        DELETE FROM told_challenge WHERE digest = OLD.digest;
    END
    """,
    """
    CREATE TRIGGER challenge_ends_with_sent AFTER DELETE ON sent_message BEGIN
        DELETE FROM revocation_challenge WHERE digest = OLD.digest;
        DELETE FROM told_challenge WHERE digest = OLD.digest;
    END
    """,
)
