"""Step 11: duties."""

STATEMENTS: tuple[str, ...] = ()
