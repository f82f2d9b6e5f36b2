r"""
KL asks where one of the two lives, JS asks both
================================================

.. math:: KL(p\|q) = \int p \log\frac{p}{q}\,dx, \qquad
          JS(p, q) = \tfrac12 KL(p\|m) + \tfrac12 KL(q\|m), \quad m = \tfrac12(p + q)

Each is an area, in nats: below, where it comes from. KL(p‖q) asks only where p has mass, and KL(q‖p) where q has. JS
compares both with their middle m, which is never less than half of either: no ratio exceeds 2, and JS never log 2.

The pair on the left is `weng`'s figure 1, there an example of KL's asymmetry. But with equal variances KL is ½ both
ways, and only the integrands are mirrored (E9); the pair on the right is asymmetric indeed.
Source: Kullback & Leibler (1951); Lin (1991). Claims: D1, D2, D3.
"""
import matplotlib.pyplot as plt
import numpy as np

from minigan.lab import style
from minigan.theory.divergences import JS, KL, divergence_between
from minigan.theory.fits import mixture_log_density

style.use()
x = np.linspace(-7, 8.5, 1551)
pairs = [((0, 1), (1, 1)), ((0, 1), (1, 2))]  # (mean, standard deviation) of p, of q
found = {"kl_pq": [], "kl_qp": [], "js": []}

fig, axes = plt.subplots(2, 2, figsize=(12, 7.6), sharex=True, sharey="row", layout="constrained")
for (above, below), (gauss_p, gauss_q) in zip(axes.T, pairs, strict=True):
    log_p, log_q = (mixture_log_density([mean], sd) for mean, sd in (gauss_p, gauss_q))
    found["kl_pq"].append(divergence_between(KL, log_p, log_q))
    found["kl_qp"].append(divergence_between(KL, log_q, log_p))
    found["js"].append(divergence_between(JS, log_p, log_q))

    p, q = np.exp(log_p(x)), np.exp(log_q(x))
    m = (p + q) / 2
    above.plot(x, p, color=style.DATA)
    above.plot(x, q, color=style.GENERATOR, ls="--")
    above.plot(x, m, color="#777777", ls=":")

    below.plot(x, p * np.log(p / q), color=style.DATA)
    below.plot(x, q * np.log(q / p), color=style.GENERATOR, ls="--")
    below.fill_between(x, p * np.log(p / m) / 2 + q * np.log(q / m) / 2, color=style.CRITIC, alpha=0.55, lw=0)
    below.axhline(0, color="black", lw=0.8)
    below.set_xlabel("$x$")

for k, title in enumerate(["Equal variances: one number both ways", "Unequal variances: two numbers"]):
    kl_pq, kl_qp, js = (found[name][k] for name in ("kl_pq", "kl_qp", "js"))
    style.title(axes[0, k], title, f"KL(p‖q) = {kl_pq:.3f},  KL(q‖p) = {kl_qp:.3f},  JS = {js:.3f} nats")
axes[0, 0].set_ylabel("density")
axes[1, 0].set_ylabel("integrand")
for ax, at_m, at_q in [(axes[0, 0], (1.76, 0.095), (1.95, 0.33)), (axes[0, 1], (2.3, 0.05), (3.1, 0.15))]:
    ax.text(-0.8, 0.34, "$p$", ha="right", fontsize=13)
    ax.text(*at_q, "$q$", color=style.GENERATOR, fontsize=13)
    ax.text(*at_m, "$m$", color="#555555", fontsize=13)
for ax, at_p, at_q in [(axes[1, 0], (-1.75, 0.3), (2.75, 0.3)), (axes[1, 1], (-1.1, 0.27), (4.7, 0.38))]:
    ax.text(*at_p, r"$p\,\log\frac{p}{q}$", ha="right", fontsize=14)
    ax.text(*at_q, r"$q\,\log\frac{q}{p}$", color=style.GENERATOR, fontsize=14)
    ax.annotate("JS: the filled area", (3.0, 0.015), (3.4, -0.11), color=style.CRITIC,
                arrowprops={"arrowstyle": "-", "color": style.CRITIC})
fig.savefig("gaussians_kl_js.png", dpi=style.DPI)
