r"""
min max xy: gradient descent runs in circles
============================================

One player moves :math:`x` to make :math:`xy` small, the other moves :math:`y` to make it large. Along the flow

.. math:: \dot x = -y, \qquad \dot y = x

they circle the equilibrium at the origin for ever, and a discrete step of size :math:`\eta` follows the tangent out of
the circle: simultaneous steps multiply the radius by :math:`\sqrt{1 + \eta^2}` each. What helps is to guess where the
other will be: extra-gradient takes the direction from one step ahead, optimistic steps extrapolate the last two. Each
panel is one method, from the same start, with :math:`\eta = 1/4`; the last shows all the radii, and the factor of a
step, an eigenvalue of its Jacobian.

In the notes: `weng`, Fig. 3. Its text has the oscillation grow "once" :math:`x` and :math:`y` differ in sign: every
simultaneous step grows it, whatever the signs. Goodfellow (2016), section 8.2. Claims G12, E12.
"""
import matplotlib.pyplot as plt
import numpy as np

from minigan.autodiff import Tensor
from minigan.lab import style
from minigan.theory.dynamics import UPDATES, XY, eigenvalues, radius, step_jacobian, trajectory, velocity

style.use()
eta, steps, start = 0.25, 60, np.array([0.0, 1.0])
paths = {name: trajectory(XY, update, start, steps, eta) for name, update in UPDATES.items()}
factors = {name: abs(eigenvalues(step_jacobian(XY, update, eta, start))).max() for name, update in UPDATES.items()}
found = {"paths": paths, "factors": factors, "eta": eta}

# %%
about = {
    "simultaneous": r"$(x, y) + \eta\, v(x, y)$: spirals out",
    "alternating": r"$x$ first, then $y$ answers: an ellipse",
    "extragradient": r"$\eta\, v$ from one step ahead: spirals in",
    "optimistic": r"$2 \eta v_t - \eta v_{t-1}$: spirals in",
    "runge-kutta": r"the flow $\dot x = -y,\ \dot y = x$: the circle",
}
fig, axes = plt.subplots(2, 3, figsize=(13, 8.6), layout="constrained")
x, y = np.meshgrid(*[np.linspace(-2.2, 2.2, 12)] * 2)
v_x, v_y = (v.value for v in velocity(XY, Tensor(x), Tensor(y)))  # −∂(xy)/∂x = −y and ∂(xy)/∂y = x, by grad
for ax, (name, path) in zip(axes.flat, paths.items(), strict=False):
    style.title(ax, name.title(), about[name])
    ax.quiver(x, y, v_x, v_y, color=style.FAINT, angles="xy", width=0.004)
    ax.plot(*path.T, ".-", color=style.GENERATOR, markersize=5, linewidth=1)
    ax.plot(*start, "o", color=style.DATA, markersize=8)
    ax.plot(0, 0, "*", color=style.CRITIC, markersize=15)
    ax.set(xlim=(-2.4, 2.4), ylim=(-2.4, 2.4), aspect="equal", xlabel="$x$", ylabel="$y$")
last = axes.flat[-1]
style.title(last, "Out, in, or round", "the distance from the equilibrium; |λ|: its factor a step")
for name, ls, at in [("simultaneous", "-", (5, 5)), ("alternating", "--", (23, 1.2)), ("runge-kutta", "-", (42, 1.2)),
                     ("extragradient", "-", (33, 0.5)), ("optimistic", "-.", (7, 0.2))]:
    last.plot(radius(paths[name]), ls, color=style.GENERATOR, linewidth=1.8)
    last.text(*at, f"{name}\n|λ| = {factors[name]:.3f}", color="#333333")
last.set(yscale="log", xlabel="steps", ylabel=r"$\sqrt{x^2 + y^2}$", xlim=(0, steps), ylim=(0.1, 10))
fig.savefig("xy_game.png", dpi=style.DPI)
