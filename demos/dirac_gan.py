r"""
The smallest GAN, under every method
====================================

The data are one point, :math:`\delta_0`; the generator makes one point, :math:`\delta_\theta`; the critic is a line,
:math:`D(x) = \psi x`. Nobody could have it easier, and yet GAN and WGAN never arrive: at the equilibrium the flow
:math:`v = (-\partial L_\theta/\partial\theta, -\partial L_\psi/\partial\psi)` has the Jacobian

.. math:: \begin{pmatrix} 0 & -f'(0) \\ f'(0) & -\gamma \end{pmatrix}, \qquad
          \lambda = -\tfrac{\gamma}{2} \pm \sqrt{\tfrac{\gamma^2}{4} - f'(0)^2},

and without a penalty, :math:`\gamma = 0`, its eigenvalues are imaginary: it turns. R1 (here the same as R2), instance
noise and consensus optimisation pull them to the left, and the same steps converge. Above, who circles; below, who
comes home, each from (1, 1) in 500 steps of h = 0.2, the last 60 thick. The non-saturating loss is a case of its own.
Its eigenvalues are as imaginary as the GAN's; the flow arrives all the same, but as :math:`\sqrt{8/t}`, and steps of
fixed size end on a circle, of radius :math:`\sqrt{2h}` or so.

In the notes: `weng`, `advanced`. Mescheder et al. (2018), figures 1 to 3; Mescheder et al. (2017). Claim G13.
"""
import matplotlib.pyplot as plt
import numpy as np

from minigan.autodiff import Tensor
from minigan.lab import style
from minigan.theory.dynamics import (
    GAMES,
    UPDATES,
    eigenvalues,
    jacobian,
    radius,
    step_jacobian,
    trajectory,
    velocity,
)

style.use()
h, steps, start, origin = 0.2, 500, np.array([1.0, 1.0]), np.zeros(2)
rows = {"GAN": "gan", "GAN, alternating": "gan", "WGAN, clipped": "wgan", "WGAN-GP": "wgan-gp",
        "Non-saturating": "non-saturating", "R1 = R2": "r1", "Instance noise": "instance-noise",
        "Consensus": "consensus"}
updates = {name: UPDATES["alternating" if "alternating" in name else "simultaneous"] for name in rows}
found = {
    "paths": {name: trajectory(GAMES[game], updates[name], start, steps, h) for name, game in rows.items()},
    # Of the flow, stable if Re λ < 0; of a step, which converges if |λ| < 1. WGAN-GP's penalty has a kink at ψ = 0
    "flow": {name: eigenvalues(jacobian(GAMES[game], origin)) for name, game in rows.items() if name != "WGAN-GP"},
    "step": {name: eigenvalues(step_jacobian(GAMES[game], updates[name], h, origin))
             for name, game in rows.items() if name != "WGAN-GP"},
}

# %%
fig, axes = plt.subplots(2, 5, figsize=(14, 6.2), layout="constrained")
theta, psi = np.meshgrid(*[np.linspace(-2, 2, 11)] * 2)
for ax, (name, path) in zip(axes[:, :4].flat, found["paths"].items(), strict=True):
    turn = found["flow"][name][1] if name in found["flow"] else None
    about = "no λ: a kink at 0" if turn is None else f"λ = {turn.real + 0:.2g} ± {turn.imag:.2g} i".replace("-", "−")
    style.title(ax, name, about)
    v = np.array([part.value for part in velocity(GAMES[rows[name]], Tensor(theta), Tensor(psi))])
    ax.quiver(theta, psi, *v, color=style.FAINT, angles="xy", width=0.006)
    ax.plot(*path.T, color=style.GENERATOR, linewidth=0.8)
    ax.plot(*path[-60:].T, color=style.GENERATOR, linewidth=2.4)
    ax.plot(*start, "o", color=style.DATA, markersize=6)
    ax.plot(0, 0, "*", color=style.CRITIC, markersize=11)
    ax.set(xlim=(-2.1, 2.1), ylim=(-2.1, 2.1), aspect="equal", xlabel=r"$\theta$", ylabel=r"$\psi$")

above, below = axes[:, 4]
style.title(above, "|λ| of one step", "below 1 it converges")
sizes = sorted(((abs(z).max(), name) for name, z in found["step"].items()), reverse=True)
for k, (size, name) in enumerate(sizes):
    above.plot(size, k, "o", color=style.GENERATOR, markersize=7)
    above.text(min(size, 1) - 0.004, k, name, ha="right", va="center")
above.axvline(1, color=style.DATA, linewidth=1, zorder=0)
above.set(xlim=(0.905, 1.03), ylim=(-0.7, 6.7), xticks=[0.95, 1], yticks=[])

style.title(below, "Who comes home", "distance from the equilibrium")
for name, ls in [("GAN", "-"), ("WGAN-GP", ":"), ("Non-saturating", "--"), ("R1 = R2", "-"), ("Instance noise", "-."),
                 ("Consensus", "--")]:
    below.plot(radius(found["paths"][name]), ls, color=style.GENERATOR, linewidth=1.6)
for at, text in [((190, 6), "GAN"), ((180, 0.17), "non-saturating"), ((300, 0.012), "noise"), ((270, 2.5e-5), "R1"),
                 ((20, 3e-6), "consensus")]:
    below.text(*at, text)
below.set(yscale="log", xlabel="steps", xlim=(0, steps), ylim=(1e-6, 30), xticks=[0, 200, 400])
fig.savefig("dirac_gan.png", dpi=style.DPI)
