"""Step 13: a proof against a partner that two persons have settled, with their reasons; the proof itself stays."""

STATEMENTS: tuple[str, ...] = (
    "ALTER TABLE contradiction ADD COLUMN settled_at INTEGER",
    "ALTER TABLE contradiction ADD COLUMN settled_by TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE contradiction ADD COLUMN settled_because TEXT NOT NULL DEFAULT ''",
)
