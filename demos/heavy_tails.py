r"""
The price of −log D: gradients without a mean
=============================================

Near a perfect discriminator, :math:`D = 0` and :math:`\nabla D = 0` on the fakes but for errors :math:`\epsilon` and
:math:`r`. With :math:`J = \partial x/\partial\theta`, one fake's gradient is then

.. math:: \nabla_\theta \log(1 - D) = -\frac{J r}{1 - \epsilon} \quad \text{(minimax: dead)}, \qquad
          \nabla_\theta [-\log D] = -\frac{J r}{\epsilon} \quad \text{(the trick: wild)}.

If both errors are independent centred Gaussian noise, the second is Cauchy: no mean, no variance, and an average of a
thousand is as wild as one. Look at the left at the straight tail of slope −1, and at the right at the jumps. The
assumption is strong, as `xu` says: a real :math:`D = \sigma(s)` is never below 0, and
:math:`\nabla[-\log D] = -(1 - D) \nabla s` has no heavier tail than its logit's slope.

In the notes: `xu`. Arjovsky & Bottou (2017), theorem 2.6. Claim G8.
"""
import matplotlib.pyplot as plt
import numpy as np

from minigan.autodiff import absolute, log, log1p, softplus
from minigan.lab import style
from minigan.theory.optimal import generator_gradient

style.use()
n, sd_eps, sd_r, J = 100_000, 0.01, 0.02, 1.0
rng = np.random.default_rng(0)
eps, r = sd_eps * rng.standard_normal(n), sd_r * rng.standard_normal(n)

# %%
# One θ for each draw of the errors, x = J θ, and D(x) = ε + r x there, at θ = 0. ε may be negative.
theta, z, one = np.zeros(n), np.zeros(n), np.ones(n)


def gradient(loss):
    return generator_gradient(loss, lambda theta, z: J * theta + z, theta, z, weights=one)


trick = gradient(lambda x: -log(absolute(eps + r * x)))  # −log D
minimax = gradient(lambda x: log1p(-(eps + r * x)))  # log(1 − D)
sigmoid = gradient(lambda x: softplus(-(np.log(sd_eps) + eps / sd_eps + r / sd_eps * x)))  # −log σ(s), s as noisy

# %%
count, scale = np.arange(1, n + 1), J * sd_r / sd_eps
found = {"trick": trick, "minimax": minimax, "sigmoid": sigmoid, "scale": scale, "mean": np.cumsum(trick) / count,
         "means of 1000": trick.reshape(-1, 1000).mean(axis=1)}

fig, (left, right) = plt.subplots(1, 2, figsize=(13, 4.9), width_ratios=(1.2, 1), layout="constrained")
style.title(left, "A tail of slope −1", "how often a fake's gradient is larger than $t$")
t = np.geomspace(1e-3, 2e5, 200)
left.plot(t, 1 - 2 / np.pi * np.arctan(t / scale), color=style.FAINT, linewidth=6)
for g, ls, colour, at, text in [
    (trick, "-", style.CRITIC, (60, 0.05), "$-\\log D$, $D$ as noisy as its slope:\n$-Jr/\\epsilon$, Cauchy (grey)"),
    (minimax, "--", style.DATA, (0.004, 2e-4), "$\\log(1 - D)$:\nvanishing"),
    (sigmoid, "-.", style.GENERATOR, (0.23, 2e-4), "$-\\log\\,\\sigma(s)$,\nnoisy logits"),
]:
    left.plot(np.sort(abs(g)), 1 - (count - 0.5) / n, ls, color=colour, linewidth=1.8)
    left.text(*at, text, color=colour, fontsize=12)
left.set(xscale="log", yscale="log", xlim=(1e-3, 2e5), ylim=(7e-6, 1.6))
left.set(xlabel="$t$", ylabel=r"$P(|\nabla_\theta| > t)$")

style.title(right, "Averaging does not help", "the mean of the first $n$ gradients")
right.plot(count, found["mean"], color=style.CRITIC, linewidth=1.6)
right.plot(count, np.cumsum(sigmoid) / count, "-.", color=style.GENERATOR, linewidth=1.8)
right.text(700, 3, "$-Jr/\\epsilon$: never settles", color=style.CRITIC, fontsize=12)
right.text(6, 1.2, r"$-\log\,\sigma(s)$", color=style.GENERATOR, fontsize=12)
right.set(xscale="log", xlabel="$n$", ylabel=r"$\frac{1}{n}\sum \nabla_\theta$", xlim=(1, n), ylim=(-8, 5))
fig.savefig("heavy_tails.png", dpi=style.DPI)
