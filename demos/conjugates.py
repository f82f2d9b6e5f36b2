r"""
A conjugate is an envelope of lines
===================================

.. math:: f^*(t) = \sup_{u \ge 0}\,\{ut - f(u)\}, \qquad f(u) = \sup_t\,\{ut - f^*(t)\}

Each :math:`u` gives a line in :math:`t`, of slope :math:`u`, and :math:`f^*` is the upper envelope of them all; each
:math:`t` gives a tangent of :math:`f`, which meets the axis :math:`u = 0` at :math:`-f^*(t)`. Where :math:`f` is not
convex no line can follow it into the dent: :math:`f^{**}` is its convex hull. By this step a divergence becomes a game:
the slope :math:`t` is what a critic answers where :math:`p/q = u`.

`advanced` has :math:`e^{t-1}` approximate :math:`x \log x`: it is its conjugate, a function of the slope (E6). And
f-GAN's table of :math:`f^*` leaves out the flat pieces, where the best :math:`u` is 0.
Source: Rockafellar (1970), section 12; Nowozin et al. (2016), table 6. Claims: D7, D8, D9.
"""
import matplotlib.pyplot as plt
import numpy as np

from minigan.lab import style
from minigan.theory.divergences import DIVERGENCES, GAN, KL, PEARSON, TOTAL_VARIATION, biconjugate, conjugate

style.use()
found = {"t": {}, "formula": {}, "sup": {}}
for row in DIVERGENCES.values():  # f* as the row writes it, and as the sup that defines it
    found["t"][row.name] = t = np.linspace(-3, min(row.slope, 2), 40, endpoint=False)
    found["formula"][row.name] = row.conjugate(t)
    found["sup"][row.name] = conjugate(row.f, t)


def well(x):
    return (x**2 - 1) ** 2


x, grid = np.linspace(-1.6, 1.6, 161), np.linspace(-3, 3, 301)
found |= {"x": x, "hull": biconjugate(well, x, grid)}

fig, axes = plt.subplots(2, 3, figsize=(14, 8.6), layout="constrained")
clear = {"fc": "white", "ec": "none", "pad": 1.5}

ax, u = axes[0, 0], np.linspace(1e-9, 2.6, 300)
for t in np.linspace(-1.5, 2, 8):
    ax.plot(u, u * t - KL.conjugate(t), color=style.FAINT, lw=1)
ax.plot(u, u - KL.conjugate(1.0), color=style.CRITIC, ls="--")
ax.plot(u, KL.f(u), color=style.DATA, lw=2.2)
ax.plot(0, -KL.conjugate(1.0), "o", color=style.CRITIC, clip_on=False)
ax.text(0.09, -1.06, "$-f^*(1) = -1$", color=style.CRITIC, va="top", bbox=clear)
ax.text(1.95, 1.75, "$f(u)$", ha="right", fontsize=13)
ax.text(2.57, 0.62, r"tangent $ut - f^*(t)$" "\nof slope $t = 1$", color=style.CRITIC, ha="right", va="top", bbox=clear)
ax.set(xlabel="$u = p/q$", xlim=(0, 2.6), ylim=(-1.4, 2.4))
style.title(ax, "Tangents make up a convex $f$", r"KL: $f(u) = u\,\log u$, the envelope of $ut - e^{t-1}$")

for row, ax, title, about in [
    (KL, axes[0, 1], "Lines make up its conjugate", r"KL: $f^*(t) = e^{t-1}$, on the whole line"),
    (GAN, axes[0, 2], "The GAN's ends at a wall", r"GAN: $f^*(t) = -\log(1 - e^t) - 2\,\log 2$, for $t < 0$"),
    (PEARSON, axes[1, 0], "Flat where the best $u$ is 0", r"Pearson: $t + t^2/4$, but $-f(0) = -1$ for $t \leq -2$"),
    (TOTAL_VARIATION, axes[1, 1], "Total variation: two lines and a wall",
     r"$\max(t, -\frac{1}{2})$ for $t \leq \frac{1}{2}$, $\infty$ beyond"),
]:
    t = np.linspace(-3.6, 2, 400)
    for u in [1e-12, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0]:  # a line for each u: its slope is u
        ax.plot(t, u * t - row.f(u), color=style.FAINT, lw=1)
    inside = t[t < row.slope]
    ax.plot(inside, row.conjugate(inside), color=style.GENERATOR, lw=2.4)
    if row.slope < 2:
        ax.axvline(row.slope, color=style.CRITIC, ls=":")
        ax.text(row.slope + 0.12, -1.7, r"$t = f'(\infty)$", color=style.CRITIC, bbox=clear)
    ax.set(xlabel="$t$", xlim=(-3.6, 2), ylim=(-2, 2.7))
    style.title(ax, title, about)
t = np.linspace(-3.6, -2, 50)
axes[1, 0].plot(t, t + t**2 / 4, color=style.DATA, ls="--", lw=1.2)
axes[1, 0].text(-3.5, -0.2, "f-GAN's table", bbox=clear)
axes[0, 1].text(0.75, 1.75, "$f^*(t)$", color=style.GENERATOR, ha="right", fontsize=13)
axes[0, 1].text(-3.4, -1.75, "$ut - f(u)$, a line for each $u$", color="#555555", bbox=clear)

ax = axes[1, 2]
for t in np.array([-3.0, -1.5, 0.0, 1.5, 3.0]):
    ax.plot(x, x * t - conjugate(well, [t], grid), color=style.FAINT, lw=1)
ax.plot(x, well(x), color=style.DATA, lw=1.4)
ax.plot(x, found["hull"], color=style.GENERATOR, lw=2.6, ls=(0, (4, 1.5)))
ax.text(0, 1.06, "$f(x) = (x^2 - 1)^2$", ha="center")
ax.text(0, 0.08, "$f^{**}$", color=style.GENERATOR, ha="center", fontsize=13)
ax.set(xlabel="$x$", xlim=(-1.6, 1.6), ylim=(-0.6, 2))
style.title(ax, "No line follows into the dent", "twice conjugated, the double well is its convex hull")
fig.savefig("conjugates.png", dpi=style.DPI)
