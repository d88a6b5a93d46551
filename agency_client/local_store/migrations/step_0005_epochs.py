"""Step 5: several epochs of one exchange's log, each with its own order of leaves; approvals that two persons give.

`origin` says in which log `leaf` stands, the first that was seen to have the document; `shown_in` names the newest log
that has it. A store from before knows one log only: everything of it stands there.
"""

_PRESENT = "(SELECT origin FROM exchange_sheet WHERE retired_at IS NULL)"

STATEMENTS: tuple[str, ...] = (
    "ALTER TABLE exchange_sheet ADD COLUMN opened_at INTEGER",
    "ALTER TABLE exchange_sheet ADD COLUMN opening BLOB",
    "ALTER TABLE key_document ADD COLUMN origin TEXT",
    "ALTER TABLE key_document ADD COLUMN shown_in TEXT",
    f"UPDATE key_document SET origin = {_PRESENT}, shown_in = {_PRESENT} WHERE leaf IS NOT NULL",  # noqa: S608
    "ALTER TABLE agreement_step ADD COLUMN origin TEXT",
    "ALTER TABLE agreement_step ADD COLUMN shown_in TEXT",
    f"UPDATE agreement_step SET origin = {_PRESENT}, shown_in = {_PRESENT} WHERE leaf IS NOT NULL",  # noqa: S608
    "ALTER TABLE inbox_message ADD COLUMN origin TEXT NOT NULL DEFAULT ''",
    f"UPDATE inbox_message SET origin = coalesce({_PRESENT}, '')",  # noqa: S608 - a constant
    "ALTER TABLE outbox ADD COLUMN earlier_leaf BLOB",
    """
    CREATE TABLE approval (
        id INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        what TEXT NOT NULL,
        officer TEXT NOT NULL,
        person TEXT NOT NULL,
        reason TEXT NOT NULL,
        given_at INTEGER NOT NULL,
        ended_at INTEGER,
        outcome TEXT,
        ended_by TEXT
    ) STRICT
    """,
    "CREATE UNIQUE INDEX one_approval_a_person ON approval (kind, subject, person) WHERE ended_at IS NULL",
)
