"""Step 7: terms."""

STATEMENTS: tuple[str, ...] = ()
