"""This agency's own keys: what its roots sign, what its rotation key publishes and revokes, and how keys end."""
