r"""
JS is blind to distance, :math:`W_1` is not
===========================================

The data are a line, :math:`(0, z)` with :math:`z \sim U[0, 1]`; the fakes :math:`(\theta, z)`, one parallel to it.

.. math:: KL = \infty, \quad JS = \log 2, \quad TV = 1 \quad (\theta \neq 0), \qquad W_1 = |\theta|,

and all are 0 at :math:`\theta = 0`. So no f-divergence tells a near miss from a far one, nor which way to go; the
distance that moves mass does both. On the right the same descent on JS and on :math:`W_1`.

`weng` sums JS at x = 0 twice; the second sum belongs at x = θ (E20). `xu` leaves out the ½: there JS is 2 log 2 (D4).
Source: Arjovsky, Chintala & Bottou (2017), example 1. Claims: W3, W9, D16.
"""
import matplotlib.pyplot as plt
import numpy as np

from minigan.lab import style
from minigan.theory.divergences import jensen_shannon, kl, total_variation
from minigan.theory.transport import wasserstein_assignment

style.use()
z = (np.arange(16) + 0.5) / 16


def line(theta):
    return np.stack([np.full_like(z, theta), z], axis=1)


def masses(theta):
    """Both laws as probabilities of the points of either: where the lines coincide, so do their points."""
    points, index = np.unique(np.concat([line(0.0), line(theta)]), axis=0, return_inverse=True)
    p, q = (np.bincount(part, minlength=len(points)) / len(z) for part in np.split(index.ravel(), 2))
    return p, q


distances = {
    "kl": lambda theta: kl(*masses(theta)),
    "js": lambda theta: jensen_shannon(*masses(theta)),
    "tv": lambda theta: total_variation(*masses(theta)),
    "w1": lambda theta: wasserstein_assignment(line(0.0), line(theta)),
}
theta = np.linspace(-1.5, 1.5, 61)  # 0 is one of them
found = {"theta": theta} | {name: np.array([D(t) for t in theta]) for name, D in distances.items()}

# θ ← θ − η dD/dθ. W₁ has a kink at 0, and a constant step ends up hopping over it
eta, h = 0.05, 1e-3
for name in ("js", "w1"):
    D, path = distances[name], [0.93]
    for _ in range(30):
        path.append(path[-1] - eta * (D(path[-1] + h) - D(path[-1] - h)) / (2 * h))
    found[f"descent_{name}"] = np.array(path)

fig, axes = plt.subplots(1, 3, figsize=(14, 4.8), width_ratios=[0.8, 1.3, 1.1], layout="constrained")
ax = axes[0]
ax.plot(*line(0.0).T, "o", color=style.DATA)
ax.plot(*line(0.93).T, "^", color=style.GENERATOR)
for y in z[1::2]:
    ax.annotate("", (0.05, y), (0.88, y), arrowprops={"arrowstyle": "->", "color": style.FAINT})
ax.text(0, 1.03, "data", ha="center")
ax.text(0.93, 1.03, "generator", ha="center", color=style.GENERATOR)
ax.set(xlim=(-0.3, 1.3), ylim=(0, 1.1), ylabel="$z$", xlabel="$x$")
style.title(ax, "Two parallel lines", r"every point has $|\theta|$ to go")

ax, top = axes[1], 1.75  # ∞ is drawn there
ax.plot(theta, found["w1"], color=style.GENERATOR, lw=2.4)
for name, label, at, color, ls in [("kl", r"$KL = \infty$", (0.85, 1.63), style.DATA, ":"),
                                   ("tv", "$TV = 1$", (-1.45, 1.04), "#666666", "-."),
                                   ("js", r"$JS = \log 2$", (-0.62, 0.73), style.CRITIC, "--")]:
    for side in (theta < 0, theta > 0):
        ax.plot(theta[side], np.minimum(found[name][side], top), color=color, ls=ls, lw=1.9)
    ax.plot(0, min(found[name][0], top), "o", color=color, mfc="white", ms=7)
    ax.text(*at, label, color=color)
ax.plot(0, 0, "o", color="black", ms=8)
ax.text(1.14, 1.3, r"$W_1 = |\theta|$", color=style.GENERATOR, ha="right")
ax.text(0.1, 0.01, "all 0 here")
ax.set(xlabel=r"$\theta$", ylim=(-0.08, 1.85))
style.title(ax, "Only one of them knows how far", "the others jump to 0 where the lines meet")
ax.set_yticks([0, np.log(2), 1, 1.5, top], ["0", "0.69", "1", "1.5", r"$\infty$"])

ax = axes[2]
ax.axhline(0, color="black", lw=0.8)
ax.plot(found["descent_js"], color=style.CRITIC, ls="--", marker="s", ms=3.5)
ax.plot(found["descent_w1"], color=style.GENERATOR, marker="o", ms=4)
ax.text(12, 0.85, r"on JS: $dJS/d\theta = 0$", color=style.CRITIC)
ax.text(10.4, 0.47, r"on $W_1$: $dW_1/d\theta = \mathrm{sign}\,\theta$", color=style.GENERATOR)
ax.set(xlabel="step", ylabel=r"$\theta$")
style.title(ax, "Only one of them says where to go", rf"$\theta \leftarrow \theta - {eta}\,dD/d\theta$, from 0.93")
fig.savefig("parallel_lines.png", dpi=style.DPI)
