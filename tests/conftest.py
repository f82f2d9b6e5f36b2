"""Hypothesis profiles: `dev` here, `ci` where CI is set, `thorough` by MINIGAN_HYPOTHESIS=thorough."""

import os

from hypothesis import HealthCheck, settings

common = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("dev", max_examples=30, **common)
settings.register_profile("ci", max_examples=60, derandomize=True, print_blob=True, **common)
settings.register_profile("thorough", max_examples=2000, print_blob=True, **common)

in_ci = os.environ.get("CI", "").lower() in ("1", "true")
settings.load_profile(os.environ.get("MINIGAN_HYPOTHESIS", "ci" if in_ci else "dev"))
