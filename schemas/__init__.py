"""Everything two parties must agree on byte for byte; no I/O, no keys, no clock, no randomness."""
