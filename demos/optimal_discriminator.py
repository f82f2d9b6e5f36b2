r"""
What a discriminator learns: p/(p + q)
======================================

Against a generator that stands still, of density :math:`q`, the discriminator maximises

.. math:: V(D) = E_p \log D(x) + E_q \log(1 - D(x)).

At each :math:`x` alone, :math:`p \log D + q \log(1 - D)` is largest at :math:`D^* = p/(p + q)`, and there
:math:`V(D^*) = 2\,\mathrm{JS}(p\|q) - 2\log 2`: who trains a discriminator measures a divergence, from below. This one
sees nothing but samples. Look at the left how it bends towards :math:`D^*`, and last where samples are few, which costs
:math:`V` least; at the right how :math:`V` climbs to the ceiling, and not beyond.

In the notes: `weng`, `xu`, `blog`. Goodfellow et al. (2014), proposition 1 and theorem 1. Claims G1, G2, G4.
"""
import matplotlib.pyplot as plt
import numpy as np

from minigan.autodiff import grad, record
from minigan.gans.losses import discriminator
from minigan.lab import style
from minigan.lab.toys import gaussian_mixture
from minigan.nets import MLP, adam
from minigan.theory.optimal import optimal_discriminator, optimal_value_between, value_between

style.use()
p, q = gaussian_mixture([[-2.0], [1.5]], sigma=0.6), gaussian_mixture([[0.0]], sigma=1.2)

# %%
# What theory says, of densities.
x = np.linspace(-4.5, 4.5, 361)
densities = log_p, log_q = [lambda x, row=row: row.log_density(x[:, None]) for row in (p, q)]
D_star = optimal_discriminator(log_p(x), log_q(x))
V_star = optimal_value_between(log_p, log_q)

# %%
# What samples say: D = σ(s), s a small network of parameters w, and Adam on −V, of fresh samples at each step.
rng, net = np.random.default_rng(0), MLP((1, 32, 32, 1), "tanh")
w = net.init(rng, "xavier", dtype=float)
state = {"w": w, "m": np.zeros_like(w), "v": np.zeros_like(w)}
batch = {"real": np.empty((256, 1)), "fake": np.empty((256, 1)), "t": np.ones(())}


def step(state, inputs):
    w = state["w"]
    loss = discriminator(net(w, inputs["real"]), net(w, inputs["fake"]))  # −V, on logits
    w, moments = adam(w, grad(loss, w), state, inputs["t"], 3e-3)
    return {"w": w, **moments}, {}


def logit(x):
    return net(state["w"], x[:, None]).value[:, 0]


learn, D, V = record(step, state, batch), [], []
at = [1, 3, 10, 20, 30, 40, 50, 70, 100, 150, 200, 300, 500, 1000, 2000, 3000]
for t in range(1, at[-1] + 1):
    learn(real=p.sample(rng, 256), fake=q.sample(rng, 256), t=np.array(float(t)))
    if t in at:
        D.append(1 / (1 + np.exp(-logit(x))))
        V.append(value_between(logit, log_p, log_q))  # the exact value of this D: an integral, not a mean of samples
found = {"x": x, "D_star": D_star, "V_star": V_star, "js": 0.5 * (np.log(4) + V_star), "steps": at, "D": np.array(D),
         "V": np.array(V)}

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(13, 4.9), width_ratios=(1.5, 1), layout="constrained")
style.title(left, "It bends towards p/(p + q)", "a network that sees 256 samples of each law a step")
left.fill_between(x, np.exp(log_p(x)), color=style.FAINT, alpha=0.6, linewidth=0)
left.plot(x, np.exp(log_q(x)), color=style.GENERATOR, linestyle="-.", linewidth=1.6)
left.plot(x, D_star, color=style.DATA, linewidth=6, alpha=0.3, solid_capstyle="butt")
for t, ls, height in [(1, ":", 0.335), (50, "--", 0.39), (3000, "-", 0.25)]:
    left.plot(x, D[at.index(t)], ls, color=style.CRITIC, linewidth=1.8)
    left.text(4.55, height, "1 step" if t == 1 else f"{t:,} steps", color=style.CRITIC)
left.text(-2.0, 0.345, "data $p$", ha="center")
left.text(0.0, 0.27, "fakes $q$", ha="center", color=style.GENERATOR)
left.text(-2.7, 0.92, r"$D^* = \frac{p}{p+q}$", ha="center", fontsize=15, color="#444444")
left.set(xlabel="$x$", ylabel="$D(x)$, and the densities", xlim=(-4.5, 4.5), ylim=(0, 1.02))

style.title(right, "Its value climbs to 2 JS − 2 log 2", "of the same network, by quadrature, in nats")
right.plot(at, V, "o-", color=style.CRITIC, markersize=4, linewidth=1.8)
right.axhline(V_star, color=style.DATA, linestyle="--", linewidth=1.2)
right.text(1, V_star - 0.02, r"$V(D^*) = 2\,\mathrm{JS}(p\|q) - 2\log 2$")
right.axhline(-2 * np.log(2), color=style.DATA, linestyle="--", linewidth=1.2)
right.text(3000, 0.008 - 2 * np.log(2), r"$-2\log 2$: a coin, $D = \frac{1}{2}$", ha="right")
right.set(xscale="log", xlabel="steps of the discriminator", ylabel="$V(D)$")
fig.savefig("optimal_discriminator.png", dpi=style.DPI)
