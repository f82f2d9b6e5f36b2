"""What each player minimises, written out once more and by value alone: the oracle of finite differences.

Nothing here is shared with ``gans/game.py`` and ``gans/players.py`` but the networks and the formulas of the losses,
which have tests of their own.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import multivariate_normal

from minigan.autodiff import Tensor, grad
from minigan.gans.losses import LOSSES
from minigan.gans.losses.critic_output import Batch, CriticOutput
from minigan.gans.recipes import RECIPES
from minigan.lab.config import Config
from minigan.lab.model import build_game
from tests.gans.tiny import DATA, Arrays


def value(c: Config, player: str, state: Arrays, inputs: Arrays) -> float:
    """L_D (player "w") or L_G ("theta") of the configuration, with all that it has asked for."""
    plain = critic if player == "w" else generator
    loss = plain(c, state, inputs)
    if c.consensus:
        loss += 0.5 * c.consensus * sum(np.sum(slope(c, p, state, inputs) ** 2) for p in ("w", "theta"))
    return loss


def critic(c: Config, state: Arrays, inputs: Arrays) -> float:
    real, fake = batches(c, state, inputs)
    loss = _loss(c).critic(_seen(c, state, inputs, real), _seen(c, state, inputs, fake, False)).item()
    if c.penalty_kind != "none":
        loss += c.penalty * penalty(c, state, inputs, real, fake)
    return loss + c.history * _away("w", state)


def generator(c: Config, state: Arrays, inputs: Arrays) -> float:
    state = state | {"w": ahead(c, state, inputs)}
    real, fake = batches(c, state, inputs)
    loss = _loss(c).generator(_seen(c, state, inputs, real), _seen(c, state, inputs, fake, False)).item()
    return loss + c.history * _away("theta", state)


def batches(c: Config, state: Arrays, inputs: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """As the critic sees them: noisy, and so many side by side."""
    x = [inputs["real"], made(c, state, inputs["z"])]
    if c.instance_noise:
        x = [y + inputs["sigma"] * inputs[f"noise.{kind}"] for y, kind in zip(x, ("real", "fake"), strict=True)]
    return tuple(np.hstack([y[j :: c.pack] for j in range(c.pack)]) for y in x)


def made(c: Config, state: Arrays, z: np.ndarray) -> np.ndarray:
    """G(z), a row at a time where rows do not see each other."""
    net, k = build_game(c, DATA.dim).generator, c.generators
    net = net.net if k > 1 else net
    reference = state.get("theta.reference") if c.generator_norm == "virtual" else None
    x = np.empty((len(z), DATA.dim))
    for share, theta in enumerate(state["theta"].reshape(k, -1)):
        mine = z[share::k]
        x[share::k] = net(theta, mine).value if c.generator_norm == "batch" else np.concatenate(
            [net(theta, row[None], reference).value for row in mine])
    return x


def critic_output(c: Config, state: Arrays, x: Tensor) -> CriticOutput:
    """The critic at x, in its own reference or in that of the reference."""
    net = build_game(c, DATA.dim).critic
    w = normalized(net, state["w"], state["w.s"]) if c.spectral_norm else state["w"]
    seen = x * c.spectral_norm if c.spectral_norm else x
    outputs, hidden = net.run(w, seen, state.get("w.reference") if c.critic_norm == "virtual" else None)
    narrow = min(hidden, key=lambda h: h.shape[-1])
    return CriticOutput(_loss(c).head.score(outputs, x), outputs, hidden[-1], narrow)


def penalty(c: Config, state: Arrays, inputs: Arrays, real: np.ndarray, fake: np.ndarray) -> float:
    """Each row of PENALTIES, from each sample's own slope."""
    deviation = np.sqrt(np.mean((real - real.mean(axis=0)) ** 2))
    between = inputs["eps"] * real + (1 - inputs["eps"]) * fake
    around = real + 0.5 * deviation * inputs["delta"]
    x = {"two-sided": between, "one-sided": between, "dragan": around, "r1": real, "r2": fake}[c.penalty_kind]
    norms = []
    for row in x:
        one = Tensor(row[None])
        norms.append(np.linalg.norm(grad(critic_output(c, state, one).scores.sum(), one).value))
    r = np.array(norms)
    return float(np.mean({"two-sided": (r - 1) ** 2, "one-sided": np.maximum(0, r - 1) ** 2, "dragan": (r - 1) ** 2,
                          "r1": 0.5 * r**2, "r2": 0.5 * r**2}[c.penalty_kind]))


def slope(c: Config, player: str, state: Arrays, inputs: Arrays) -> np.ndarray:
    """∇L of a player, without consensus and unrolling: an inner gradient, whose own derivative is asked for."""
    honest = build_game(c, DATA.dim, DATA.log_density)
    x = Tensor(state[player])
    loss = honest.critic_loss if player == "w" else honest.generator_loss
    return grad(loss(state | {player: x}, inputs), x).value


def ahead(c: Config, state: Arrays, inputs: Arrays) -> np.ndarray:
    """w after k more critic steps, by NumPy: plain steps, or Adam's from where its moments are."""
    w, m, v, eta = state["w"], state.get("w.m"), state.get("w.v"), inputs["eta.w"]
    for k in range(c.unroll):
        g, t = slope(c, "w", state | {"w": w}, inputs), inputs["t.w"] + k
        if c.optimizer == "sgd" or c.unroll_optimizer == "sgd":
            w = w - eta * g
            continue
        assert c.optimizer == "adam"
        m, v = c.beta1 * m + (1 - c.beta1) * g, c.beta2 * v + (1 - c.beta2) * g**2
        w = w - eta * (m / (1 - c.beta1**t)) / (np.sqrt(v / (1 - c.beta2**t)) + 1e-8)
    return w


def iterated(net, w: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Algorithm 1 of Miyato et al., once for each matrix."""
    new, start = [], 0
    for k in net.weights:
        W = net.layout.views(w)[k].value
        m, n = W.shape
        v = W.T @ s[start : start + m]
        v /= np.linalg.norm(v)
        u = W @ v
        new, start = [*new, u / np.linalg.norm(u), v], start + m + n
    return np.concatenate(new)


def normalized(net, w: np.ndarray, s: np.ndarray) -> np.ndarray:
    """W/(uᵀWv)."""
    views, start = [x.value for x in net.layout.views(w)], 0
    for k in net.weights:
        m, n = views[k].shape
        u, v = s[start : start + m], s[start + m : start + m + n]
        views[k], start = views[k] / (u @ views[k] @ v), start + m + n
    return np.concatenate([x.ravel() for x in views])


def _loss(c: Config):
    """The loss that the configuration names: never that of a game under test."""
    loss = RECIPES[c.recipe].loss
    assert loss in LOSSES.values()
    return loss.with_constants(smoothing=c.smoothing) if c.smoothing else loss


def _seen(c: Config, state: Arrays, inputs: Arrays, x: np.ndarray, real: bool = True) -> Batch:
    points = Tensor(x)
    labels = Tensor(inputs["labels"]) if real and "labels" in inputs else None
    return Batch(points, lambda: critic_output(c, state, points), labels, _log_p, lambda x: _log_q(c, state, x))


def _log_p(x: Tensor) -> Tensor:
    at = x.value * DATA.scaling.length + DATA.scaling.shift
    return Tensor(DATA.toy.log_density(at) + DATA.dim * np.log(DATA.scaling.length))


def _log_q(c: Config, state: Arrays, x: Tensor) -> Tensor:
    net = build_game(c, DATA.dim).generator
    mean = net(state["theta"], np.zeros((1, DATA.dim))).value
    L = (net(state["theta"], np.eye(DATA.dim)).value - mean).T
    return Tensor(multivariate_normal(mean[0], L @ L.T).logpdf(x.value))


def _away(player: str, state: Arrays) -> float:
    return float(np.sum((state[player] - state[f"{player}.mean"]) ** 2)) if f"{player}.mean" in state else 0.0
