"""Step 1: the first schema. Digests are base64url text, times whole Unix seconds, documents the exact bytes."""

_SETTINGS_AND_TRUST = (
    """
    CREATE TABLE setting (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE agency_pin (
        agency TEXT NOT NULL,
        anchor TEXT NOT NULL,
        pinned_at INTEGER NOT NULL,
        pinned_by TEXT NOT NULL,
        retired_at INTEGER,
        PRIMARY KEY (agency, anchor)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE UNIQUE INDEX one_pin_an_agency ON agency_pin (agency) WHERE retired_at IS NULL",
    """
    CREATE TABLE exchange_sheet (
        origin TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        anchor TEXT NOT NULL,
        sheet BLOB NOT NULL,
        accepted_at INTEGER NOT NULL,
        accepted_by TEXT NOT NULL,
        retired_at INTEGER
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE UNIQUE INDEX one_exchange ON exchange_sheet ((retired_at IS NULL)) WHERE retired_at IS NULL",
    """
    CREATE TABLE key_document (
        digest TEXT PRIMARY KEY,
        agency TEXT NOT NULL,
        type TEXT NOT NULL,
        seq INTEGER,
        document BLOB NOT NULL,
        leaf BLOB,
        verified_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE UNIQUE INDEX one_document_a_place ON key_document (agency, type, seq) WHERE seq IS NOT NULL",
)

_LOG = (
    """
    CREATE TABLE checkpoint (
        origin TEXT NOT NULL,
        size INTEGER NOT NULL,
        root TEXT NOT NULL,
        note BLOB NOT NULL,
        seen_at INTEGER NOT NULL,
        PRIMARY KEY (origin, size)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE checkpoint_sighting (
        origin TEXT NOT NULL,
        size INTEGER NOT NULL,
        root TEXT NOT NULL,
        seen_by TEXT NOT NULL,
        seen_at INTEGER NOT NULL,
        PRIMARY KEY (origin, size, root, seen_by)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE contradiction (
        id INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        signer TEXT NOT NULL,
        first BLOB NOT NULL,
        second BLOB NOT NULL,
        found_at INTEGER NOT NULL,
        UNIQUE (kind, signer, first, second)
    ) STRICT
    """,
    """
    CREATE TABLE log_walk (
        origin TEXT PRIMARY KEY,
        size INTEGER NOT NULL,
        frontier BLOB NOT NULL,
        walked_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
)

_AGREEMENTS = (
    """
    CREATE TABLE agreement_step (
        digest TEXT PRIMARY KEY,
        agreement TEXT NOT NULL,
        party TEXT NOT NULL,
        party_seq INTEGER NOT NULL,
        action TEXT NOT NULL,
        terms_digest TEXT NOT NULL,
        document BLOB NOT NULL,
        leaf BLOB,
        recorded_at INTEGER NOT NULL,
        UNIQUE (agreement, party, party_seq)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX steps_by_terms ON agreement_step (terms_digest)",
    """
    CREATE TABLE agreement_draft (
        name TEXT PRIMARY KEY,
        terms BLOB NOT NULL,
        changed_at INTEGER NOT NULL,
        changed_by TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
)

_SENDING = (
    """
    CREATE TABLE sent_message (
        message_id TEXT PRIMARY KEY,
        digest TEXT NOT NULL UNIQUE,
        thread TEXT NOT NULL,
        kind TEXT NOT NULL,
        marking TEXT NOT NULL,
        urgency TEXT NOT NULL,
        issued_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        refers_to TEXT,
        replaces TEXT,
        evidence BLOB NOT NULL,
        summary BLOB,
        officer TEXT NOT NULL,
        created_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX sent_by_time ON sent_message (created_at)",
    "CREATE INDEX sent_by_thread ON sent_message (thread)",
    """
    CREATE TABLE stream (
        stream TEXT PRIMARY KEY,
        partner TEXT NOT NULL,
        next_number INTEGER NOT NULL,
        opened_at INTEGER NOT NULL,
        closed_at INTEGER
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE UNIQUE INDEX one_open_stream_a_partner ON stream (partner) WHERE closed_at IS NULL",
    # Deferred: a number is given out before the message is sealed around it, and no commit passes without that message.
    """
    CREATE TABLE stream_number (
        stream TEXT NOT NULL REFERENCES stream (stream),
        n INTEGER NOT NULL CHECK (n >= 1),
        message_id TEXT NOT NULL REFERENCES sent_message (message_id) DEFERRABLE INITIALLY DEFERRED,
        voided_at INTEGER,
        void_reason TEXT,
        PRIMARY KEY (stream, n),
        UNIQUE (stream, message_id),
        UNIQUE (stream, n, message_id)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE sent_delivery (
        message_id TEXT NOT NULL REFERENCES sent_message (message_id),
        recipient TEXT NOT NULL,
        agreement TEXT NOT NULL,
        stream TEXT NOT NULL,
        n INTEGER NOT NULL,
        PRIMARY KEY (message_id, recipient),
        UNIQUE (stream, n),
        FOREIGN KEY (stream, n, message_id) REFERENCES stream_number (stream, n, message_id)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE delivery_fact (
        id INTEGER PRIMARY KEY,
        message_id TEXT NOT NULL,
        recipient TEXT NOT NULL,
        fact TEXT NOT NULL,
        reason TEXT NOT NULL,
        evidence TEXT NOT NULL,
        at INTEGER NOT NULL,
        late INTEGER NOT NULL,
        UNIQUE (message_id, recipient, fact, evidence),
        FOREIGN KEY (message_id, recipient) REFERENCES sent_delivery (message_id, recipient)
    ) STRICT
    """,
    """
    CREATE TABLE outbox (
        message_id TEXT PRIMARY KEY REFERENCES sent_message (message_id),
        envelope BLOB,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        next_attempt_at INTEGER NOT NULL,
        problem_code TEXT NOT NULL,
        problem TEXT NOT NULL,
        leaf BLOB,
        changed_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX outbox_by_attempt ON outbox (state, next_attempt_at)",
    """
    CREATE TABLE dispatch (
        id INTEGER PRIMARY KEY,
        digest TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        partner TEXT NOT NULL,
        body BLOB NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        next_attempt_at INTEGER NOT NULL,
        problem_code TEXT NOT NULL,
        problem TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        changed_at INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX dispatch_by_attempt ON dispatch (state, next_attempt_at)",
)

_RECEIVING = (
    """
    CREATE TABLE inbox_message (
        digest TEXT PRIMARY KEY,
        message_id TEXT NOT NULL,
        sender TEXT NOT NULL,
        stream TEXT NOT NULL,
        n INTEGER NOT NULL,
        agreement TEXT NOT NULL,
        kind TEXT NOT NULL,
        marking TEXT NOT NULL,
        urgency TEXT NOT NULL,
        issued_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        refers_to TEXT,
        envelope BLOB,
        evidence BLOB NOT NULL,
        leaf BLOB NOT NULL,
        leaf_index INTEGER NOT NULL,
        state TEXT NOT NULL,
        problem_code TEXT NOT NULL,
        problem TEXT NOT NULL,
        received_at INTEGER NOT NULL,
        verified_at INTEGER,
        opened_at INTEGER,
        read_at INTEGER,
        answered_at INTEGER,
        withdrawn_at INTEGER,
        erased_at INTEGER,
        thread TEXT,
        reply_due INTEGER,
        summary BLOB
    ) STRICT, WITHOUT ROWID
    """,
    # What was not verified claims no place: a made-up message cannot keep a true one with the same id out.
    """
    CREATE UNIQUE INDEX one_verified_message_an_id ON inbox_message (sender, message_id)
    WHERE state NOT IN ('new', 'unverifiable')
    """,
    "CREATE INDEX inbox_by_message_id ON inbox_message (message_id)",
    "CREATE INDEX inbox_by_state ON inbox_message (state, received_at)",
    "CREATE INDEX inbox_by_thread ON inbox_message (thread)",
    """
    CREATE TABLE lease_item (
        lease TEXT NOT NULL,
        number INTEGER NOT NULL,
        type TEXT NOT NULL,
        subject TEXT NOT NULL,
        leased_until INTEGER NOT NULL,
        settled_at INTEGER,
        PRIMARY KEY (lease, number)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX lease_items_to_settle ON lease_item (leased_until) WHERE settled_at IS NULL",
    """
    CREATE TABLE inbound_stream (
        sender TEXT NOT NULL,
        stream TEXT NOT NULL,
        first_seen_at INTEGER NOT NULL,
        announced_last INTEGER NOT NULL,
        announced_at INTEGER,
        PRIMARY KEY (sender, stream)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE inbound_number (
        sender TEXT NOT NULL,
        stream TEXT NOT NULL,
        n INTEGER NOT NULL,
        digest TEXT,
        received_at INTEGER,
        voided_at INTEGER,
        PRIMARY KEY (sender, stream, n),
        FOREIGN KEY (sender, stream) REFERENCES inbound_stream (sender, stream)
    ) STRICT, WITHOUT ROWID
    """,
)

_CONTENT = (
    """
    CREATE TABLE content (
        digest TEXT PRIMARY KEY,
        sealed BLOB NOT NULL,
        kept_at INTEGER NOT NULL,
        retain_until INTEGER
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX content_by_end ON content (retain_until) WHERE retain_until IS NOT NULL",
    """
    CREATE TABLE content_key (
        digest TEXT PRIMARY KEY,
        key BLOB NOT NULL CHECK (length(key) = 32)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE content_erasure (
        digest TEXT PRIMARY KEY,
        erased_at INTEGER NOT NULL,
        reason TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
)

_RECEIPTS_AND_STATUSES = (
    """
    CREATE TABLE receipt (
        digest TEXT PRIMARY KEY,
        direction TEXT NOT NULL CHECK (direction IN ('in', 'out')),
        partner TEXT NOT NULL,
        type TEXT NOT NULL,
        document BLOB NOT NULL,
        at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE receipt_subject (
        receipt TEXT NOT NULL REFERENCES receipt (digest),
        message TEXT NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (receipt, message)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX receipt_by_message ON receipt_subject (message)",
    """
    CREATE TABLE status (
        direction TEXT NOT NULL CHECK (direction IN ('in', 'out')),
        partner TEXT NOT NULL,
        seq INTEGER NOT NULL,
        digest TEXT NOT NULL,
        document BLOB NOT NULL,
        signed_at INTEGER NOT NULL,
        recorded_at INTEGER NOT NULL,
        PRIMARY KEY (direction, partner, seq, digest)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE UNIQUE INDEX own_status_once ON status (partner, seq) WHERE direction = 'out'",
    """
    CREATE TABLE status_due (
        partner TEXT PRIMARY KEY,
        since INTEGER NOT NULL,
        reason TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
)

_ACCESS_LOG = (
    """
    CREATE TABLE access_entry (
        n INTEGER PRIMARY KEY,
        entry BLOB NOT NULL,
        head BLOB NOT NULL CHECK (length(head) = 32),
        time INTEGER NOT NULL,
        officer TEXT NOT NULL,
        action TEXT NOT NULL,
        message TEXT,
        partner TEXT,
        outcome TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX access_by_officer ON access_entry (officer, time)",
    "CREATE INDEX access_by_message ON access_entry (message) WHERE message IS NOT NULL",
    """
    CREATE TRIGGER access_entry_is_never_changed BEFORE UPDATE ON access_entry
    BEGIN SELECT RAISE(ABORT, 'the access log only grows'); END
    """,
    """
    CREATE TRIGGER access_entry_is_never_deleted BEFORE DELETE ON access_entry
    BEGIN SELECT RAISE(ABORT, 'the access log only grows'); END
    """,
    """
    CREATE TABLE access_head (
        n INTEGER PRIMARY KEY REFERENCES access_entry (n),
        digest TEXT NOT NULL,
        document BLOB NOT NULL,
        signed_at INTEGER NOT NULL
    ) STRICT
    """,
)

STATEMENTS: tuple[str, ...] = (
    *_SETTINGS_AND_TRUST,
    *_LOG,
    *_AGREEMENTS,
    *_SENDING,
    *_RECEIVING,
    *_CONTENT,
    *_RECEIPTS_AND_STATUSES,
    *_ACCESS_LOG,
)
