"""Against divergence (G21, G30, G32, G33): normalised layers, a critic kept calm, averages of the past."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import sqrt
from typing import Any

import numpy as np

from minigan.arrays import to_host
from minigan.autodiff import Tensor, concat, grad, relu, safe_norm, stop_gradient
from minigan.claims.claim import Checks, Lab, at_least, at_most, claim, equals
from minigan.claims.faults import SCALE, SIGN, SWAPPED, changed, dropped, wrong
from minigan.gans.game import Game
from minigan.gans.lipschitz import PENALTIES
from minigan.gans.losses import LOSSES
from minigan.gans.players import Players
from minigan.gans.spectral import power_iteration, spectral_normalize, spectral_norms
from minigan.nets import MLP
from minigan.nets.norm import batch_norm, layer_norm, virtual_batch_norm
from minigan.theory import lipschitz

SALIMANS = "Salimans et al. (2016)"


@claim("G21", "virtual batch norm: ∂âᵢ/∂aⱼ = 0 for batch-mates i ≠ j; batch norm: (δᵢⱼ − (1 + âᵢâⱼ)/n)/√(σ² + ε)",
       note="weng", paper=f"{SALIMANS}, section 3.5; Ioffe & Szegedy (2015), algorithm 1",
       computes={"virtual": virtual_batch_norm, "batch": batch_norm, "layer": layer_norm})
def norms(f: Any, lab: Lab) -> Checks:
    n, m, units, eps = 6, 9, 3, 1e-5
    a, reference = lab.rng.normal(1, 2, (n, units)), lab.rng.normal(-1, 1.5, (m, units))
    near, far = Tensor(lab.array(a)), Tensor(lab.array(np.concatenate([a[:1], 50 + 9 * a[1:]])))
    fixed = Tensor(lab.array(reference))

    def normalised(x: np.ndarray, among: np.ndarray) -> np.ndarray:
        return (x - among.mean(axis=0)) / np.sqrt(among.var(axis=0) + eps)

    virtual = f.virtual(near, fixed).value
    yield equals("virtual: among the reference and itself", virtual, [
        normalised(row, np.concatenate([reference, row[None]])) for row in a])
    yield equals("virtual: alone", f.virtual(near[2:3], fixed).value, virtual[2:3])
    yield equals("virtual: with other batch-mates", f.virtual(far, fixed).value[0], virtual[0])
    yield equals("batch: among the batch", f.batch(near).value, normalised(a, a))
    moved = f.batch(far).value[0] - f.batch(near).value[0]
    yield at_least("batch: with other batch-mates, by", lab.xp.abs(moved).max(), 0.1)
    yield equals("layer: of each sample over its units", f.layer(near).value, normalised(a.T, a.T).T)
    y = normalised(a, a)[:, 0]
    root = np.sqrt(a[:, 0].var() + eps)
    jacobians = {"batch": (np.eye(n) - (1 + np.outer(y, y)) / n) / root, "virtual": None}
    for name, expected in jacobians.items():
        out = (f.batch(near) if expected is not None else f.virtual(near, fixed))[:, 0]
        J = np.array([to_host(grad(out[i], near).value)[:, 0] for i in range(n)])
        if expected is not None:
            yield equals(f"{name}: ∂âᵢ/∂aⱼ", J, expected, rtol=1e-8)
        else:
            yield equals(f"{name}: ∂âᵢ/∂aⱼ off the diagonal", J - np.diag(np.diag(J)), np.zeros((n, n)))


def among_all_samples(virtual: Callable, a: Tensor, reference: Tensor) -> Tensor:
    return virtual(a, concat([reference, a], axis=-2))

norms.must_notice(
    virtual=[SCALE, SIGN, SWAPPED,
             dropped("the reference", lambda a, reference: batch_norm(a)),
             dropped("the sample itself", lambda a, reference: batch_norm(a, reference)),
             wrong("normalised by all samples at once", among_all_samples)],
    batch=[SCALE, SIGN,
           dropped("the batch", layer_norm),
           wrong("1/(n − 1)", lambda norm, a: norm(a) * sqrt(1 - 1 / a.shape[-2]))],
    layer=[SCALE, SIGN, dropped("the layer", batch_norm)])


@claim("G30", "R1 = ½ E‖∇f(x)‖² on the data, R2 on the fakes, DRAGAN E(‖∇f(x + sδ/2)‖ − 1)²; of f = w·x: ½‖w‖², ½‖w‖² "
       "and (‖w‖ − 1)²", note="weng",
       paper="Mescheder et al. (2018), eqs. 9–10; Kodali et al. (2017), section 2.4",
       computes={name: PENALTIES[name].value for name in ("r1", "r2", "dragan")})
def penalties(f: Any, lab: Lab) -> Checks:
    n, d = 6, 3
    a, x, fakes, delta = lab.rng.normal(0, 1, d), *lab.rng.normal(0, 1, (3, n, d))
    fakes = fakes + 2
    spread = sqrt(((x - x.mean(axis=0)) ** 2).mean())
    inputs = {"delta": Tensor(lab.array(delta))}

    def both(name: str, critic: Callable[[Tensor, Tensor], Tensor], weights: np.ndarray) -> tuple[Any, Any]:
        w = Tensor(lab.array(weights))
        value = getattr(f, name)(lambda x: critic(x, w), Tensor(lab.array(x)), Tensor(lab.array(fakes)), inputs)
        return value.value, grad(value, w).value

    size = float(np.linalg.norm(a))
    for name, value, slope in [("r1", 0.5 * size**2, a), ("r2", 0.5 * size**2, a),
                               ("dragan", (size - 1) ** 2, 2 * (1 - 1 / size) * a)]:
        computed = both(name, lambda x, w: (x * w).sum(-1, keepdims=True), a)
        yield equals(f"{name}, f = w·x: whatever the batch", computed[0], value)
        yield equals(f"{name}, f = w·x: ∇w", computed[1], slope)
        flat = both(name, lambda x, w: (x * w).sum(-1, keepdims=True), np.zeros(d))
        yield equals(f"{name}, f = 0: a finite ∇w", flat[1], np.zeros(d))
    at = {"r1": x, "r2": fakes, "dragan": x + 0.5 * spread * delta}
    for name, points in at.items():  # f = ½ Σ w x², ∇f = w ⊙ x: each sample has its own slope
        slopes = np.linalg.norm(a * points, axis=1)
        expected = ((slopes - 1) ** 2 if name == "dragan" else 0.5 * slopes**2).mean()
        computed = both(name, lambda x, w: 0.5 * (x * x * w).sum(-1, keepdims=True), a)[0]
        yield equals(f"{name}, f = ½ Σ w x²", computed, expected)
    edge = float(x.max())  # f = ½ Σ max(0, x − edge)²: flat on the data, steep beyond
    for name, points in [("r1", x), ("r2", fakes)]:
        computed = both(name, lambda x, w: (w * relu(x - edge) ** 2).sum(-1, keepdims=True), np.full(d, 0.5))[0]
        yield equals(f"{name}, f flat on the data alone", computed,
                     0.5 * (np.maximum(points - edge, 0) ** 2).sum(axis=1).mean())


def of_the_batch(penalty: Callable, critic: Callable, *rest: Any) -> Tensor:
    """One norm for the whole batch."""
    return penalty(lambda x: critic(x) * (1.0 / sqrt(x.shape[-2])), *rest)


PENALTY_FAULTS = [
    SCALE, SIGN,
    wrong("the norm of the batch", of_the_batch),
    changed("never reaches w", stop_gradient),
    wrong("on the other batch", lambda f, critic, real, fake, inputs: f(critic, fake, real, inputs)),
]
penalties.must_notice(r1=PENALTY_FAULTS, r2=PENALTY_FAULTS, dragan=PENALTY_FAULTS)


@claim("G32", "W̄ = W/σ₁: Lip(net) ≤ 1; ∂L/∂W = (G − ⟨G, W̄⟩ u₁v₁ᵀ)/σ₁, G = ∂L/∂W̄; power iteration leaves u₁, v₁ alone",
       note="advanced", paper="Miyato et al. (2018), eqs. 6–12, algorithm 1",
       computes={"spectral_normalize": spectral_normalize, "power_iteration": power_iteration,
                 "norms": spectral_norms})
def spectral_normalisation(f: Any, lab: Lab) -> Checks:
    net = MLP((3, 6, 4, 1), str(lab.rng.choice(["relu", "leaky-relu", "tanh"])))
    theta = net.init(lab.rng, dtype=float) + 0.1 * lab.rng.normal(size=net.size)

    def layers(theta: np.ndarray) -> list[np.ndarray]:
        return [to_host(view.value) for view in net.layout.views(lab.array(theta))]

    def flat(views: list[np.ndarray]) -> np.ndarray:
        return np.concatenate([view.ravel() for view in views])

    def normalised(theta: np.ndarray) -> np.ndarray:  # by SVD
        return flat([view / np.linalg.svd(view)[1][0] if k in net.weights else view
                     for k, view in enumerate(layers(theta))])

    singular = [np.linalg.svd(layers(theta)[k]) for k in net.weights]
    s = flat([x for U, _, Vt in singular for x in (U[:, 0], Vt[0])])
    w = Tensor(lab.array(theta))
    w_bar = f.spectral_normalize(net, w, lab.array(s))
    yield equals("every W/σ₁(W), by SVD; the biases as they were", w_bar.value, normalised(theta))
    yield equals("σ₁", f.norms(net, w, lab.array(s)).value, [sigma[0] for _, sigma, _ in singular])
    yield equals("σ₁(W̄) = 1", lipschitz.layer_norms([w.value for w, _ in net.layers(w_bar)]), np.ones(3))
    grid = lab.array(lab.rng.normal(size=(40, 3)))
    yield at_most("slopes of the net ≤ 1", lipschitz.lipschitz_on_grid(grid, net(w_bar, grid).value[:, 0]), 1.0)
    yield equals("u₁, v₁ stay", f.power_iteration(net, w, lab.array(s)).value, s)
    other = [lab.rng.normal(size=n) for k in net.weights for n in net.layout.shapes[k]]
    other = [x / np.linalg.norm(x) for x in other]
    stepped = []
    for k, u in zip(net.weights, other[::2], strict=True):
        W = layers(theta)[k]
        v = W.T @ u / np.linalg.norm(W.T @ u)
        stepped += [W @ v / np.linalg.norm(W @ v), v]
    after = f.power_iteration(net, w, lab.array(flat(other)))
    yield equals("one step from elsewhere: v = Wᵀu, then u = Wv, normalised", after.value, flat(stepped))
    yield at_most("σ̂ there ≤ σ₁", f.norms(net, w, after).value, [sigma[0] for _, sigma, _ in singular])
    c, v, h = lab.rng.normal(size=net.size), lab.rng.normal(size=net.size), 1e-5
    slope = grad((w_bar * lab.array(c)).sum(), w).value
    by_hand = layers(c)
    for k, (U, sigma, Vt) in zip(net.weights, singular, strict=True):
        W_bar = layers(theta)[k] / sigma[0]
        by_hand[k] = (by_hand[k] - (by_hand[k] * W_bar).sum() * np.outer(U[:, 0], Vt[0])) / sigma[0]
    yield equals("(G − ⟨G, W̄⟩ u₁v₁ᵀ)/σ₁", slope, flat(by_hand))
    difference = c @ (normalised(theta + h * v) - normalised(theta - h * v)) / (2 * h)
    yield equals("and by differences of W/σ₁(W)", (slope * lab.array(v)).sum(), difference, rtol=1e-5, atol=1e-6)


def constant_sigma(normalize: Callable, net: MLP, w: Tensor, s: Any) -> Tensor:
    """σ not differentiated."""
    return w * stop_gradient(normalize(net, w, s) / w)


def by_frobenius(net: MLP, w: Tensor, s: Any) -> Tensor:
    views = net.layout.views(w)
    for k in net.weights:
        views[k] = views[k] / safe_norm(views[k].reshape(-1))
    return concat([view.reshape(-1) for view in views])

spectral_normalisation.must_notice(
    spectral_normalize=[SCALE, SIGN,
                        wrong("σ held constant", constant_sigma),
                        dropped("the spectrum: Frobenius", by_frobenius)],
    power_iteration=[SCALE, SIGN,
                     wrong("two steps at once", lambda step, net, w, s: step(net, w, step(net, w, s))),
                     dropped("the step", lambda net, w, s: Tensor(s))],
    norms=[SCALE, SIGN])


@claim("G33", "θ_EMA = βᵀθ₀ + (1 − β) Σ βᵀ⁻ᵗ θ_t and θ̄ = the mean of θ₀ … θ_T: near the centre of an orbit",
       note="weng", paper=f"{SALIMANS}, section 3.3; Yazıcı et al. (2019), section 3.1",
       computes={"running_means": Players.running_means})
def averages(f: Any, lab: Lab) -> Checks:
    net, T, beta = MLP((1, 1)), 60, float(lab.rng.uniform(0.5, 0.95))
    players = Players(game=Game(loss=LOSSES["non-saturating"], generator=net, critic=net,
                                historical_weight=1.0), optimizer="sgd", ema=beta)
    omega, phase = float(lab.rng.uniform(0.3, 1)), float(lab.rng.uniform(0, 6))
    turn = omega * np.arange(T + 1) + phase
    path = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    state = {name: Tensor(lab.array(path[0])) for name in ("theta", "theta.mean", "theta.ema")}
    for t in range(1, T + 1):
        new = {"theta": Tensor(lab.array(path[t]))}
        given = {"t.theta": Tensor(lab.array(float(t)))}
        state = state | new | f.running_means(players, "theta", state, new, given)
    shares = np.append(beta**T, (1 - beta) * beta ** np.arange(T - 1, -1, -1))
    yield equals("θ_EMA: weights βᵀ, (1 − β)βᵀ⁻ᵗ", state["theta.ema"].value, shares @ path)
    yield equals("θ̄: the mean of all 61", state["theta.mean"].value, path.mean(axis=0))
    bound = 1 / ((T + 1) * abs(np.sin(omega / 2)))  # a geometric series of turns
    mean, ema = (np.hypot(*to_host(state[f"theta.{name}"].value)) for name in ("mean", "ema"))
    yield at_most("an orbit of radius 1: |θ̄| ≤ 1/((T + 1) sin(ω/2))", mean, bound)
    settled = (1 - beta) / abs(1 - beta * np.exp(1j * omega))
    yield at_most("|θ_EMA| ≤ (1 − β)/|1 − βe^{iω}| + 2βᵀ", ema, settled + 2 * beta**T)


def exchanged(remember: Callable, players: Players, *rest: Any) -> Any:
    return remember(replace(players, ema=1 - players.ema), *rest)


def the_past(remember: Callable, players: Players, player: str, state: Any, new: Any, inputs: Any) -> Any:
    return remember(players, player, state, state, inputs)


def from_zero(remember: Callable, players: Players, player: str, state: Any, new: Any, inputs: Any) -> Any:
    t = f"t.{player}"
    return remember(players, player, state, new, inputs | {t: inputs[t] - 1})

averages.must_notice(
    running_means=[wrong("β and 1 − β exchanged", exchanged),
                   wrong("the past alone", the_past),
                   wrong("t counted from 0", from_zero)])
