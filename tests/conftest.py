"""What every test shares: Hypothesis without a stop-watch, because the machine's two cores are shared."""

from hypothesis import HealthCheck, Phase, settings

settings.register_profile("shared-machine", deadline=None)
settings.load_profile("shared-machine")

# For `make mutants`: the same examples for every mutant, and a failure is enough; the smallest one takes long to find.
settings.register_profile(
    "mutants",
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=(HealthCheck.too_slow,),
)
