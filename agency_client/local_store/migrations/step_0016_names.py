"""Step 16: names and numbers of messages whose content is kept, to be searched; they end with that content."""

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE indexed_name (
        id INTEGER PRIMARY KEY,
        message TEXT NOT NULL,
        path TEXT NOT NULL,
        role TEXT NOT NULL,
        text TEXT NOT NULL,
        births TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX indexed_name_by_message ON indexed_name (message)",
    """
    CREATE TABLE name_key (
        key TEXT NOT NULL,
        name INTEGER NOT NULL,
        PRIMARY KEY (key, name)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX name_key_by_name ON name_key (name)",
    """
    CREATE TABLE indexed_number (
        value TEXT NOT NULL,
        type TEXT NOT NULL,
        message TEXT NOT NULL,
        path TEXT NOT NULL,
        PRIMARY KEY (value, type, message, path)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX indexed_number_by_message ON indexed_number (message)",
    """
    CREATE TRIGGER name_key_ends_with_name AFTER DELETE ON indexed_name
    BEGIN DELETE FROM name_key WHERE name = OLD.id; END
    """,
    # Whatever erases the content, a term, an officer or a notice, erases what could be found of it.
    """
    CREATE TRIGGER index_ends_with_content AFTER DELETE ON content
    BEGIN
        DELETE FROM indexed_name WHERE message = OLD.digest;
        DELETE FROM indexed_number WHERE message = OLD.digest;
    END
    """,
)
