"""The agreements between members: their signed steps, and where each stands."""
