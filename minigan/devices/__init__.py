"""VII. Devices: does it work on this one?

``primitives.py`` every primitive: inputs, what it should compute, how exact · ``compare.py`` a library beside the
host · ``trainings.py`` runs on it, and their time · ``selfcheck.py`` all of it, one check after another.
"""

from minigan.devices.selfcheck import Check, about, selfcheck
from minigan.devices.trainings import SIZES, Timing

__all__ = ["SIZES", "Check", "Timing", "about", "selfcheck"]
