r"""
How long is a matrix? Power iteration, and a network of slope 1
===============================================================

A layer :math:`h \mapsto Wh` stretches by at most :math:`\sigma_1(W) = \max_{\|h\| = 1} \|Wh\|`, the *largest* singular
value (`advanced` says "the" singular value; no other one bounds anything). A step of power iteration,

.. math:: v \leftarrow W^\top u / \|W^\top u\|, \qquad u \leftarrow W v / \|W v\|, \qquad \hat\sigma = u^\top W v,

turns v towards the first singular vector: the tangent of the angle between them falls by the factor
:math:`(\sigma_2/\sigma_1)^2`, and the error of :math:`\hat\sigma` by its square. Look for the two straight lines; for
:math:`\hat\sigma` that comes from below, and from an unlucky start stays at :math:`\sigma_2` until rounding has found
the first vector (here after some 170 steps): it is an estimate, and certifies nothing. On the right every weight of a
network is divided by its norm, and no slope is above 1. Most are far below: the product of the layers' norms is a bound
that the layers seldom attain together.

Source: Miyato et al. (2018), algorithm 1; Golub & Van Loan (2013), section 7.3. In the notes: `advanced`. Claims: W13,
G32, E4.
"""
import matplotlib.pyplot as plt
import numpy as np

from minigan.autodiff import Tensor, grad
from minigan.gans.spectral import initial_state, settled, spectral_normalize
from minigan.lab import style
from minigan.nets import MLP
from minigan.theory.lipschitz import lipschitz_bound, power_iteration

style.use()
rng = np.random.default_rng(1)
U, V = (np.linalg.qr(rng.normal(size=(n, n)))[0] for n in (8, 8))
sigma = np.array([2, 1.8, 1.5, 1.2, 1, 0.8, 0.5, 0.2])
W = (U * sigma) @ V.T  # a matrix whose singular values are known


def iterate(u, steps=40):
    """tan ∠(v, v₁) and σ̂ after each step."""
    v, angles, estimates = V[:, 0], [], []
    for _ in range(steps):
        u, v, estimate = power_iteration(u, v, W)
        angles.append(np.linalg.norm(V[:, 1:].T @ v) / abs(V[:, 0] @ v))
        estimates.append(estimate)
    return np.array(angles), np.array(estimates)


tangent, estimate = iterate(np.ones(8) / 8**0.5)
unlucky = iterate(U[:, 1])[1][:12]  # starts at a right angle to u₁, and there it stays until rounding has grown

# Every weight of a network divided by its norm: from 200 steps, since a σ̂ that is still below σ₁ leaves W/σ̂ too large
net = MLP((2, 32, 32, 1), "leaky-relu")
w = net.init(rng, dtype=float)
w_bar = spectral_normalize(net, w, settled(net, w, initial_state(net, rng, float), steps=200))
x = Tensor(rng.uniform(-3, 3, (4000, 2)))
slopes = {name: np.linalg.norm(grad(net(weights, x).sum(), x).value, axis=1)  # ‖∇f(x)‖ of each point
          for name, weights in [("before", w), ("after", w_bar)]}
bounds = {name: lipschitz_bound([layer.value for layer, _ in net.layers(weights)])  # Π σ₁(Wₗ), by SVD
          for name, weights in [("before", w), ("after", w_bar)]}
found = {"W": W, "tangent": tangent, "estimate": estimate, "unlucky": unlucky, "slopes": slopes, "bounds": bounds,
         "w": w, "w_bar": w_bar.value}

fig, axes = plt.subplots(1, 3, figsize=(14, 4.8), layout="constrained")
ax, k = axes[0], np.arange(1, 41)
error = sigma[0] - estimate
ax.semilogy(k, tangent, "o", color=style.GENERATOR, ms=4)
ax.semilogy(k, tangent[20] * (sigma[1] / sigma[0]) ** (2 * (k - 21)), color=style.GENERATOR, lw=1)
ax.semilogy(k, error, "s", color=style.CRITIC, ms=4)
ax.semilogy(k, error[20] * (sigma[1] / sigma[0]) ** (4 * (k - 21)), color=style.CRITIC, lw=1, ls="--")
ax.text(20, 0.12, r"$\tan\angle(v, v_1) \propto (\sigma_2/\sigma_1)^{2k}$", color=style.GENERATOR)
ax.text(3, 2e-6, r"$\sigma_1 - \hat\sigma \propto (\sigma_2/\sigma_1)^{4k}$", color=style.CRITIC)
ax.set(xlabel="step $k$")
style.title(ax, "Straight lines, one twice as steep", r"$\sigma_2/\sigma_1 = 0.9$; lines: the theory's slopes")
ax.set_yscale("log")

ax = axes[1]
for name, level in [(r"$\sigma_1$", sigma[0]), (r"$\sigma_2$", sigma[1])]:
    ax.plot([0.6, 12.1], [level, level], color=style.DATA, lw=1, ls="--")
    ax.text(12.3, level, name, va="center", fontsize=13)
ax.plot(k[:12], estimate[:12], "s-", color=style.CRITIC, ms=5)
ax.plot(k[:12], unlucky, "^:", color=style.GENERATOR, ms=5)
ax.text(4.4, 1.885, r"$\hat\sigma$", color=style.CRITIC, fontsize=13)
ax.text(6, 1.78, r"$\hat\sigma$ from a start $u \perp u_1$", color=style.GENERATOR, va="top")
ax.set(xlabel="step $k$", xlim=(0.6, 13), xticks=range(1, 13))
style.title(ax, r"$\hat\sigma$ comes from below, or not for long", "a lower estimate of the norm: it certifies nothing")

ax, bins = axes[2], np.geomspace(0.005, 30, 80)
for name, color, at in [("before", style.FAINT, 1.2), ("after", style.CRITIC, 0.02)]:
    ax.hist(slopes[name], bins, color=color)
    ax.axvline(bounds[name], color=color, ls=":", lw=2)
    ax.text(at, 830, name, fontsize=12)
ax.text(0.93, 950, "1, the bound after", ha="right")
ax.text(bounds["before"] * 0.9, 950, f"{bounds['before']:.1f}, before", ha="right")
ax.set(xlabel=r"$\|\nabla f(x)\|$ at 4,000 points", ylabel="points", xscale="log", ylim=(0, 1020))
ax.set_xticks([0.01, 0.1, 1, 10], ["0.01", "0.1", "1", "10"])
ax.set_title(r"After $W/\sigma_1(W)$ no slope above 1")
ax.annotate(r"the bound: $\Pi_l\,\sigma_1(W_l)$, seldom attained", (0, 1), (0, 6), "axes fraction", "offset points",
            color="#444444")
fig.savefig("power_iteration.png", dpi=style.DPI)
