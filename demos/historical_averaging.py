r"""
Historical averaging: a rein, and a weight
==========================================

Each player also minimises :math:`\lambda \|x - \bar x_t\|^2`, its distance from the mean of its own past. On
:math:`\min_x \max_y xy`, whose simultaneous steps spiral outward, this rein works if it is tight enough:

.. math:: \frac{r_{t+1}}{r_t} \approx \sqrt{(1 - 2\lambda\eta)^2 + \eta^2} < 1 \iff \lambda > \frac{\eta}{4}
          \quad (\eta \to 0).

But the past is a weight, too. When the spiral is gone, the players hang on :math:`\bar x_t`, which forgets no faster
than :math:`1/t`: where :math:`v(x) = 2\lambda (x - \bar x)`, the distance falls as :math:`t^{-1/(1 + 4\lambda^2)}`, and
the tighter the rein the slower. Look at the right for the knee, where the geometric rate ends.

In the notes: `weng`, `xu`. Salimans et al. (2016), section 3.3. Claim G14.
"""
import matplotlib.pyplot as plt
import numpy as np

from minigan.lab import style
from minigan.theory.dynamics import XY, historical_averaging, radius, trajectory

style.use()
eta, start, t = 0.1, np.array([1.0, 0.0]), np.arange(10_001)
reins = (0.0, 0.02, 0.025, 0.03, 0.1, 0.3, 1.0)
paths = {lam: trajectory(XY, historical_averaging(lam), start, t[-1], eta) for lam in reins}
r = {lam: radius(path) for lam, path in paths.items()}
found = {"eta": eta, "radius": r}

# %%
fig, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4.8), layout="constrained")
style.title(left, "The rein", r"250 steps of the $xy$ game, $\eta = 0.1$")
for lam, ls, colour, at in [(0.0, "-", style.FAINT, (-1.9, 1.75)), (0.1, "-", style.GENERATOR, (-0.75, 0.42))]:
    left.plot(*paths[lam][:250].T, ls, color=colour, linewidth=1.8)
    left.text(*at, rf"$\lambda = {lam:g}$", color=style.DATA if lam == 0 else colour)
left.plot(*start, "o", color=style.DATA, markersize=7)
left.plot(0, 0, "*", color=style.CRITIC, markersize=14)
left.set(aspect="equal", xlim=(-2.5, 2.5), ylim=(-2.5, 2.5), xlabel="$x$", ylabel="$y$")

style.title(middle, "It holds from λ = η/4 on", r"the distance; grey: $((1 - 2\lambda\eta)^2 + \eta^2)^{t/2}$")
for lam, ls, at in [(0.0, "-", (190, 14)), (0.02, "--", (1250, 7)), (0.025, "-", (1250, 1.25)),
                    (0.03, "-.", (1250, 0.45)), (0.1, ":", (270, 0.05))]:
    middle.plot(t, ((1 - 2 * lam * eta) ** 2 + eta**2) ** (t / 2), color=style.FAINT, linewidth=5)
    middle.plot(t, r[lam], ls, color=style.GENERATOR, linewidth=1.8)
    middle.text(*at, rf"$\lambda = {lam:g}$", color=style.GENERATOR)
middle.set(yscale="log", xlim=(0, 2000), ylim=(1e-3, 50), xlabel="steps $t$", ylabel="$r_t$")

style.title(right, "And then it is a weight", r"the same, longer; grey: $t^{-1/(1 + 4\lambda^2)}$")
for lam, ls, at in [(0.1, ":", (500, 7e-4)), (0.3, "--", (1300, 0.035)), (1.0, "-", (2000, 0.45))]:
    right.plot(t[1:], r[lam][-1] * (t[1:] / t[-1]) ** (-1 / (1 + 4 * lam**2)), color=style.FAINT, linewidth=5)
    right.plot(t[1:], r[lam][1:], ls, color=style.GENERATOR, linewidth=1.8)
    right.text(*at, rf"$\lambda = {lam:g}$", color=style.GENERATOR)
right.set(xscale="log", yscale="log", xlim=(10, 1e4), ylim=(2e-4, 2), xlabel="steps $t$", ylabel="$r_t$")
fig.savefig("historical_averaging.png", dpi=style.DPI)
