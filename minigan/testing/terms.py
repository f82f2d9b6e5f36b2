"""What stands beside the losses: EBGAN's term against a collapsed batch, BEGAN's balance of its two players."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minigan.testing.properties import Property, Skip, equal, number, require, run
from minigan.testing.strategies import point_clouds


def check_pull_away(
    pull_away: Callable[[np.ndarray], Any], *, examples: int = 100, seed: int = 0, rtol: float = 1e-6,
    atol: float = 1e-9, skip: Skip = (),
) -> list[str]:
    """PT(S) = 1/(N(N−1)) Σ_{i≠j} (⟨Sᵢ, Sⱼ⟩ / ‖Sᵢ‖‖Sⱼ‖)²: EBGAN's term against a collapsed batch.

    pull_away: S (N, d), N ≥ 2, rows not 0 -> a number in [0, 1].
    Returns the names of the properties that were checked. PropertyError: one does not hold.

    Source: Zhao et al. (2017), eq. 4.
    """
    near = partial(equal, rtol=rtol, atol=atol)
    formula = "PT(S) = 1/(N(N−1)) Σ_{i≠j} cos²(Sᵢ, Sⱼ)"
    clouds = point_clouds(3, 2).map(lambda x: x + (np.abs(x).sum(1, keepdims=True) < 1e-3))  # no row is 0

    def value(S: np.ndarray) -> None:
        unit = S / np.linalg.norm(S, axis=1, keepdims=True)
        cosines = unit @ unit.T
        n = len(S)
        near("PT(S)", pull_away(S), ((cosines**2).sum() - n) / (n * (n - 1)))

    def opposite(v: np.ndarray) -> None:
        near("PT(v, −v)", pull_away(np.stack([v, -v])), 1.0)

    return run([pull_away], [
        Property("orthogonal rows", "PT = 0", {}, lambda: near("PT(identity)", pull_away(np.eye(3)), 0.0)),
        Property("equal rows", "PT = 1", {}, lambda: near("PT(ones)", pull_away(np.ones((4, 2))), 1.0)),
        Property("opposite rows", "PT = 1: the cosine is squared", {"v": clouds.map(lambda x: x[0])}, opposite),
        Property("value", formula, {"S": clouds}, value),
    ], examples, seed, skip)


def check_balance(
    balance: Callable[[float, np.ndarray, np.ndarray], Any], *, gamma: float = 0.5, lam: float = 1e-3,
    examples: int = 100, seed: int = 0, rtol: float = 1e-6, atol: float = 1e-9, skip: Skip = (),
) -> list[str]:
    """k ← clip(k + λ (γ E D(x) − E D(x̃)), 0, 1): BEGAN's weight of the fakes in its critic's loss.

    balance: (k, D(x) (n, 1), D(x̃) (n, 1)) -> the next k, a number; D ≥ 0 the autoencoder's error of each sample.
    The losses are ``check_loss(critic, generator, "began")``.
    Returns the names of the properties that hold. PropertyError: one does not.

    Source: Berthelot et al. (2017), section 3.4.
    """
    errors = arrays(float, (4, 1), elements=st.floats(0, 3, allow_subnormal=False))
    inside, ends = st.floats(0.25, 0.75), st.sampled_from([0.0, 1.0])

    def step(k: float, real: np.ndarray, fake: np.ndarray) -> float:
        return k + lam * (gamma * float(real.mean()) - float(fake.mean()))

    def value(k: float, real: np.ndarray, fake: np.ndarray) -> None:
        equal("the next k", balance(k, real, fake), min(max(step(k, real, fake), 0.0), 1.0), rtol, atol * lam)

    def clipped(k: float, real: np.ndarray, fake: np.ndarray) -> None:
        far = 2 / lam
        found = number("the next k", balance(k, far * real, far * fake))
        require(0 <= found <= 1, f"the next k is {found:.10g}, of errors {far:g} times these")

    drawn = {"real": errors, "fake": errors}
    formula = f"k ← clip(k + λ (γ E D(x) − E D(x̃)), 0, 1), γ = {gamma:g}, λ = {lam:g}"
    return run([balance], [
        Property("the next k", formula, {"k": inside} | drawn, value),
        Property("k stays in [0, 1]", formula, {"k": st.one_of(ends, inside)} | drawn, clipped),
    ], examples, seed, skip)
