"""Agreements from the agency's side: written, signed, handed in, pulled from the log, and shown as they stand."""
