"""Step 9: aftercare."""

STATEMENTS: tuple[str, ...] = ()
