r"""
A GAN forgets modes, and three repairs remember them
====================================================

.. math:: \min_\theta \max_w\; \mathrm{E} \log D_w(x) + \mathrm{E} \log(1 - D_w(G_\theta(z)))

Against a D that stands still the best that G can do is to send everything where D is highest: nothing in its own loss
asks it to cover the data. Four trainings, with the same networks, data and noise; look for the empty circles in the
first row, and for the bars: the share of the samples that each mode gets, where 1/8 would be fair. The samples of the
collapsed GAN are nearly as good as the others': quality alone does not show what is missing.

It loses its modes in opposite pairs: tanh networks without biases, as they begin, are odd functions, :math:`G(-z) =
-G(z)`. Folklore calls any of the three a cure; they are cures *here*. Collapse is a matter of configuration, and with
ReLU networks unrolling repairs nothing: docs/comparison.md has seeds, intervals and settings.

In the notes: `advanced` swaps the names, collapse within a mode and dropping whole ones (E2); what is shown is
dropping.
Source: Metz et al. (2017), unrolled, see unrolling.py; Lin et al. (2018), packing; Gulrajani et al. (2017), WGAN-GP; a
small `minigan compare --preset collapse`, the ring's modes 5 times as wide. Claims: G17, G29, E2.
"""
import matplotlib.pyplot as plt
import numpy as np

from minigan.lab import style
from minigan.lab.data import data_from
from minigan.lab.metrics import mode_scores, nearest_mode
from minigan.lab.toys import ring
from minigan.lab.train import Training
from minigan.studies.presets import preset

style.use()
toy = ring(8, radius=2, sigma=0.1)
small = {"generator": (32, 32), "critic": (32, 32), "latent": 4, "batch": 64, "steps": 2500}
snapshots = (1, 300, 800, 2500)
METHODS = {
    "gan": ("the GAN", {}),
    "packing": ("packing:\n$D$ sees two\nsamples at once", {}),
    "unrolled": ("unrolled:\n$G$ looks 5 steps\nof $D$ ahead", {}),
    "wgan-gp": ("WGAN-GP:\na distance that\nsees all mass", {"critic_steps": 2}),
}
found = {}
for method, (_, own) in METHODS.items():
    training = Training(preset("collapse").configure(method, **small, **own), data_from(toy, standardize="none"))
    samples = {}
    for _ in training.run():  # pauses after each step of the generator
        if training.step in snapshots:
            samples[training.step] = training.model.sample(np.random.default_rng(0), 2000)
    last = samples[snapshots[-1]]
    shares = np.bincount(nearest_mode(last, toy.modes)[0], minlength=8) / len(last)
    found[method] = mode_scores(last, toy) | {"shares": shares, "samples": samples}

fig, axes = plt.subplots(len(METHODS), len(snapshots) + 1, figsize=(13, 10.4), layout="constrained")
for row, (method, (text, _)) in zip(axes, METHODS.items(), strict=True):
    for ax, step in zip(row, snapshots, strict=False):
        for mu in toy.modes:
            ax.add_patch(plt.Circle(mu, 3 * toy.sigma, fill=False, color=style.MODES, lw=1.2))
        ax.scatter(*found[method]["samples"][step][:1000].T, s=3, color=style.GENERATOR, alpha=0.5, lw=0)
        ax.set(xlim=(-3, 3), ylim=(-3, 3), xticks=[], yticks=[], aspect="equal")
        ax.spines[:].set_visible(False)
    row[0].set_ylabel(text, rotation=0, ha="right", va="center", fontsize=12)
    row[-2].set_xlabel(f"{found[method]['modes_solid']} of 8 modes, {100 * found[method]['high_quality']:.0f} % within")
    bars = row[-1]
    bars.bar(range(1, 9), found[method]["shares"], color=style.GENERATOR, width=0.7)
    bars.axhline(1 / 8, color=style.DATA, ls="--", lw=1)
    bars.set(ylim=(0, 0.32), yticks=[0, 1 / 8, 1 / 4], yticklabels=["0", "1/8", "1/4"], xticks=range(1, 9))
for ax, step in zip(axes[0], snapshots, strict=False):
    ax.set_title(f"step {step:,}", loc="center", pad=8)
axes[0, -1].set_title("share of each mode", loc="center", pad=8)
axes[-1, -1].set_xlabel("mode")
fig.suptitle("The GAN drops modes; three repairs keep them (circles: $3\\sigma$ of a mode)", fontsize=15, weight="bold")
fig.savefig("mode_collapse.png", dpi=style.DPI)
