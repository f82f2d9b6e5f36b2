"""Checkers and Hypothesis strategies for anybody's divergence, loss or penalty."""

try:
    import hypothesis as _hypothesis  # noqa: F401
except ImportError as error:
    raise ImportError("minigan.testing needs Hypothesis: pip install 'minigan[test]'") from error

from minigan.testing.strategies import (
    disjoint_pairs,
    gaussians,
    markov_kernels,
    mixtures,
    pairs,
    pairs_with_common_support,
    point_clouds,
    probability_vectors,
)

__all__ = [
    "disjoint_pairs", "gaussians", "markov_kernels", "mixtures", "pairs", "pairs_with_common_support",
    "point_clouds", "probability_vectors",
]
