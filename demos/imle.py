r"""
Each datum pulls its nearest sample: no mode is dropped
=======================================================

.. math:: \mathrm{E}_x \min_j \|x - G(z_j)\|^2 \qquad\text{against}\qquad \mathrm{E}_z \min_i \|x_i - G(z)\|^2

Implicit maximum likelihood lets each datum choose the sample that is nearest to it, and pulls that one. A mode without
samples pulls some all the same: its data have a nearest sample, however far. Asked the other way round, each sample
goes to its nearest datum, and a generator that has one mode only is perfect: look at the arrows, and at the zeros.

The price: nothing pulls a sample that no datum has chosen. So IMLE covers, and leaves samples between the modes; a GAN
that collapses has the opposite fault. Neither loss needs a critic.
Source: Li & Malik (2018), algorithm 1. In the notes: `xu`, as a way out of collapse. Claims: G18, D13.
"""
import matplotlib.pyplot as plt
import numpy as np

from minigan.autodiff import Tensor, grad, record
from minigan.gans.losses.critic_output import Batch
from minigan.gans.losses.matching import nearest_sample
from minigan.lab import style
from minigan.lab.metrics import mode_scores
from minigan.lab.toys import ring
from minigan.nets import MLP, adam

style.use()


def pulled(real, fake):
    """E_x min_j ‖x − G(z_j)‖²."""
    return nearest_sample(Batch(real, None), Batch(fake, None))


def pushed(real, fake):
    """E_z min_i ‖x_i − G(z)‖²: data and samples exchanged."""
    return pulled(fake, real)


LOSSES = {"each datum chooses": pulled, "each sample chooses": pushed}

# 1. Once: eight data on a ring, and samples that have one mode only and a little room around it
rng = np.random.default_rng(0)
data = ring(8, radius=1.5, sigma=0.05)
x, samples = data.modes, rng.normal([1.1, 0], 0.3, (12, 2))
found = {"x": x, "samples": samples, "forces": {
    name: -grad(loss(Tensor(x), y), y).value for name, loss in LOSSES.items() for y in [Tensor(samples)]}}

# 2. Until it rests: a generator whose samples begin in one place
net = MLP((2, 64, 64, 2), "tanh")
for name, loss in LOSSES.items():
    def step(state, inputs, loss=loss):
        value = loss(inputs["real"], net(state["theta"], inputs["z"]))
        theta, moments = adam(state["theta"], grad(value, state["theta"]), state, inputs["t"], inputs["eta"])
        return {"theta": theta, **moments}, {}

    rng, T, n = np.random.default_rng(0), 2500, 64
    theta = net.init(rng, gain=0.3, dtype=float)
    theta[-2:] = data.modes[0]  # the last bias: all samples begin in the first mode
    state = {"theta": theta, "m": np.zeros_like(theta), "v": np.zeros_like(theta)}
    program = record(step, state, {"real": x.repeat(8, 0), "z": np.ones((n, 2)), "t": np.ones(()), "eta": np.ones(())})
    for t in range(T):
        program(real=data.sample(rng, n), z=rng.normal(size=(n, 2)), t=np.array(t + 1.0),
                eta=np.array(4e-3 * (1 - t / T)))
    fake, real = net(theta, rng.normal(size=(2500, 2))).value, data.sample(rng, 2500)
    found[name] = mode_scores(fake, data) | {"made": fake, "real": real} | {
        f"loss when {chooser}": float(f(Tensor(real), Tensor(fake)).value) for chooser, f in LOSSES.items()}

fig, axes = plt.subplots(1, 4, figsize=(14, 4.4), layout="constrained")
for (ax, below), (name, choose) in zip(axes.reshape(2, 2), [("each datum chooses", 0), ("each sample chooses", 1)],
                                       strict=True):
    force, result = found["forces"][name], found[name]
    nearest = np.linalg.norm(x[:, None] - samples, axis=-1).argmin(axis=1 - choose)
    for i, j in enumerate(nearest):  # who chooses whom
        ax.plot(*np.array([x[i], samples[j]] if choose == 0 else [x[j], samples[i]]).T, ":", color="#8a8a8a", lw=1.3)
    moved = np.linalg.norm(force, axis=1) > 0
    ax.scatter(*x.T, s=50, marker="s", color=style.DATA, zorder=2)
    ax.scatter(*samples.T, s=40, facecolor="white", edgecolor=style.GENERATOR, lw=1.4, zorder=3)
    ax.scatter(*samples[moved].T, s=40, color=style.GENERATOR, zorder=3)
    ax.quiver(*samples[moved].T, *force[moved].T, angles="xy", scale_units="xy", scale=1, color=style.GENERATOR,
              width=0.008, zorder=3)
    style.title(ax, name.capitalize(), f"squares: data; {moved.sum()} of 12 samples move")
    for mu in data.modes:
        below.add_patch(plt.Circle(mu, 3 * data.sigma, fill=False, color=style.MODES, lw=1.4))
    below.scatter(*result["made"].T, s=3, color=style.GENERATOR, alpha=0.5, lw=0)
    style.title(below, f"so it finds {result['modes_found']} of 8",
                f"{100 * result['high_quality']:.0f} % within 3σ; its loss: {result['loss when ' + name]:.5f}")
for ax in axes.flat:
    ax.set(xlim=(-2.1, 2.1), ylim=(-2.1, 2.1), xticks=[], yticks=[], box_aspect=1)
fig.savefig("imle.png", dpi=style.DPI)
