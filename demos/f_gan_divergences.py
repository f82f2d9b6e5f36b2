r"""
Which f? It decides the fit, the critic and the pull
====================================================

.. math:: D_f(P\|Q) = \int q\, f\!\left(\frac{p}{q}\right) dx = \max_T\, \mathrm{E}_P T - \mathrm{E}_Q f^*(T),
          \qquad T^* = f'\!\left(\frac{p}{q}\right)

Left: of all Gaussians q the one nearest to a mixture p, by seven f. Those that are steep where p/q is large must cover
p, those that are steep where it is small pick a peak. Middle: the optimal critics; where a curve ends flat the critic
tells no more. Right: the pull of the minimax generator on a fake, :math:`\frac{d}{dv} f^*(T^*) = u^2 f''(u)`, with
:math:`v = \log u = \log p/q`. On a fake that the critic is sure of (v → −∞) it vanishes for most f, the GAN's among
them; maximising :math:`\log D` instead keeps it at 1.

Folklore has it that GANs lose modes because JS is like the reverse KL: of this p, JS's own best Gaussian covers both.
`advanced`, "Connection with GAN". Source: Nowozin et al. (2016), section 3.2, tables 1–3. Claims: D6, D10, D13, G10.
"""
import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize

from minigan.autodiff import Tensor, grad
from minigan.gans.losses.f_gan import ratio
from minigan.lab import style
from minigan.theory.divergences import DIVERGENCES, divergence, optimal_critic
from minigan.theory.fits import mixture_log_density

style.use()
x = np.linspace(-12, 14, 2601)
p = np.exp(mixture_log_density([-1.5, 2.0], [0.5, 0.8], [0.6, 0.4])(x))


def gaussian(mu, sigma):
    return np.exp(mixture_log_density([mu], sigma)(x))


def nearest(row):
    """(μ, σ, D_f(p‖q)) of the best Gaussian: searched from the middle, where it covers, and from each peak."""
    def D(theta):
        q = gaussian(theta[0], np.exp(theta[1]))
        return divergence(row, p / p.sum(), q / q.sum())  # on a fine grid sums are integrals

    searches = [minimize(D, start, method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-9})
                for start in [(0.0, 0.4), (-1.5, -0.5), (2.0, -0.1)]]
    best = min(searches, key=lambda search: search.fun)
    return best.x[0], np.exp(best.x[1]), best.fun


rows = {name: DIVERGENCES[name] for name in (
    "pearson", "kl", "gan", "squared-hellinger", "total-variation", "reverse-kl", "neyman")}
v = np.linspace(-6, 3, 181)  # log p/q
score = Tensor(v)
found = {
    "fit": {name: nearest(row) for name, row in rows.items()},
    "v": v, "T": {name: optimal_critic(row, np.exp(v), np.ones_like(v)) for name, row in rows.items()},
    "pull": {name: grad(ratio(row).cost(score).sum(), score).value for name, row in rows.items()
             if name != "total-variation"},  # T* = ±½ has no slope: no pull at all
    "pull_log_d": grad(ratio(rows["gan"]).T(score).sum(), score).value,  # T = log D
}

fig, axes = plt.subplots(1, 3, figsize=(14, 6.2), layout="constrained")
lines = dict(zip(rows, [(style.DATA, ":"), (style.DATA, "-"), (style.GENERATOR, "-"), (style.MODES, "--"),
                        ("#777777", "-"), (style.CRITIC, "-"), (style.CRITIC, "-.")], strict=True))
names = dict(zip(rows, [r"Pearson $\chi^2$", "KL", "GAN: 2 JS", r"Hellinger $H^2$", "total variation", "reverse KL",
                        r"Neyman $\chi^2$"], strict=True))
ax = axes[0]
for k, (name, (mu, sigma, D)) in enumerate(found["fit"].items()):
    ax.fill_between(x, -k, -k + 1.05 * p, color=style.FAINT, alpha=0.7, lw=0)
    ax.plot(x, -k + 1.05 * gaussian(mu, sigma), color=lines[name][0], lw=1.8)
    ax.text(-8.9, -k + 0.14, f"{names[name]}\n{D:.3f}")
ax.set(xlim=(-9, 5.5), xlabel="$x$", ylim=(-6.1, 0.8), yticks=[])
ax.spines["left"].set_visible(False)
style.title(ax, "The fit covers, or picks", r"the Gaussian $q$ of least $D_f(p\|q)$")
ax.set_xticks([-4, -2, 0, 2, 4])

labels = [("pearson", 0.8, 3.2, "right"), ("kl", 2.05, 2.6, "left"), ("neyman", 3.1, 1.0, "left"),
          ("total-variation", 3.1, 0.6, "left"), ("squared-hellinger", 3.1, 0.26, "left"), ("gan", -3.45, -4.0, "left"),
          ("reverse-kl", 0.65, -0.85, "left")]
for name, *at, side in labels:
    color, ls = lines[name]
    axes[1].plot(v, found["T"][name], color=color, ls=ls, lw=1.8)
    axes[1].text(*at, names[name], color=color, ha=side, va="center")
axes[1].set(xlim=(-5, 5.5), ylim=(-5, 4), xlabel=r"$v = \log\,p/q$")
style.title(axes[1], "Where the best critic goes flat", r"$T^* = f'(p/q)$; it cannot pass $f'(\infty)$")

labels = [("pearson", -2.9, 0.0035, "left"), ("kl", 2.15, 5, "left"), ("gan", 3.15, 0.9, "left"),
          ("squared-hellinger", -5.9, 0.045, "left"), ("reverse-kl", -5.9, 1.25, "left"), ("neyman", -1.75, 16, "left")]
for name, *at, side in labels:
    color, ls = lines[name]
    axes[2].semilogy(v, found["pull"][name], color=color, ls=ls, lw=1.8)
    axes[2].text(*at, names[name], color=color, ha=side, va="center")
axes[2].semilogy(v, found["pull_log_d"], color=style.GENERATOR, ls="--", lw=1.8)
axes[2].text(-5.9, 0.7, r"GAN with $-\log D$", color=style.GENERATOR, va="center")
axes[2].set(xlim=(-6, 3), ylim=(1e-3, 30), xlabel=r"$v = \log\,p/q$ at a fake")
style.title(axes[2], "The pull on a fake", r"$u^2 f''(u)$, $u = e^v$")
axes[2].set_yscale("log")
fig.savefig("f_gan_divergences.png", dpi=style.DPI)
