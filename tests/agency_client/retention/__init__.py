"""The end of what an agency keeps, and what stays of it."""
