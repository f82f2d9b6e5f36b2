"""Every player of every recipe: its gradient end to end, and that it moves the right way."""

import numpy as np
import pytest

from minigan.autodiff import check, grad
from minigan.autodiff.tensor import Tensor
from minigan.gans import RECIPES, Game, recipe
from minigan.nets import MLP

G, D = MLP((2, 6, 5, 2), "tanh"), MLP((2, 7, 6, 1), "tanh")


def game(name: str) -> Game:
    return Game(RECIPES[name], G, D, penalty=0.7)


def point(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "w": rng.normal(size=D.size), "theta": rng.normal(size=G.size),
        "real": rng.normal(size=(5, 2)), "z": rng.normal(size=(5, 2)), "eps": rng.random((5, 1)),
    }


@pytest.mark.parametrize("name", RECIPES)
def test_the_critics_gradient_end_to_end(name: str) -> None:
    p = point()
    check(lambda w: game(name).critic_loss(w, p["theta"], p["real"], p["z"], p["eps"]), [p["w"]], order=1)


@pytest.mark.parametrize("name", RECIPES)
def test_the_generators_gradient_end_to_end(name: str) -> None:
    p = point()
    check(lambda theta: game(name).generator_loss(theta, p["w"], p["z"]), [p["theta"]], order=1)


@pytest.mark.parametrize("name", RECIPES)
def test_a_small_step_down_each_gradient_lowers_the_loss(name: str) -> None:
    for seed in range(10):
        p = point(seed)
        w, theta = Tensor(p["w"]), Tensor(p["theta"])
        critic = lambda w, p=p: game(name).critic_loss(w, p["theta"], p["real"], p["z"], p["eps"])  # noqa: E731
        generator = lambda theta, p=p: game(name).generator_loss(theta, p["w"], p["z"])  # noqa: E731
        for loss, x in [(critic, w), (generator, theta)]:
            g = grad(loss(x), x).value
            assert np.linalg.norm(g) > 0, "this player never moves"
            assert loss(x.value - 1e-4 * g / np.linalg.norm(g)).item() < loss(x).item()


@pytest.mark.parametrize("name", RECIPES)
def test_the_generator_raises_the_score_of_its_samples(name: str) -> None:
    """Whatever the loss, G wants D to take fakes for real: a step down L_G raises E D(G(z))."""
    for seed in range(10):
        p = point(seed)
        theta = Tensor(p["theta"])
        g = grad(game(name).generator_loss(theta, p["w"], p["z"]), theta).value
        before, after = (D(p["w"], G(t, p["z"])).value.mean() for t in (theta, p["theta"] - 1e-4 * g))
        assert after > before


def test_one_pass_for_real_and_fake_is_two_passes() -> None:
    p, row = point(), RECIPES["wgan"]
    separate = row.loss.critic(D(p["w"], p["real"]), D(p["w"], G(p["theta"], p["z"])))
    together = game("wgan").critic_loss(p["w"], p["theta"], p["real"], p["z"], p["eps"])
    assert together.item() == pytest.approx(separate.item(), rel=1e-12)


@pytest.mark.parametrize("name", RECIPES)
def test_rows_of_runs_equal_single_runs(name: str) -> None:
    points = [point(r) for r in range(3)]
    p = {k: np.stack([q[k] for q in points]) for k in points[0]}
    w, theta = Tensor(p["w"]), Tensor(p["theta"])
    critic = game(name).critic_loss(w, theta, p["real"], p["z"], p["eps"])
    generator = game(name).generator_loss(theta, w, p["z"])
    assert critic.shape == generator.shape == (3,)
    for r, q in enumerate(points):
        one, other = Tensor(q["w"]), Tensor(q["theta"])
        alone = game(name).critic_loss(one, other, q["real"], q["z"], q["eps"])
        assert critic.value[r] == pytest.approx(alone.item(), rel=1e-12)
        np.testing.assert_allclose(grad(critic.sum(), w).value[r], grad(alone, one).value, rtol=1e-9, atol=1e-12)
        alone = game(name).generator_loss(other, one, q["z"])
        row = grad(generator.sum(), theta).value[r]
        np.testing.assert_allclose(row, grad(alone, other).value, rtol=1e-9, atol=1e-12)


def test_an_unknown_recipe_suggests_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"unknown recipe 'wgan-gpp'; did you mean 'wgan-gp'\?.*gan-minimax"):
        recipe("wgan-gpp")
