"""Victim safeguarding: a compartment with keys and officers of its own in a node; nobody else reads what is in it."""
