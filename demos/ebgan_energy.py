r"""
An autoencoder as an energy: low on the data, and a margin above
================================================================

.. math:: D(x) = \|A(x) - x\|, \qquad L_D = \mathrm{E} D(x) + \mathrm{E} \max(0, m - D(\tilde x)), \qquad
          \min_{D \geq 0} L_D = m\,(1 - TV(p, q))

The critic of EBGAN is an autoencoder, and its energy is how badly it repeats x. Taught on data alone it repeats
whatever lies on the way, too. Taught against fakes, here noise on a square, it lifts them to the margin m and no
farther: a fake above m pushes nobody. The best energy is 0 where p > q and m elsewhere: look for the light holes
inside the dashed lines p = q, and for the valleys of the cut, as steep as the network makes them. Without max(0, ·),
as `advanced` prints the loss (E3), the same critic lifts the fakes for ever, and its loss has no bottom.

For a bottom it is: 1 − L_D/m never exceeds the total variation, whatever the critic.
Source: Zhao et al. (2017), equations 1 to 3, theorem 1. In the notes: `advanced`. Claims: G15, E3.
"""
import matplotlib.pyplot as plt
import numpy as np

from minigan.autodiff import grad, record
from minigan.gans.losses.energy import energy_critic, mean_energy
from minigan.gans.losses.heads import ENERGY
from minigan.lab import style
from minigan.lab.toys import ring
from minigan.nets import MLP, adam
from minigan.theory.optimal import optimal_energy

style.use()
m, half = 1.0, 2.0
data = ring(8, radius=1.2, sigma=0.12)
log_q = -2 * np.log(2 * half)  # the fakes: uniform on the square
A = MLP((2, 64, 64, 2))


def energy(w, x):
    return ENERGY.score(A(w, x), x)


def batch(rng, n=128):
    return {"real": data.sample(rng, n), "fake": rng.uniform(-half, half, (n, 2))}


LOSSES = {
    "data alone": lambda real, fake: mean_energy(real),
    "with a margin": lambda real, fake: energy_critic(real, fake, m),
    "without max(0, ·)": lambda real, fake: mean_energy(real) + m - mean_energy(fake),
}
found = {"m": m, "half": half, "data": data}
for name, loss in LOSSES.items():
    def step(state, inputs, loss=loss):
        w = state["w"]
        value = loss(energy(w, inputs["real"]), energy(w, inputs["fake"]))
        w, moments = adam(w, grad(value, w), state, inputs["t"], inputs["eta"])
        return {"w": w, **moments}, {"loss": value}

    rng = np.random.default_rng(0)
    w = A.init(rng, dtype=float)
    state = {"w": w, "m": np.zeros_like(w), "v": np.zeros_like(w)}
    program = record(step, state, batch(rng) | {"t": np.ones(()), "eta": np.ones(())})
    T = 2500
    losses = [float(program(**batch(rng), t=np.array(t + 1.0), eta=np.array(4e-3 * (1 - t / T)))["loss"])
              for t in range(T)]
    unseen = batch(rng, 20_000)
    found[name] = {"w": w, "losses": np.array(losses), **{side: energy(w, x).value for side, x in unseen.items()}}

grid = np.linspace(-half, half, 161)
x, y = np.meshgrid(grid, grid)
points = np.stack([x.ravel(), y.ravel()], axis=1)
p_over_q = data.log_density(points).reshape(x.shape) - log_q
fig, axes = plt.subplots(1, 4, figsize=(14, 4.2), layout="constrained")
for ax, name, title, about in [
    (axes[0], "data alone", "Data alone: low everywhere", r"it repeats any $x$, learned or not"),
    (axes[1], "with a margin", "With fakes: low on the data", "dashed: $p = q$, where the best steps up"),
]:
    D = energy(found[name]["w"], points).value.reshape(x.shape)
    shades = ax.contourf(x, y, D, np.linspace(0, 1.6, 9), cmap="Oranges", extend="max")
    ax.contour(x, y, p_over_q, [0], colors=style.DATA, linestyles="dashed", linewidths=1.3)
    ax.set(box_aspect=1, xticks=[-1, 0, 1], yticks=[-1, 0, 1], xlabel="$x_1$")
    style.title(ax, title, about)
fig.colorbar(shades, ax=axes[:2], label="energy $D(x)$", shrink=0.75, pad=0.02)

ax, cut = axes[2], np.stack([np.linspace(-half, half, 801), np.zeros(801)], axis=1)
best = optimal_energy(data.log_density(cut), np.full(801, log_q), m)
ax.plot(cut[:, 0], best, "--", color=style.DATA, lw=1.3)
ax.plot(cut[:, 0], energy(found["with a margin"]["w"], cut).value, color=style.CRITIC, lw=2)
ax.plot(cut[:, 0], energy(found["data alone"]["w"], cut).value, ":", color="#606060", lw=2)
ax.text(0, 0.6, "with fakes", ha="center", color=style.CRITIC)
ax.text(0, 0.06, "data alone", ha="center", color="#606060")
ax.set(xlabel="$x_1$, along $x_2 = 0$", ylim=(0, 2.2), yticks=[0, m, 2], yticklabels=["0", "$m$", "$2m$"], box_aspect=1)
style.title(ax, "A valley at each mode", "a cut; dashed: the best, 0 or $m$")

ax = axes[3]
for name, color, ls in [("with a margin", style.CRITIC, "-"), ("without max(0, ·)", "#606060", ":")]:
    ax.plot(found[name]["losses"], ls, color=color, lw=1.5)
ax.set_yscale("symlog")
ax.set_yticks([-1e5, -1e3, -10, 0, 10], ["$-10^5$", "$-10^3$", "$-10$", "0", "10"])
ax.set(xlabel="step", xticks=[0, 1000, 2000], box_aspect=1)
ax.text(T, 1.6, r"$\max(0, m - D)$", color=style.CRITIC, ha="right")
ax.text(1000, -700, "$m - D$", color="#606060")
ax.set_title("Without the 0 no bottom")
ax.annotate(r"$L_D$; its least is $m(1 - TV)$", (0, 1), (0, 6), "axes fraction", "offset points", color="#444444")
fig.savefig("ebgan_energy.png", dpi=style.DPI)
