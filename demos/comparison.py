r"""
Six systems on one ring, and what their numbers are worth
=========================================================

.. math:: \text{solid:}\ \frac{n_j}{n} \geq \frac{1}{4k}, \qquad \text{quality:}\ P(\|x - \mu\| \leq 3\sigma), \qquad
          W_1(\hat p, \hat q) = \min_\pi \frac{1}{n} \sum_i \|x_i - y_{\pi(i)}\|

Six recipes, the same networks and the same budget, three seeds each, in a few seconds: a small edition of what
`minigan compare` does with ten seeds and tens of thousands of steps (docs/comparison.md). Read each number between the
two last panels: fresh data do not reach 100 % quality nor :math:`W_1 = 0`, and noise "finds" all eight modes, for one
of its 2,500 samples near each is enough. Three seeds are too few for an interval, so where two means differ, nothing
has been shown yet.

Source: Srivastava et al. (2017, VEEGAN), section 4.1, for modes and quality. In the notes: all. Claims: W17.
"""
import matplotlib.pyplot as plt

from minigan.lab import style
from minigan.lab.reference import draw_reference
from minigan.lab.toys import ring
from minigan.studies.study import run_study
from minigan.studies.summary import cells, markdown, summarize, written

style.use()
data = ring(8, radius=2, sigma=0.1)
budget = {"steps": 1500, "generator": (32, 32), "critic": (32, 32), "activation": "tanh", "lr_critic": 2e-3,
          "lr_generator": 2e-3, "standardize": "none", "evaluations": 1}
recipes = ["gan", "lsgan", "packing", "r1", "wgan-gp", "imle"]
done = run_study(recipes, data, seeds=3, settings=budget, jobs=1)
print(markdown(cells(done)))

rows = {row["recipe"]: row for row in summarize(done)}  # of each system the mean of each metric
first = draw_reference(done.plan.data, 0, 2500)._asdict()  # what the first seed was measured against
samples = {name: result.samples for name, result in done.results.items()}  # (seeds, 2500, 2)
found = {"rows": rows, "by_seed": done.rows, "samples": samples, "real": first["real"]}

fig, axes = plt.subplots(2, 4, figsize=(12.6, 9.1), layout="constrained")
names = {"ceiling": "fresh data: the ceiling", "null": "noise: the null"}
shown = {name: x[0] for name, x in samples.items()} | {name: first[name] for name in names}
for ax, (name, x) in zip(axes.flat, shown.items(), strict=True):
    for mu in data.modes:
        ax.add_patch(plt.Circle(mu, 3 * data.sigma, fill=False, color=style.MODES, lw=1))
    ax.scatter(*x[:1500].T, s=3, alpha=0.5, lw=0, color="#606060" if name in names else style.GENERATOR)
    ax.set(xlim=(-2.9, 2.9), ylim=(-2.9, 2.9), xticks=[], yticks=[], box_aspect=1)
    ax.spines[:].set_visible(False)
    ax.set_title(names.get(name, name), pad=6)
    ax.set_xlabel("\n".join(f"{text}  {written(metric, rows[name][metric])}" for metric, text in [
        ("modes_found", "modes found"), ("modes_solid", "modes solid"), ("high_quality", "% within 3σ"),
        ("w1", "exact $W_1$")]), fontsize=11, loc="left")
fig.suptitle("Six systems, 3 seeds: a number lies between the noise and fresh data", fontsize=15, weight="bold")
fig.savefig("comparison.png", dpi=style.DPI)
