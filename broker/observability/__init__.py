"""What an operator sees: logs on stderr, metrics, health and readiness on a loopback listener."""
