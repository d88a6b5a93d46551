"""Step 20: what could be found of a message before it was corrected, and what each correction changes of that.

A correction that is taken back changes nothing any more: the index is made anew of what stands here, without opening
any content. Both end with that content, as the index does.
"""

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE index_before (
        message TEXT PRIMARY KEY,
        names TEXT NOT NULL,
        numbers TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE index_change (
        message TEXT NOT NULL,
        notice TEXT NOT NULL,
        changes TEXT NOT NULL,
        PRIMARY KEY (message, notice)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX index_change_by_notice ON index_change (notice)",
    """
    CREATE TRIGGER index_before_ends_with_content AFTER DELETE ON content
    BEGIN
        DELETE FROM index_before WHERE message = OLD.digest;
        DELETE FROM index_change WHERE message = OLD.digest;
    END
    """,
)
