"""Step 11: whom a message is about (keyed references only), what its reader is told, how a transfer was grounded."""

STATEMENTS: tuple[str, ...] = (
    # One key a store, drawn when it is first needed; it never leaves the store.
    """
    CREATE TABLE subject_key (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        key BLOB NOT NULL CHECK (length(key) = 32),
        made_at INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE subject_reference (
        reference BLOB NOT NULL CHECK (length(reference) = 32),
        message TEXT NOT NULL,
        type TEXT NOT NULL,
        role TEXT NOT NULL,
        PRIMARY KEY (reference, message, role)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX subject_by_message ON subject_reference (message)",
    # References outlive the content, and end with the row that says a message was once here.
    """
    CREATE TRIGGER subject_reference_ends_with_received AFTER DELETE ON inbox_message
    BEGIN DELETE FROM subject_reference WHERE message = OLD.digest; END
    """,
    """
    CREATE TRIGGER subject_reference_ends_with_sent AFTER DELETE ON sent_message
    BEGIN DELETE FROM subject_reference WHERE message = OLD.digest; END
    """,
    """
    CREATE TABLE message_duty (
        message TEXT PRIMARY KEY,
        conditions TEXT NOT NULL,
        agreed BLOB NOT NULL,
        purpose TEXT NOT NULL,
        is_withheld INTEGER NOT NULL,
        is_automatic INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE content_mark (
        mark BLOB NOT NULL CHECK (length(mark) = 32),
        message TEXT NOT NULL,
        recipient TEXT NOT NULL,
        PRIMARY KEY (mark, recipient, message)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE transfer_record (
        message TEXT NOT NULL,
        recipient TEXT NOT NULL,
        ground TEXT NOT NULL,
        reference TEXT NOT NULL,
        justification TEXT NOT NULL,
        authorisation TEXT NOT NULL,
        purpose TEXT NOT NULL,
        data TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (message, recipient)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX transfers_by_ground ON transfer_record (ground, at)",
)
