"""Cosignatures: what each agency, as a witness, last saw of the log; and what the broker learns from that of itself."""
