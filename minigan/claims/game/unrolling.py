"""Unrolling (G17): the generator looks k critic steps ahead, and its gradient runs through them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from minigan.autodiff import Tensor, grad, stop_gradient
from minigan.claims.claim import Checks, Lab, claim, equals
from minigan.claims.faults import SCALE, SIGN, dropped, wrong
from minigan.gans.game import Game
from minigan.gans.losses import LOSSES
from minigan.gans.players import Players
from minigan.nets import MLP


def looked_ahead(k: int, inner: str, theta: np.ndarray, state: dict, inputs: dict) -> Any:
    """L_G after k critic steps, for D = σ(w₀x + w₁), G = θ₀z + θ₁: written out, and analytic in θ."""
    def sigmoid(s: Any) -> Any:
        return 1 / (1 + np.exp(-s))

    x, fake, w = inputs["real"][:, 0], theta[0] * inputs["z"][:, 0] + theta[1], state["w"].astype(complex)
    m, v, beta1, beta2 = state["w.m"].astype(complex), state["w.v"].astype(complex), 0.5, 0.9
    for i in range(k):
        on_data, on_fakes = sigmoid(w[0] * x + w[1]) - 1, sigmoid(w[0] * fake + w[1])
        g = np.array([(on_data * x).mean() + (on_fakes * fake).mean(), on_data.mean() + on_fakes.mean()])
        if inner == "adam":
            t = float(inputs["t.w"]) + i
            m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
            g = m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + 1e-8)
        w = w - float(inputs["eta.w"]) * g
    return np.log1p(np.exp(-(w[0] * fake + w[1]))).mean()


@claim("G17", "unrolling: L_G(θ, w_k(θ)), w_k after k critic steps from w, dL_G/dθ runs through them; k = 0: the GAN",
       note="xu", paper="Metz et al. (2017), eqs. 3–6",
       computes={"unrolled": Players.unrolled, "generator_loss": Game.generator_loss,
                 "generator_step": Players.generator_step})
def unrolling(f: Any, lab: Lab) -> Checks:
    rng, n, pair = lab.rng, 8, MLP((1, 1))
    state = {"theta": rng.normal(size=2), "w": rng.normal(size=2), "w.m": 0.1 * rng.normal(size=2),
             "w.v": rng.uniform(0.1, 1, 2), "theta.m": np.zeros(2), "theta.v": np.zeros(2)}
    inputs = {"real": rng.normal(2, 1, (n, 1)), "z": rng.normal(size=(n, 1)), "t.w": 7.0, "eta.w": 0.4,
              "t.theta": 3.0, "eta.theta": 0.1}

    def on_device(arrays: dict) -> dict:
        return {name: Tensor(lab.array(x)) for name, x in arrays.items()}

    for inner, settings, looks in [("sgd", {}, range(6)), ("adam", {"beta1": 0.5, "beta2": 0.9}, (0, 1, 3))]:
        for k in looks:
            players = Players(game=Game(loss=LOSSES["non-saturating"], generator=pair, critic=pair),
                              optimizer=inner, settings=settings, unroll=k)
            at, given = on_device(state), on_device(inputs)
            loss = f.generator_loss(players.game, f.unrolled(players, at, given), given)
            steps = 1e-30j * np.eye(2) + state["theta"]  # complex steps: the derivative, to rounding
            by_hand = [looked_ahead(k, inner, theta, state, inputs) for theta in steps]
            slope = np.imag(by_hand) / 1e-30
            yield equals(f"{inner}, k = {k}: L_G", loss.value, np.real(by_hand[0]))
            yield equals(f"{inner}, k = {k}: dL_G/dθ", grad(loss, at["theta"]).value, slope)
            if k == 0:
                plain = players.game.generator_loss(at, given)
                yield equals("k = 0: the GAN's own gradient", grad(plain, at["theta"]).value, slope)
            new = f.generator_step(players, at, given)[0]
            yield equals(f"{inner}, k = {k}: the critic stays", new.get("w", at["w"]).value, state["w"])
            if inner == "sgd":
                yield equals(f"k = {k}: θ − η dL_G/dθ", new["theta"].value, state["theta"] - 0.1 * slope)

    G, D = MLP((2, 5, 2), "tanh"), MLP((2, 6, 1), "tanh")
    theta, v = G.init(rng, dtype=float), rng.normal(size=G.size)
    given = on_device({"real": rng.normal(1, 1, (n, 2)), "z": rng.normal(size=(n, 2)), "t.w": 1.0, "eta.w": 0.5})
    w = lab.array(D.init(rng, gain=2.0, dtype=float))
    for k in range(1, 6):
        players = Players(game=Game(loss=LOSSES["non-saturating"], generator=G, critic=D), optimizer="sgd",
                          unroll=k)

        def loss_at(theta: Any, players: Players = players) -> tuple[Tensor, Tensor]:
            at = {"theta": Tensor(lab.array(theta)), "w": Tensor(w)}
            return f.generator_loss(players.game, f.unrolled(players, at, given), given), at["theta"]

        h = 1e-4
        ends = [float(loss_at(theta + s * v)[0].value) for s in (-2 * h, -h, h, 2 * h)]
        difference = (8 * (ends[2] - ends[1]) - (ends[3] - ends[0])) / (12 * h)
        slope = (grad(*loss_at(theta)).value * lab.array(v)).sum()
        yield equals(f"with hidden layers, k = {k}: finite differences", slope, difference, rtol=1e-7, atol=1e-9)


def detached(ahead: Callable, players: Players, state: Any, inputs: Any) -> Any:
    """The steps ahead are made, and the gradient does not run through them."""
    return state | {"w": stop_gradient(ahead(players, state, inputs)["w"])}


def uphill(ahead: Callable, players: Players, state: Any, inputs: Any) -> Any:
    return ahead(players, state, inputs | {"eta.w": -inputs["eta.w"]})


def shorter(f: Callable, players: Players, *rest: Any) -> Any:
    return f(replace(players, unroll=max(players.unroll - 1, 0)), *rest)


def kept(step: Callable, players: Players, state: Any, inputs: Any) -> Any:
    """The critic is left where the look ahead ended."""
    new, report = step(players, state, inputs)
    return new | {"w": players.unrolled(state, inputs)["w"]}, report

unrolling.must_notice(
    unrolled=[wrong("detached", detached),
              wrong("a step too few", shorter),
              dropped("the steps", lambda players, state, inputs: state),
              wrong("the critic's worst steps", uphill)],
    generator_loss=[SCALE, SIGN],
    generator_step=[wrong("the looked-ahead critic kept", kept),
                    wrong("a step too few", shorter)])
