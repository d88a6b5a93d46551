"""Examples: specimens, alerts and terms to start from, and a play that runs everything."""
