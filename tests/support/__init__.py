"""What several tests need: members with real keys, a running exchange, callers."""
