"""Step 19: which messages became of a draft that is to be sent once, however often it is handed over.

`draft` is a keyed mark of what was written and to whom: nobody reads it back from here.
"""

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE sent_draft (
        draft BLOB NOT NULL CHECK (length(draft) = 32),
        message_id TEXT NOT NULL,
        PRIMARY KEY (draft, message_id)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX drafts_by_message ON sent_draft (message_id)",
    """
    CREATE TRIGGER sent_draft_ends AFTER DELETE ON sent_message BEGIN
        DELETE FROM sent_draft WHERE message_id = OLD.message_id;
    END
    """,
)
