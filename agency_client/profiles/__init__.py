"""The profile of one node: its folder, keys at rest, session, backup, and how it is made."""
