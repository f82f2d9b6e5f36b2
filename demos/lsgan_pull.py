r"""
Least squares pulls a fake that the logistic loss leaves alone
==============================================================

.. math:: -\log \sigma(s): \; \frac{\partial}{\partial s} = \sigma(s) - 1 \to 0 \quad (s \to \infty), \qquad
          \tfrac12 (s - c)^2: \; \frac{\partial}{\partial s} = s - c

A fake far on the data's side of the boundary fools a logistic discriminator perfectly, and learns nothing more, though
it lies where there are no data. Least squares wants its score to be c and not more than c: the farther, the stronger
the pull. Look at the fakes on the right: under the one loss they stay, under the other they come.

What they come to is the level :math:`D = c` and not the data: a linear D, as here, knows no more. Nor is the pull a
gift of the value function: at the best D it is Pearson's :math:`\chi^2`, but with D held fixed the generator does not
descend that (G9). And the non-saturating loss has its flat end here, the minimax loss at the other end.
Source: Mao et al. (2017), section 3.2 and figure 1. In the notes: `advanced`. Claims: G9, G10.
"""
import matplotlib.pyplot as plt
import numpy as np

from minigan.autodiff import Tensor, grad
from minigan.gans.losses.scores import (
    discriminator,
    least_squares_critic,
    least_squares_generator,
    minimax_generator,
    non_saturating_generator,
)
from minigan.lab import style

style.use()
LOSSES = {"minimax": minimax_generator, "non-saturating": non_saturating_generator,
          "least squares": least_squares_generator}


def slope(loss, s):
    """∂(loss of one fake)/∂s at each score s."""
    s = Tensor(s[:, None])
    return grad(loss(s) * float(len(s.value)), s).value[:, 0]  # a loss is a mean


s = np.linspace(-6, 6, 241)
found = {"s": s, "slopes": {name: slope(loss, s) for name, loss in LOSSES.items()}}

# Two linear critics s(x) = w₀ + w₁x₁ + w₂x₂ learn, each by its own loss, to tell data from fakes on their left. Then G
# makes some fakes on their right, too, and all of them descend their loss, the critic standing still.
rng = np.random.default_rng(0)
real = rng.normal([0, 0], [0.5, 1.1], (100, 2))
left, right = rng.normal([-2, 0], [0.7, 0.7], (40, 2)), rng.normal([4.5, 0], [0.4, 0.7], (12, 2))
fakes = np.concatenate([left, right])
found |= {"real": real, "left": left, "right": right}


def scores(w, x):
    return x @ w[1:] + w[0]


for name, critic_loss in {"non-saturating": discriminator, "least squares": least_squares_critic}.items():
    w = Tensor(np.zeros((3, 1)))
    for _ in range(1500):
        w = Tensor((w - 0.2 * grad(critic_loss(scores(w, Tensor(real)), scores(w, Tensor(left))), w)).value)
    path = [fakes]
    for _ in range(300):
        x = Tensor(path[-1])
        path.append(path[-1] - 0.1 * len(fakes) * grad(LOSSES[name](scores(w, x)), x).value)
    found[name] = {"w": w.value[:, 0], "path": np.array(path), "scores": scores(w, np.array(path)).value[..., 0]}

fig, axes = plt.subplots(1, 3, figsize=(14, 4.9), layout="constrained", width_ratios=(1, 1.15, 1.15))
ax = axes[0]
for slopes, ls, color in zip(found["slopes"].values(), [":", "--", "-"], ["#606060", style.GENERATOR, style.CRITIC],
                             strict=True):
    ax.plot(s, slopes, ls, color=color, lw=2)
ax.axhline(0, color=style.DATA, lw=0.8)
ax.plot(1, 0, "o", color=style.CRITIC)
ax.text(2.6, 2.1, "least squares\n$s - c$", color=style.CRITIC, ha="right")
ax.text(5.9, 0.15, "non-saturating\n" r"$\sigma(s) - 1$", color=style.GENERATOR, ha="right")
ax.text(5.9, -1.45, r"minimax, $-\sigma(s)$", color="#606060", ha="right")
ax.set(xlabel="score $s$ of a fake", xlim=(-6, 6), ylim=(-3, 3))
style.title(ax, "Only one ever turns back", r"$\partial L_G/\partial s$; below 0: the score is to rise; $c = 1$")

for ax, name, color, title, about, level in [
    (axes[1], "non-saturating", style.GENERATOR, "Logistic: the far ones stay", r"dashed: $s = 0$, it cannot tell", 0),
    (axes[2], "least squares", style.CRITIC, "Least squares: they come", "dashed: $D = c = 1$, where the pull ends", 1),
]:
    w, path = found[name]["w"], found[name]["path"]
    ax.scatter(*real.T, s=16, color=style.FAINT, lw=0)
    ax.plot(*path.transpose(2, 0, 1), color=color, lw=1)
    ax.scatter(*fakes.T, s=18, facecolor="white", edgecolor=color, lw=1, zorder=3)
    ax.scatter(*path[-1].T, s=14, color=color, lw=0, zorder=3)
    x2 = np.array([-3.2, 3.2])
    ax.plot((level - w[0] - w[2] * x2) / w[1], x2, "--", color=style.DATA, lw=1.2)
    ax.set(xlabel="$x_1$", ylabel="$x_2$", xlim=(-4.6, 6.2), ylim=(-3.2, 3.2))
    style.title(ax, title, about)
    ax.text(0, -2.95, "grey: data", ha="center", color="#606060", bbox={"fc": "white", "ec": "none", "pad": 1})
fig.savefig("lsgan_pull.png", dpi=style.DPI)
