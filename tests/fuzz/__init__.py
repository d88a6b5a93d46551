"""schemathesis against a real broker, every operation in every role: `make fuzz`."""

TOKEN_FILE = "BILATERAL_FUZZ_TOKEN_FILE"
"""The variable that tells schemathesis' hooks where a living access token lies."""
