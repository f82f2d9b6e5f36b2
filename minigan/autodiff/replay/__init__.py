"""Record a step once, run it many times.

``record.py`` the step as a program · ``graph.py`` what there is to compute, each value once and in a good order ·
``ranges.py`` when a value is read for the last time, ``places.py`` what lies in old state or in a concatenation,
``blocks.py`` what goes through the cache together, ``buffers.py`` memory for the rest · ``plan.py`` all of it as
data: operations in order, on arrays · ``run.py`` a plan as calls of the array library.

Another way to run a step takes a ``Graph``, with as many of the tables as it has use for, and answers with a
``Program``'s call, report and nbytes.
"""

from minigan.autodiff.replay.record import eager, reads, record
from minigan.autodiff.replay.run import Program

__all__ = ["Program", "eager", "reads", "record"]
