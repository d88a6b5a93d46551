"""Fixed test vectors of the protocol: files that any implementation can open and verify."""
