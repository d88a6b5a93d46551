"""What did not arrive, and what needs an operator: seen without any content, and without a key."""
