"""What a critic's value is a lower bound of: the distance's label, and the largest value that it can have."""

from dataclasses import dataclass
from math import inf, isclose, isinf, log

from minigan.theory.fdivergence import FDivergence


@dataclass(frozen=True)
class Distance:
    """A row. largest: what no two laws exceed, and disjoint supports have; inf where there is no such end."""

    label: str
    largest: float = inf

    @property
    def largest_name(self) -> str:
        """``largest`` in writing, as a multiple of log 2 if it is one: log 2, 2 log 2, 1."""
        bits = self.largest / log(2)
        if isinf(bits) or not isclose(bits, round(bits)):
            return f"{self.largest:.3g}"
        return "log 2" if round(bits) == 1 else f"{round(bits)} log 2"


W1 = Distance("W₁")  # what a Lipschitz critic estimates
LABELS = {  # of the f-divergences
    "kl": "KL (data ‖ model, nats)", "reverse-kl": "KL (model ‖ data, nats)", "pearson": "Pearson χ²",
    "neyman": "Neyman χ²", "squared-hellinger": "H² (½ ∫ (√p − √q)²)", "gan": "2 JS (KL + KL, nats)",
    "js": "JS (½KL + ½KL, nats)", "total-variation": "TV (½ ∫ |p − q|)", "jeffreys": "Jeffreys (KL + KL, nats)",
    "le-cam": "Le Cam (½ ∫ (p − q)²/(p + q))", "alpha(-0.5)": "D_α, α = -0.5", "alpha(0.5)": "D_α, α = 0.5",
    "alpha(1.5)": "D_α, α = 1.5", "alpha(3)": "D_α, α = 3",
}


def distance_of(f: FDivergence) -> Distance:
    """D_f, which ends at f(0) + f′(∞)."""
    return Distance(LABELS.get(f.name, f"D_f, f = {f.name}"), f.bound)
