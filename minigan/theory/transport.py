"""Optimal transport: exact on the line, between samples and for any weights; regularised; and its dual.

    inf over couplings Γ of ⟨C, Γ⟩  =  sup over ψ of Σ aᵢ ψᵢ + Σ bⱼ ψᶜⱼ,      ψᶜⱼ = minᵢ Cᵢⱼ − ψᵢ
    W_p = that value for C = ‖x − y‖^p, to the power 1/p

Values are in the units of the points (of C where a cost matrix is given) and computed in float64.
Weights are probabilities: a sum that is off by more than 1e-6 is refused, not rescaled (None: equal
weights). Γ's marginals are a over its rows and b over its columns. Arrays may be lists; masked entries are refused.
"""

from minigan.theory import entropic, line, plans, program
from minigan.theory.entropic import *  # noqa: F403
from minigan.theory.line import *  # noqa: F403
from minigan.theory.plans import *  # noqa: F403
from minigan.theory.plans import matrix as matrix
from minigan.theory.program import *  # noqa: F403

__all__: list[str] = []
__all__ += plans.__all__
__all__ += line.__all__
__all__ += program.__all__
__all__ += entropic.__all__
