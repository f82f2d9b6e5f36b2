"""VII. Devices: does it work on this one?"""

from minigan.devices.selfcheck import Check, about, selfcheck
from minigan.devices.trainings import SIZES, Timing

__all__ = ["SIZES", "Check", "Timing", "about", "selfcheck"]
