"""Controls taken out, one after the other, in a copy of the tree: the attack that each one stops must then succeed.

`make sabotage` runs it. What is removed stands in `removals.toml`; `docs/threat-model.md` shows the same as a table.
"""
