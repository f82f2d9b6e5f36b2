"""Record a step once, run it many times.

``record.py`` the step as a program · ``graph.py`` what there is to compute, each value once and in a good order ·
``plan.py`` where the results lie, and the calls that compute them.
"""

from minigan.autodiff.replay.record import Program, eager, reads, record

__all__ = ["Program", "eager", "reads", "record"]
