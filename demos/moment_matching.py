r"""
One Gaussian, two peaks: which way round is the KL?
===================================================

.. math:: \arg\min_q KL(p\|q) = N(\mathrm{E}_p x, \mathrm{Var}_p x), \qquad
          KL(q\|p) \ \text{has a local minimum at each peak}

Maximum likelihood minimises :math:`KL(p\|q)`, which is large wherever q misses some of p: q must cover both peaks, and
is highest where p has next to nothing. :math:`KL(q\|p)` punishes q for being where p is not: q takes one peak, and pays
log 2 for the half that it drops. `xu` and `advanced` explain blur and collapse by the two.

Folklore says that the reverse KL always picks a peak. Here it has a third local minimum, which covers both, and from a
wide start descent ends there.
Source: Bishop (2006), sections 10.1.2 and 10.7; Huszár (2015). Claims: D13, D14.
"""
import matplotlib.pyplot as plt
import numpy as np

from minigan.lab import style
from minigan.theory.divergences import KL, divergence_between, kl
from minigan.theory.fits import fit_forward_kl, fit_reverse_kl, kl_gaussians, mixture_log_density

style.use()
peaks = (-2.0, 2.0)
log_p = mixture_log_density(peaks, 0.5)  # ½ N(−2, ¼) + ½ N(2, ¼)


def log_q(mu, sigma):
    return mixture_log_density([mu], sigma)


forward = fit_forward_kl(log_p, points=peaks)
reverse = [fit_reverse_kl(log_p, *start) for start in [(-1.5, 1.0), (1.5, 1.0), (0.3, 2.0)]]
found = {
    "forward": forward, "forward_kl": divergence_between(KL, log_p, log_q(*forward), points=peaks),
    "reverse": reverse, "reverse_kl": [divergence_between(KL, log_q(*q), log_p, points=peaks) for q in reverse],
}

# The two landscapes over (μ, σ). Forward, KL(p‖q) = KL(p‖q̂) + KL(q̂‖q) for every Gaussian q, with q̂ the moment match:
# all it sees of p are two moments. Reverse, on a grid of x.
mu, sigma = np.meshgrid(np.linspace(-3.6, 3.6, 73), np.linspace(0.25, 2.75, 51))
x = np.linspace(-18, 18, 1801)
dx = x[1] - x[0]
p = np.exp(log_p(x)) * dx
qs = [np.exp(log_q(m, s)(x)) * dx for m, s in zip(mu.flat, sigma.flat, strict=True)]
bowl = np.array([found["forward_kl"] + kl_gaussians(*forward, m, s) for m, s in zip(mu.flat, sigma.flat, strict=True)])
hollows = np.array([kl(q, p) for q in qs])

fig, axes = plt.subplots(1, 3, figsize=(14, 5), layout="constrained")
ax, near = axes[0], np.linspace(-5.5, 5.5, 800)
ax.fill_between(near, np.exp(log_p(near)), color=style.FAINT, alpha=0.7, lw=0)
ax.plot(near, np.exp(log_q(*forward)(near)), color=style.GENERATOR, lw=2)
for q, ls in zip(reverse[:2], [":", "--"], strict=True):
    ax.plot(near, np.exp(log_q(*q)(near)), color=style.CRITIC, ls=ls, lw=2)
ax.text(-2, 0.28, "$p$", ha="center", fontsize=13)
ax.text(0, 0.3, r"$KL(p\|q)$" "\ncovers", color=style.GENERATOR, ha="center")
ax.text(3.1, 0.6, r"$KL(q\|p)$" "\ntakes one", color=style.CRITIC)
ax.text(-3.1, 0.6, "or the\nother", color=style.CRITIC, ha="right")
ax.set(xlabel="$x$", ylabel="density", ylim=(0, 0.85))
style.title(ax, "To cover, or to pick", r"$p = \frac{1}{2}N(-2, \frac{1}{4}) + \frac{1}{2}N(2, \frac{1}{4})$")

for ax, landscape, title, about in [
    (axes[1], bowl, r"$KL(p\|q)$: one bowl", "levels in nats; the mean and variance of $p$ at its bottom"),
    (axes[2], hollows, r"$KL(q\|p)$: three hollows", "a peak each, and a shallow one that covers both"),
]:
    landscape = landscape.reshape(mu.shape)
    ax.contourf(mu, sigma, np.minimum(landscape, 16), [0, 1, 1.5, 2, 2.5, 4, 8, 16], cmap="Greys", alpha=0.6)
    levels = ax.contour(mu, sigma, landscape, [1, 1.5, 2, 2.5, 4, 8], colors="black", linewidths=0.7)
    ax.clabel(levels, [2.5, 4, 8], fontsize=10, fmt="%g")
    ax.set(xlabel=r"$\mu$ of $q$", ylabel=r"$\sigma$ of $q$")
    style.title(ax, title, about)
for ax, fits, values, color in [(axes[1], [forward], [found["forward_kl"]], style.GENERATOR),
                                (axes[2], reverse, found["reverse_kl"], style.CRITIC)]:
    for q, value in zip(fits, values, strict=True):
        ax.plot(*q, "o", color=color, ms=9, mec="white")
        ax.annotate(f"{value:.3f}", q, (0, 10), textcoords="offset points", ha="center", color=color, weight="bold",
                    bbox={"fc": "white", "ec": "none", "pad": 1})
fig.savefig("moment_matching.png", dpi=style.DPI)
