"""VI. Many runs: several systems, several seeds, one table; and the experiments of papers.

``presets.py`` published set-ups by name, and what was published of them · ``design.py`` what a study is to train ·
``study.py`` carrying it out · ``intervals.py`` the interval of a mean over seeds · ``summary.py`` what came of it in
numbers, ``picture.py`` in a picture, ``page.py`` in a folder · ``vanishing.py`` ‖∇_θ L_G‖ against a fresh critic.
"""

from minigan.studies.design import Plan, Result, Study, plan
from minigan.studies.intervals import Estimate, interval
from minigan.studies.page import write
from minigan.studies.presets import PRESETS, Preset, preset
from minigan.studies.study import StudyError, carry_out, run_study
from minigan.studies.summary import cells, markdown, summarize
from minigan.studies.vanishing import vanishing_gradients

__all__ = [
    "PRESETS", "Estimate", "Plan", "Preset", "Result", "Study", "StudyError", "carry_out", "cells", "interval",
    "markdown", "plan", "preset", "run_study", "summarize", "vanishing_gradients", "write",
]
