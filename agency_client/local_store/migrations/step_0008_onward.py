"""Step 8: onward."""

STATEMENTS: tuple[str, ...] = ()
