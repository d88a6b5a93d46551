"""Step 10: retention."""

STATEMENTS: tuple[str, ...] = ()
