"""VI. Many runs: several systems, several seeds, one table; and the experiments of papers."""

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
