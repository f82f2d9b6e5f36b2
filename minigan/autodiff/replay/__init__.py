"""Record a step once, run it many times.

``record.py`` the step as a program · ``graph.py`` what there is to compute, each value once and in a good order ·
``places.py`` when a value lives, and what lies in old state or in a concatenation, ``buffers.py`` memory for the rest,
and what goes through the cache together · ``plan.py`` all of it as data: operations in order, on arrays · ``run.py`` a
plan as calls of the array library.

Another way to run a step takes a ``Graph``, with as many of the tables as it has use for, and answers with a
``Program``'s call, report and nbytes.
"""

from minigan.autodiff.replay.record import eager, reads, record
from minigan.autodiff.replay.run import Program

__all__ = ["Program", "eager", "reads", "record"]
