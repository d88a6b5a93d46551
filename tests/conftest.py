"""What every test shares: Hypothesis without a stop-watch, because the machine's two cores are shared."""

from hypothesis import settings

settings.register_profile("shared-machine", deadline=None)
settings.load_profile("shared-machine")
