r"""
Four piles moved: :math:`W = 5`
===============================

.. math:: \delta_0 = 0, \qquad \delta_i = \delta_{i-1} + P_i - Q_i, \qquad W = \sum_i |\delta_i|

Shovel P's piles into Q's from left to right: :math:`\delta_i` is what has to be carried from pile i on to the next;
negative, it comes back from there. Since :math:`\delta_i = F_i - G_i`, the difference of the running totals, the cost
is the area between two staircases: the formula of :math:`W_1` on the line, :math:`\int |F - G|`, and with ten
shovelfuls taken for 1, :math:`W_1 = 0.5`.

`weng` prints :math:`\delta_{i+1} = \delta_i + P_i - Q_i`, whose indices are off by one; its numbers are right (E19).
Source: Rubner, Tomasi & Guibas (2000); Peyré & Cuturi (2019), remark 2.30. Claims: W1, W4.
"""
import matplotlib.pyplot as plt
import numpy as np

from minigan.lab import style
from minigan.theory.transport import earth_movers_piles, wasserstein_1d

style.use()
P, Q = np.array([3, 2, 1, 4]), np.array([1, 2, 4, 3])
delta = earth_movers_piles(P, Q)

states = [P]
for i, carried in enumerate(delta[1:-1].astype(int)):  # pile i is put right, at its neighbour's cost
    after = states[-1].copy()
    after[i] -= carried
    after[i + 1] += carried
    states.append(after)
at = np.arange(1.0, 5.0)
found = {"delta": delta, "cost": abs(delta).sum(), "states": np.array(states),
         "w1": wasserstein_1d(at, at, 1, P / 10, Q / 10)}

fig = plt.figure(figsize=(13, 8), layout="constrained")
grid = fig.add_gridspec(2, 4, height_ratios=[1, 1.1])
moves = ["lines: what $Q$ wants", "carry 2 on", "carry 2 on", "fetch 1 back: now it is $Q$"]
for k, piles in enumerate(states):
    ax = fig.add_subplot(grid[0, k])
    for i in range(4):
        for shovelful in range(piles[i]):
            ax.add_patch(plt.Rectangle((at[i] - 0.36, shovelful + 0.05), 0.72, 0.9, color=style.FAINT))
        done = piles[i] == Q[i]
        ax.plot([at[i] - 0.42, at[i] + 0.42], [Q[i], Q[i]], color=style.MODES, lw=2.5, ls="-" if done else (0, (2, 1)))
    if k:
        i, carried = k - 1, int(delta[k])
        start, end = (at[i], at[k]) if carried > 0 else (at[k], at[i])
        ax.annotate("", (end, 5.15), (start, 5.15),
                    arrowprops={"arrowstyle": "-|>", "color": style.CRITIC, "lw": 2, "mutation_scale": 18})
        ax.text((start + end) / 2, 5.35, f"{abs(carried)}", color=style.CRITIC, ha="center", weight="bold", fontsize=13)
    ax.set(xlim=(0.4, 4.6), ylim=(0, 6))
    style.title(ax, rf"$\delta_{k} = {int(delta[k])}$" if k else "The piles of $P$", moves[k])
    ax.set_xticks(at)
    ax.set_yticks([0, 2, 4])

ax = fig.add_subplot(grid[1, :])
F, G = np.cumsum(P), np.cumsum(Q)
edges = np.arange(0.0, 6.0)
ax.stairs([0, *F], edges, baseline=None, color=style.DATA, lw=2.2)
ax.stairs([0, *G], edges, baseline=None, color=style.GENERATOR, lw=2.2, ls="--")
ax.bar(at + 0.5, F - G, 1, G, color=style.CRITIC, alpha=0.35, lw=0)
for i in range(4):
    before = f"{F[i - 1] - G[i - 1]} + " if i else ""
    ax.text(at[i] + 0.5, max(F[i], G[i]) + 0.35, rf"$\delta_{i + 1} = {before}{P[i]} - {Q[i]} = {F[i] - G[i]}$",
            ha="center", color=style.CRITIC)
ax.text(1.04, 3.3, "$F$, of $P$", fontsize=12)
ax.text(2.04, 2.1, "$G$, of $Q$", color=style.GENERATOR, fontsize=12)
ax.set(xlim=(0.5, 5), ylim=(0, 11.6), xlabel="pile", ylabel="shovelfuls up to here")
style.title(ax, r"The cost is the area between the running totals: $\sum|F_i - G_i| = 5$",
            rf"as probabilities, a tenth of it: $W_1 = {found['w1']:.1f}$")
ax.set_xticks(at)
fig.savefig("four_piles.png", dpi=style.DPI)
