"""Step 7: which clause a message came under, received or sent, and what of it went beyond what was agreed."""

STATEMENTS: tuple[str, ...] = (
    # A message has one row for each version that governs it; `clause` is the place in the terms' list.
    """
    CREATE TABLE applied_clause (
        message TEXT NOT NULL,
        agreement TEXT NOT NULL,
        clause INTEGER NOT NULL,
        accepted_on INTEGER NOT NULL,
        receipts TEXT NOT NULL,
        PRIMARY KEY (message, agreement)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX applied_by_day ON applied_clause (agreement, accepted_on)",
    """
    CREATE TABLE terms_excess (
        message TEXT NOT NULL,
        code TEXT NOT NULL,
        sentence TEXT NOT NULL,
        PRIMARY KEY (message, code)
    ) STRICT, WITHOUT ROWID
    """,
)
