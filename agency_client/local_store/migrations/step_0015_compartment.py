"""Step 15: the safeguarding compartment: who opens it, what waits for them sealed, content that only they read.

What stands here in clear says no more than the exchange knows as well: that a confidential message came or went.
"""

STATEMENTS: tuple[str, ...] = (
    # One compartment a store; it counts once a second officer has confirmed it.
    """
    CREATE TABLE compartment (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        root_key BLOB NOT NULL,
        made_at INTEGER NOT NULL,
        made_by TEXT NOT NULL,
        confirmed_at INTEGER,
        confirmed_by TEXT NOT NULL DEFAULT ''
    ) STRICT
    """,
    # The compartment's secret once for each officer, sealed under a passphrase of that officer's own.
    """
    CREATE TABLE safeguarding_officer (
        person TEXT PRIMARY KEY,
        officer TEXT NOT NULL,
        container BLOB NOT NULL,
        added_at INTEGER NOT NULL,
        added_by TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    # Messages that were verified as far as that goes without opening them, and when they end even so.
    """
    CREATE TABLE sealed_message (
        digest TEXT PRIMARY KEY,
        retain_until INTEGER
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX sealed_by_end ON sealed_message (retain_until) WHERE retain_until IS NOT NULL",
    # In place of a row of `content_key`: the key of a content, sealed under the compartment's; and what lists show.
    """
    CREATE TABLE compartment_content (
        digest TEXT PRIMARY KEY,
        sealed_key BLOB NOT NULL,
        sealed_summary BLOB NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE compartment_reference (
        reference BLOB NOT NULL CHECK (length(reference) = 32),
        message TEXT NOT NULL,
        PRIMARY KEY (reference, message)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX compartment_reference_by_message ON compartment_reference (message)",
    """
    CREATE TRIGGER compartment_ends_with_received AFTER DELETE ON inbox_message
    BEGIN
        DELETE FROM compartment_reference WHERE message = OLD.digest;
        DELETE FROM sealed_message WHERE digest = OLD.digest;
    END
    """,
    """
    CREATE TRIGGER compartment_ends_with_sent AFTER DELETE ON sent_message
    BEGIN DELETE FROM compartment_reference WHERE message = OLD.digest; END
    """,
    # Sealed bytes and what waits for them end together, whatever takes the bytes.
    """
    CREATE TRIGGER sealed_message_ends_with_its_bytes AFTER UPDATE OF envelope ON inbox_message
    WHEN NEW.envelope IS NULL
    BEGIN DELETE FROM sealed_message WHERE digest = NEW.digest; END
    """,
)
