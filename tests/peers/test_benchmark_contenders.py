"""The benchmark's peers compute what minigan computes: the same gradients, the same networks after some iterations."""

from importlib import import_module

import numpy as np
import pytest

from minigan.autodiff import Tensor, grad
from minigan.gans.game import Game
from minigan.gans.recipes import RECIPES
from minigan.nets import MLP, OPTIMIZERS
from tests.benchmarks.problem import BETA1, BETA2, EPS, LR, PENALTY, Problem

PEERS = {"torch_eager": "torch", "torch_compiled": "torch", "jax_jit": "jax", "hips": "autograd"}
QUICK = [name for name in PEERS if name != "torch_compiled"]  # compiles for 5 s ("gan") to 20 s ("wgan-gp")
every_problem = pytest.mark.parametrize(("recipe", "activation"), [
    (recipe, activation) for recipe in ("wgan-gp", "gan") for activation in ("relu", "tanh")])


def tiny(recipe: str, activation: str, dtype: str = "float64") -> Problem:
    return Problem(recipe, depth=2, width=8, batch=16, activation=activation, dtype=dtype)


@pytest.fixture
def peer():
    """The module of a contender; JAX's float64, which a contender switches on for the process, is put back."""
    def module(name):
        library = pytest.importorskip(PEERS[name], reason="a peer: pip install 'minigan[peers]'")
        if name == "jax_jit":
            before.append((library, library.config.jax_enable_x64))
        return import_module(f"tests.benchmarks.contenders.{name}")

    before = []
    yield module
    for jax, x64 in before[:1]:
        jax.config.update("jax_enable_x64", x64)


# -- minigan's own ------------------------------------------------------------------------------------------
class Minigan:
    """Gradients of gans.game, steps of nets.optim."""

    def __init__(self, problem: Problem) -> None:
        penalty = {"penalty_kind": "two-sided", "penalty": PENALTY} if problem.recipe == "wgan-gp" else {}
        self.game = Game(loss=RECIPES[problem.recipe].loss, generator=MLP(problem.generator_sizes, problem.activation),
                         critic=MLP(problem.critic_sizes, problem.activation), **penalty)
        self.problem, self.draws = problem, problem.draws()
        self.state = {name: flat(net) for name, net in zip(("theta", "w"), problem.layers(), strict=True)}
        self.moments = {name: OPTIMIZERS["adam"].init(x) for name, x in self.state.items()}
        self.t = {"theta": 0, "w": 0}

    def gradient(self, player: str, k: int) -> np.ndarray:
        loss = {"theta": self.game.generator_loss, "w": self.game.critic_loss}[player]
        inputs = {name: self.draws[name][k] for name in ("real", "z", "eps")}
        if player == "theta":
            inputs["z"] = self.draws["z_last"]
        x = Tensor(self.state[player])
        return grad(loss(self.state | {player: x}, inputs), x).value

    def step(self, player: str, k: int) -> None:
        self.t[player] += 1
        x, moments = OPTIMIZERS["adam"].step(self.state[player], self.gradient(player, k), self.moments[player],
                                             self.t[player], LR, BETA1, BETA2, EPS)
        self.state[player], self.moments[player] = x.value, {name: m.value for name, m in moments.items()}

    def iterate(self, n: int) -> None:
        for _ in range(n):
            for k in range(self.problem.critic_steps):
                self.step("w", k)
            self.step("theta", 0)


def flat(net) -> np.ndarray:
    return np.concatenate([x.ravel() for layer in net for x in layer])


def gap(nets, expected) -> float:
    """The largest difference over the largest entry, of either player."""
    return max(np.abs(flat(net) - y).max() / np.abs(y).max() for net, y in zip(nets, expected, strict=True))


# -- The claims ---------------------------------------------------------------------------------------------
@every_problem
@pytest.mark.parametrize("name", PEERS)
def test_the_gradients_are_minigans(peer, name: str, recipe: str, activation: str) -> None:
    problem = tiny(recipe, activation)
    ours = Minigan(problem)
    expected = [ours.gradient("theta", 0), ours.gradient("w", 0)]
    assert all(np.abs(g).max() > 1e-2 for g in expected)
    assert gap(peer(name).Contender(problem).gradients(), expected) < 1e-9


def same_after_three_iterations(contender, problem: Problem) -> None:
    ours = Minigan(problem)
    ours.iterate(3)
    contender.iterate(3)
    assert gap(problem.layers(), ours.state.values()) > 1e-3  # they have moved
    assert gap(contender.layers(), ours.state.values()) < 1e-7


@every_problem
@pytest.mark.parametrize("name", QUICK)
def test_the_networks_are_minigans(peer, name: str, recipe: str, activation: str) -> None:
    problem = tiny(recipe, activation)
    same_after_three_iterations(peer(name).Contender(problem), problem)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PyTorch's of its own code
def test_the_networks_compiled_by_pytorch_are_minigans(peer) -> None:
    problem = tiny("gan", "tanh")
    same_after_three_iterations(peer("torch_compiled").Contender(problem), problem)


@pytest.mark.parametrize("adam", ["fused", "foreach", "plain"])
def test_every_adam_of_pytorch_is_minigans(peer, adam: str) -> None:
    problem = tiny("wgan-gp", "relu")
    same_after_three_iterations(peer("torch_eager").Contender(problem, adam), problem)


def test_three_iterations_in_one_call_of_jax(peer) -> None:
    problem = tiny("wgan-gp", "tanh")
    same_after_three_iterations(peer("jax_jit").Contender(problem, iterations_per_call=3), problem)


def test_vmapped_networks_are_those_alone(peer) -> None:
    problem = tiny("wgan-gp", "relu")
    many = peer("jax_jit").Vmapped(problem, seeds=2)
    many.iterate(3)
    first, second = ([[(w[k], b[k]) for w, b in net] for net in many.layers()] for k in (0, 1))
    ours = Minigan(problem)
    ours.iterate(3)
    assert gap(first, ours.state.values()) < 1e-7 < 1e-2 < gap(second, ours.state.values())


@every_problem
@pytest.mark.parametrize("name", QUICK)
def test_float32_stays_float32(peer, name: str, recipe: str, activation: str) -> None:
    contender = peer(name).Contender(tiny(recipe, activation, "float32"))
    contender.iterate(1)
    assert {x.dtype.name for nets in (contender.gradients(), contender.layers())
            for net in nets for layer in net for x in layer} == {"float32"}
