"""Tables in CSV: others' in, line by line under a mapping; an alert out, as paths and values no program evaluates."""
