"""The agency's side of the exchange: library, command line and always-on process; it trusts nothing that the broker says."""
