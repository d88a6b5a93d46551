"""Step 6: agreements."""

STATEMENTS: tuple[str, ...] = ()
