r"""
The discriminator is right and silent, the critic speaks
========================================================

Data :math:`N(0, 1)`, fakes :math:`N(5, 1)`, on the line, and the best adversary of each game:

.. math:: D^* = \frac{p}{p+q} = \sigma\left(\tfrac12\mu^2 - \mu x\right), \qquad
          f^* = \arg\max_{\|f\|_L \le 1} E_p f - E_q f.

:math:`D^*` is a step: the surer it is, the flatter, and :math:`\partial_x \log(1 - D^*) = \mu D^*` is as good as gone
where the fakes are. :math:`f^*` falls with slope 1 on the whole line. Look at the right, on its logarithmic axis, at
the push that a fake gets. (:math:`-\log D` pushes by :math:`\mu(1 - D^*)`: it is silent only where a fake passes for a
datum. What it may cost, see `heavy_tails.py`.)

In the notes: `xu`, `weng`, `advanced`. Arjovsky et al. (2017), figure 2. Claims G10, W16.
"""
import matplotlib.pyplot as plt
import numpy as np

from minigan.autodiff import Tensor, grad
from minigan.gans.losses import minimax_generator, non_saturating_generator
from minigan.lab import style
from minigan.theory.fits import mixture_log_density
from minigan.theory.lipschitz import kantorovich_potential
from minigan.theory.optimal import optimal_discriminator
from minigan.theory.transport import wasserstein_1d

style.use()
mu, x = 5.0, np.linspace(-4, 9, 105)
log_p, log_q = mixture_log_density([0.0], 1.0), mixture_log_density([mu], 1.0)
p, q = np.exp(log_p(x)), np.exp(log_q(x))

# %%
# The discriminator, and the slope in x of what the generator minimises: as a loss is a mean over the points, times n.
points = Tensor(x[:, None])
logits = (log_p(points) - log_q(points)).reshape(-1, 1)
slopes = {name: grad(len(x) * loss(logits), points).value[:, 0]
          for name, loss in [("log(1 − D)", minimax_generator), ("−log D", non_saturating_generator)]}

# %%
# The critic: Kantorovich's dual of p and q on these 105 cells, a linear program that knows nothing of Gaussians.
cells = x[:, None]
f_star = kantorovich_potential(cells, cells, p / p.sum(), q / q.sum())(cells)
slopes["f"] = -np.gradient(f_star, x)  # the generator minimises −f
w1 = wasserstein_1d(x, x, 1, p / p.sum(), q / q.sum())
D_star = optimal_discriminator(log_p(x), log_q(x))
found = {"x": x, "D_star": D_star, "f_star": f_star, "w1": w1, **slopes}

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(13, 4.9), layout="constrained")
style.title(left, "A step, and a straight line", "the best discriminator and the best critic")
left.fill_between(x, p, color=style.FAINT, alpha=0.8, linewidth=0)
left.fill_between(x, q, color=style.GENERATOR, alpha=0.35, linewidth=0)
left.plot(x, D_star, color=style.DATA, linewidth=2.2)
left.plot(x, (f_star - np.interp(mu / 2, x, f_star)) / 10 + 0.5, color=style.CRITIC, linestyle="--", linewidth=2.2)
left.text(0, 0.12, "data $p$", ha="center", fontsize=12)
left.text(mu, 0.12, "fakes $q$", ha="center", fontsize=12)
left.text(1.4, 1.03, "$D^*$", fontsize=12)
left.text(2.95, 0.49, "$f^*/10$, up to a constant", color=style.CRITIC, fontsize=12)
left.set(xlabel="$x$", xlim=(-4, 9), ylim=(-0.2, 1.2))

style.title(right, "The push that a fake at x gets", "absolute slope of the generator's loss")
labels = [("log(1 − D)", "-", style.DATA, (5.15, 5e-5),
           "$\\log(1 - D^*)$:\n$2 \\cdot 10^{-5}$ at $x = 5$"),
          ("−log D", ":", style.DATA, (5.1, 14), r"$-\log D^*$: 5"), ("f", "--", style.CRITIC, (5.1, 0.2), "$-f^*$: 1")]
for name, ls, colour, at, text in labels:
    right.plot(x, abs(slopes[name]), ls, color=colour, linewidth=2.2)
    right.text(*at, text, color=colour, fontsize=12)
right.axvspan(mu - 2, mu + 2, color=style.GENERATOR, alpha=0.12, linewidth=0)
right.text(mu, 1e-12, "95 % of the fakes", ha="center")
right.set(yscale="log", xlabel="$x$", xlim=(-4, 9), ylim=(2e-13, 1e2))
fig.savefig("saturation.png", dpi=style.DPI)
