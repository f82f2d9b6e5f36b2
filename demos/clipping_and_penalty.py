r"""
Clipped weights make a blunt critic, a gradient penalty a sharp one
===================================================================

.. math:: W_1(p, q) = \max_{\|f\|_L \leq 1} \mathrm{E}_p f - \mathrm{E}_q f, \qquad
          w \leftarrow \mathrm{clip}(w, -c, c) \quad\text{or}\quad
          + \lambda\, \mathrm{E}\,(\|\nabla f(\hat x)\| - 1)^2

The fakes stand still: they are the data plus unit noise. Two critics learn to tell them apart, and differ only in what
keeps them Lipschitz. Clipping drives most weights against their bound :math:`\pm c`, and what such a network can say
is simple: look for polygons round the data as a whole, where the levels of the penalised critic bend out to each mode.
Its slope is near 1 and its value near :math:`W_1`; the clipped one's slope is anything below what c allows.

Folklore has the clipped critic find :math:`W_1` "up to a factor K" (`xu`, `weng`; E15). It is a lower bound of
:math:`K W_1`, here a bad one, for c changes which function is best and not just its scale (E22). Nor is the penalised
one the best: it is asked for slope 1 between any datum and any fake, where the theory has it between those that the
optimal plan couples (W11).
Source: Arjovsky et al. (2017), algorithm 1; Gulrajani et al. (2017), figure 1. Claims: W8, W11, W12, E15, E22.
"""
import matplotlib.pyplot as plt
import numpy as np

from minigan.autodiff import grad, record
from minigan.gans.lipschitz import clip_weights, gradient_penalty, interpolate
from minigan.gans.losses.scores import wasserstein_critic
from minigan.lab import style
from minigan.lab.metrics import wasserstein_1
from minigan.lab.toys import TOYS
from minigan.nets import MLP, adam

style.use()
critic = MLP((2, 64, 64, 64, 1))


def batch(data, rng, n=256, noise=1.0):
    real, origin = TOYS[data].sample(rng, n), TOYS[data].sample(rng, n)
    return {"real": real, "fake": origin + noise * rng.normal(size=(n, 2)), "eps": rng.random((n, 1))}


def critic_step(lam=0.0, c=np.inf):
    def step(state, inputs):
        w, real, fake = state["w"], inputs["real"], inputs["fake"]
        loss = wasserstein_critic(critic(w, real), critic(w, fake))
        if lam:
            loss = loss + lam * gradient_penalty(lambda x: critic(w, x), interpolate(real, fake, inputs["eps"]))
        w, moments = adam(w, grad(loss, w), state, inputs["t"], 2e-3, beta1=0.5, beta2=0.9)
        return {"w": clip_weights(w, c), **moments}, {}
    return step


steps, found = {"clipped": critic_step(c=0.05), "penalised": critic_step(lam=10.0)}, {}
for data in ("ring8", "swiss-roll"):
    for name, step in steps.items():
        rng = np.random.default_rng(0)
        w = critic.init(rng, dtype=float)
        state = {"w": w, "m": np.zeros_like(w), "v": np.zeros_like(w)}
        program = record(step, state, batch(data, rng) | {"t": np.ones(())})
        for t in range(1, 1001):
            program(**batch(data, rng), t=np.array(float(t)))
        unseen = batch(data, rng, 1000)
        x_hat = interpolate(*unseen.values())
        f_real, f_fake = (critic(w, unseen[side]).value for side in ("real", "fake"))
        found[data, name] = unseen | {
            "w": w, "says": f_real.mean() - f_fake.mean(), "w1": wasserstein_1(unseen["real"], unseen["fake"]),
            "slopes": np.linalg.norm(grad(critic(w, x_hat).sum(), x_hat).value, axis=1)}

fig, axes = plt.subplots(2, 4, figsize=(14, 7.8), layout="constrained")
x, y = np.meshgrid(*[np.linspace(-2.2, 2.2, 121)] * 2)
for row, name in zip(axes, steps, strict=True):
    results = [found[data, name] for data in ("ring8", "swiss-roll")]
    for ax, result in zip(row, results, strict=False):
        f = critic(result["w"], np.stack([x.ravel(), y.ravel()], axis=1)).value.reshape(x.shape)
        ax.contourf(x, y, f, 16, cmap="Oranges", alpha=0.5)
        ax.contour(x, y, f, 16, colors="#7a5200", linewidths=0.8, linestyles="solid")
        ax.scatter(*result["real"][:400].T, s=5, color=style.DATA, lw=0)
        ax.set(box_aspect=1, xticks=[], yticks=[])
        style.title(ax, f"{name.capitalize()}: {result['says']:.2f} of {result['w1']:.2f}",
                    r"$\mathrm{E}f(x) - \mathrm{E}f(\tilde x)$ of $W_1$; levels of $f$")
    row[2].hist(np.concatenate([result["w"] for result in results]), 60, color=style.CRITIC)
    row[2].set(xlabel="$w$, all weights and biases", yticks=[], box_aspect=1)
    ring, roll = (result["slopes"] for result in results)
    row[3].hist(ring, np.linspace(0, 1.4, 71), color=style.FAINT)
    row[3].hist(roll, np.linspace(0, 1.4, 71), color=style.DATA, histtype="step", lw=1.6)
    row[3].axvline(1, color=style.CRITIC, ls="--")
    row[3].set(xlabel=r"slope $\|\nabla f(\hat x)\|$; grey ring, line roll", yticks=[], box_aspect=1)
style.title(axes[0, 2], "Weights: at the bound", r"$w \leftarrow \mathrm{clip}(w, -c, c)$, $c = 0.05$")
style.title(axes[0, 3], "Slopes: anything", "between a datum and a fake")
style.title(axes[1, 2], "Weights: as they like", r"$\lambda\,\mathrm{E}(\|\nabla f\| - 1)^2$, $\lambda = 10$")
style.title(axes[1, 3], "Slopes: near 1", "between a datum and a fake")
fig.savefig("clipping_and_penalty.png", dpi=style.DPI)
