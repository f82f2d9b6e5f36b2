r"""
An optimal plan, and the prices that prove it
=============================================

.. math:: \min_{\Gamma \geq 0} \langle C, \Gamma \rangle \ \text{ with } \Gamma 1 = a,\ \Gamma^T 1 = b
          \quad = \quad \max_\psi \sum_i a_i \psi_i + \sum_j b_j \psi^c_j, \qquad \psi^c_j = \min_i C_{ij} - \psi_i

Two programs, one value. A carrier who asks ψᵢ for loading at i and ψᶜⱼ for unloading at j never asks more than the road
costs, ψᵢ + ψᶜⱼ ≤ Cᵢⱼ, and a plan is optimal exactly if it uses only roads on which he asks all of it:
:math:`\Gamma_{ij}\,(C_{ij} - \psi_i - \psi^c_j) = 0`, the L shape on the right.

For :math:`C = \|x - y\|` ψ is 1-Lipschitz and ψᶜ = −ψ: the critic of a WGAN. Along each line of the plan it falls with
slope 1, straight across its levels, which is where the gradient penalty comes from.
`xu`, "Wasserstein-p distance"; `advanced`, "Wasserstein Distance", which leaves the derivation open.
Source: Kantorovich (1942); Villani (2009), theorem 5.10; Gulrajani et al. (2017), proposition 1. Claims: W2, W7, W11.
"""
import matplotlib.pyplot as plt
import numpy as np

from minigan.lab import style
from minigan.theory.lipschitz import kantorovich_potential
from minigan.theory.transport import emd, ground_cost

style.use()
rng = np.random.default_rng(8)
x = rng.uniform([-2, -1.5], [-0.2, 1.7], size=(6, 2))  # 6 data, of weight 1/6
y = rng.uniform([0.2, -1.7], [2, 1.5], size=(9, 2))  # 9 fakes, of weight 1/9: a datum is shared among fakes
C = ground_cost(x, y)
plane = emd(C)
psi = kantorovich_potential(x, y)
found = {
    "x": x, "y": y, "plan": plane.plan, "primal": plane.value, "dual": plane.dual,
    "slack": C - plane.psi[:, None] - plane.psi_c,
    "critic": psi(x).mean() - psi(y).mean(),  # W₁ once more
    "drop": psi(x)[:, None] - psi(y),  # ≤ distance, and = distance where the plan goes
}

# On the line with C = (s − t)² the plan is the monotone one: the quantiles of one law to those of the other
s = np.linspace(-3, 3, 61)
a = np.exp(-0.5 * (s / 0.6) ** 2)
b = np.exp(-0.5 * ((s + 1.5) / 0.4) ** 2) + np.exp(-0.5 * ((s - 1.5) / 0.4) ** 2)
a, b = a / a.sum(), b / b.sum()
line = emd(ground_cost(s[:, None], s[:, None], p=2), a, b)
found |= {"s": s, "a": a, "b": b, "line_plan": line.plan, "w2_squared": line.value}

fig, axes = plt.subplots(1, 3, figsize=(14, 5.1), layout="constrained")
ax, ticks = axes[0], np.linspace(-2.3, 2.3, 161)
levels = psi(np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)).reshape(161, 161)
ax.contour(ticks, ticks, levels, 15, colors=style.FAINT, linewidths=0.9, linestyles="-")
for i, j in np.argwhere(plane.plan > 1e-9):
    ax.plot(*np.stack([x[i], y[j]]).T, color=style.CRITIC, lw=30 * plane.plan[i, j], solid_capstyle="round")
ax.plot(*x.T, "o", color=style.DATA, ms=10, mec="white")
ax.plot(*y.T, "^", color=style.GENERATOR, ms=10, mec="white")
ax.set(xlim=(-2.3, 2.3), ylim=(-2.3, 2.3), xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
style.title(ax, f"The best plan: $W_1 = {plane.value:.3f}$", r"data $\bullet$, fakes $\blacktriangle$; "
            r"width: mass; grey: levels of $\psi$")

ax, (i, j) = axes[1], np.nonzero(line.plan > 1e-9)
ax.scatter(s[j], s[i], 900 * line.plan[i, j], color=style.CRITIC, lw=0)
ax.fill_between(s, -3.4, -3.4 + 14 * b, color=style.GENERATOR, alpha=0.6, lw=0)
ax.fill_betweenx(s, -3.4, -3.4 + 14 * a, color=style.DATA, alpha=0.6, lw=0)
ax.text(-2.3, 0.6, "$a$", fontsize=13)
ax.text(0, -3.0, "$b$", fontsize=13, color=style.GENERATOR, ha="center")
ax.text(0.3, -0.6, r"$\Gamma$", fontsize=13, color=style.CRITIC)
ax.set(xlim=(-3.4, 3), ylim=(-3.4, 3), xlabel="to $t$", ylabel="from $s$", aspect="equal")
style.title(ax, "On the line it is monotone", rf"$C = (s - t)^2$:  $W_2^2 = {line.value:.3f}$")

ax = axes[2]
ax.axhline(0, color="black", lw=0.8)
ax.axvline(0, color="black", lw=0.8)
ax.plot(found["slack"], plane.plan, "o", color=style.CRITIC, mec="white", ms=8, clip_on=False)
ax.text(0.08, 0.085, "roads in use:\nthe price is the cost")
ax.text(0.19, 0.006, "empty roads: the price is below it")
ax.set(xlabel=r"slack $C_{ij} - \psi_i - \psi^c_j$", ylabel=r"mass $\Gamma_{ij}$", box_aspect=1)
style.title(ax, "No mass where there is slack", f"min over plans {plane.value:.6f}, max over prices {plane.dual:.6f}")
fig.savefig("transport_plan.png", dpi=style.DPI)
