"""Step 6: what two officers must approve of an agreement before it is signed.

`about` says of which agreement an approval speaks: whatever is signed of it meanwhile ends the approval.
"""

STATEMENTS: tuple[str, ...] = (
    "ALTER TABLE approval ADD COLUMN about TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX approval_about ON approval (kind, about) WHERE ended_at IS NULL",
)
