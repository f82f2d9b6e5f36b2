r"""
Looking k steps ahead
=====================

The generator of an unrolled GAN does not play against the critic as it is, but as it will be after :math:`k` more
steps against this very generator:

.. math:: \theta' = \theta - h \frac{d}{d\theta} L_\theta(\theta, \psi_k(\theta)), \qquad
          \psi_{i+1} = \psi_i - h \frac{\partial L_\psi}{\partial \psi}(\theta, \psi_i), \quad \psi_0 = \psi.

The total derivative runs through all :math:`k` steps: here a loop and one ``grad``. On the Dirac-GAN (see
`dirac_gan.py`) it is friction: near the equilibrium :math:`dL_\theta/d\theta = f'(0) \psi + 2 k h f'(0)^2 \theta`, and
the circle becomes a spiral (left). As with a pendulum in honey, most is not best: the critical :math:`k` is
:math:`1/(h f'(0)) = 10` (middle). What the generator descends grows from a plain into a bowl (right), and as
:math:`k \to \infty` into a plain with a hole: who looks too far ahead meets the best critic, and its vanishing
gradient.

In the notes: `xu`. Metz et al. (2017), eqs. 3 to 6. Claim G17. On the ring of 8: docs/comparison.md.
"""
import matplotlib.pyplot as plt
import numpy as np

from minigan.autodiff import Tensor, grad
from minigan.lab import style
from minigan.theory.dynamics import GAN, Update, eigenvalues, step_jacobian, trajectory, velocity


def ahead(k, theta, psi):
    """ψ_k(θ), where k steps of the critic lead."""
    for _ in range(k):
        psi = psi + h * velocity(GAN, theta, psi)[1]
    return psi


def unrolled(k):
    def step(v, theta, psi, memory, t, h):
        loss = GAN.generator(theta, ahead(k, theta, psi))
        return theta - h * grad(loss.sum(), theta), psi + h * v(theta, psi)[1], memory

    return Update(step, "Metz et al. (2017), eqs. 3 to 5")


# %%
style.use()
h, start, theta = 0.2, np.array([1.0, 1.0]), np.linspace(-3, 3, 121)
found = {
    "paths": {k: trajectory(GAN, unrolled(k), start, 150, h) for k in (0, 1, 5)},
    "factors": {k: abs(eigenvalues(step_jacobian(GAN, unrolled(k), h, np.zeros(2)))).max() for k in range(21)},
    # V = L_θ(θ, ψ_k(θ)) + f(0), of a critic that starts at ψ = 0; f(0) = −log 2 is the datum's share
    "values": {k: GAN.generator(Tensor(theta), ahead(k, Tensor(theta), Tensor(0 * theta))).value - np.log(2)
               for k in (0, 1, 5, 20, 100)},
    "theta": theta,
}

# %%
fig, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4.8), layout="constrained")
style.title(left, "Friction", "the Dirac-GAN from (1, 1), $h = 0.2$")
for k, ls, at in [(0, "-", (0.9, 2.0)), (1, "--", (1.0, -1.0)), (5, "-", (-0.35, 1.13))]:
    left.plot(*found["paths"][k].T, ls, color=style.GENERATOR, linewidth=1 + 0.2 * k)
    left.text(*at, f"$k = {k}$", color=style.GENERATOR)
left.plot(*start, "o", color=style.DATA, markersize=7)
left.plot(0, 0, "*", color=style.CRITIC, markersize=14)
left.set(aspect="equal", xlim=(-2.5, 2.5), ylim=(-2.5, 2.5), xlabel=r"$\theta$", ylabel=r"$\psi$")

style.title(middle, "Ten steps are best", "the factor of a step near the equilibrium")
middle.plot(found["factors"].keys(), found["factors"].values(), "o-", color=style.GENERATOR, markersize=5)
middle.axhline(1, color=style.DATA, linewidth=1)
middle.text(1.2, 1.002, "above 1: diverges")
middle.text(10, 0.892, r"$k = \frac{1}{h f'(0)}$", ha="center", va="top", fontsize=13)
middle.set(xlabel="$k$", ylabel=r"$|\lambda|$", ylim=(0.87, 1.015), xticks=range(0, 21, 5))

style.title(right, "A bowl, then a hole", r"$V(\theta, \psi_k(\theta))$ from $\psi = 0$")
for k, ls, height in [(0, "-", -1.386), (1, "--", -1.034), (5, "-", -0.793), (20, "-.", -0.728), (100, ":", -0.682)]:
    right.plot(theta, found["values"][k], ls, color=style.GENERATOR, linewidth=1.8)
    right.text(3.1, height, f"$k = {k}$", color=style.GENERATOR, va="center")
right.axhline(-np.log(2), color=style.DATA, linewidth=1)
right.text(-2.9, 0.012 - np.log(2), r"$k \to \infty$: $-\log 2$, but for $\theta = 0$")
right.set(xlabel=r"$\theta$", ylabel="$V$", xlim=(-3, 3), ylim=(-1.42, -0.62))
fig.savefig("unrolling.png", dpi=style.DPI)
