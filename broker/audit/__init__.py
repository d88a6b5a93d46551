"""The exchange's log: leaves written with what they record, signed heads, proofs, and what auditors ask of it."""
