"""Step 10: when the evidence of a message ends and what stays of it; why content was erased; erased log entries.

`evidence_term` has a row for each message, sent or received. An entry of the access log may be replaced once, by its
link in the chain (`agency_client.local_store.access_chain`), and by nothing else.
"""

STATEMENTS: tuple[str, ...] = (
    "ALTER TABLE content_erasure ADD COLUMN code TEXT NOT NULL DEFAULT 'retention-ended'",
    # What `agency_client.retention.ledger` still has to write down outside the store.
    "CREATE TABLE erasure_to_note (digest TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
    """
    CREATE TABLE evidence_term (
        digest TEXT PRIMARY KEY,
        ends_at INTEGER NOT NULL,
        leaf_index INTEGER,
        leaf_hash BLOB CHECK (length(leaf_hash) = 32),
        ended_at INTEGER
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX evidence_by_end ON evidence_term (ends_at) WHERE ended_at IS NULL",
    "CREATE INDEX sealed_bytes_by_deadline ON inbox_message (expires_at) WHERE envelope IS NOT NULL",
    "CREATE INDEX outbox_with_sealed_bytes ON outbox (state) WHERE envelope IS NOT NULL",
    "ALTER TABLE access_entry ADD COLUMN erased_at INTEGER",
    "DROP TRIGGER access_entry_is_never_changed",
    """
    CREATE TRIGGER access_entry_is_only_erased BEFORE UPDATE ON access_entry
    WHEN old.erased_at IS NOT NULL OR new.erased_at IS NULL OR new.n <> old.n OR new.head <> old.head
        OR new.time <> old.time OR new.officer <> '' OR new.action <> '' OR new.message IS NOT NULL
        OR new.partner IS NOT NULL OR new.outcome <> ''
    BEGIN SELECT RAISE(ABORT, 'the access log only grows'); END
    """,
    "CREATE INDEX access_by_time ON access_entry (time) WHERE erased_at IS NULL",
)
