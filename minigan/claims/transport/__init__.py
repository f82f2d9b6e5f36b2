"""W: Wasserstein distances, their dual, Lipschitz critics, the sampling floor.

``programs.py`` linear programs and brute force, the other routes · ``line.py`` W1, W4 · ``metric.py`` W5, W6 ·
``topology.py`` W3, W9: what W₁ sees and JS does not · ``duality.py`` W2, W7, W8 · ``critics.py`` W10, W11, W16: the
best critic and its slope · ``lipschitz.py`` W12–W15: clipped, normalised, penalised · ``sampling.py`` W17.
"""

from minigan.claims.transport import critics, duality, line, lipschitz, metric, sampling, topology

__all__ = ["critics", "duality", "line", "lipschitz", "metric", "sampling", "topology"]
