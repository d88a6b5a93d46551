"""Everything that holds or uses key material; time, ids and randomness for ids come in as arguments."""
