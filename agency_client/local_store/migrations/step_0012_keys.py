"""Step 12: keys."""

STATEMENTS: tuple[str, ...] = ()
