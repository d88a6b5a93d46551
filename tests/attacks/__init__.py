"""Each known attack, tried against the real thing."""
