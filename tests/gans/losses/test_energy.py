"""EBGAN: the hinge is each fake's own, the value is m (1 − TV) at best, and the pull-away term is the paper's."""

import numpy as np
import pytest

from minigan.autodiff import Tensor, check, grad
from minigan.gans.losses import LOSSES
from minigan.gans.losses.energy import energy_critic, energy_estimate, pull_away
from minigan.gans.losses.heads import ENERGY
from minigan.testing import check_pull_away, from_tensors
from minigan.theory.divergences import total_variation
from tests.batches import batch_of, both, draw, of_mass

P, Q = np.array([0.5, 0.3, 0.15, 0.05]), np.array([0.1, 0.3, 0.2, 0.4])


@pytest.mark.parametrize("m", [0.5, 1.0, 3.0])
def test_the_value_is_the_margin_times_what_is_shared(m: float) -> None:
    """G15: m (1 − TV) at the best energies, 0 where p > q and m elsewhere; more at any other ones ≥ 0."""
    best, TV = m * (P < Q), total_variation(P, Q)
    assert energy_critic(of_mass(best, P), of_mass(best, Q), m).item() == pytest.approx(m * (1 - TV), rel=1e-12)
    assert energy_estimate(of_mass(best, P), of_mass(best, Q), m).item() == pytest.approx(TV, rel=1e-12)
    rng = np.random.default_rng(0)
    for _ in range(50):
        D = rng.exponential(m, size=4)
        assert energy_critic(of_mass(D, P), of_mass(D, Q), m).item() >= m * (1 - TV)


def test_the_hinge_is_each_fakes_own() -> None:
    """D = 0 and 2 with m = 1: max(0, 1 − 0) and max(0, 1 − 2), ½ in the mean; of the mean energy it would be 0."""
    zero = Tensor(np.zeros((2, 1)))
    fake = Tensor(np.array([[0.0], [2.0]]))
    assert energy_critic(zero, fake).item() == 0.5
    np.testing.assert_array_equal(grad(energy_critic(zero, fake), fake).value, [[-0.5], [0.0]])


def test_the_pull_away_term() -> None:
    check_pull_away(from_tensors(pull_away), examples=50)
    check(pull_away, [np.random.default_rng(0).normal(size=(4, 3))])


def test_pull_away_of_codes_that_are_all_zero_is_finite() -> None:
    codes = Tensor(np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]], dtype="float32"))
    value = pull_away(codes)
    assert value.item() == pytest.approx(2 / 6, rel=1e-6) and value.dtype == "float32"
    assert np.isfinite(grad(value, codes).value).all()


def test_pull_away_wants_pairs() -> None:
    with pytest.raises(ValueError, match="one row"):
        pull_away(Tensor(np.ones((1, 3))))


def test_the_pull_away_term_is_the_generators_and_of_the_fakes_codes() -> None:
    arrays = [x for k in range(2) for x in draw(np.random.default_rng(k), ENERGY, rows=(3,))]
    plain, away = (LOSSES[name] for name in ("ebgan", "ebgan-pt"))
    batches = both(plain, *arrays)
    np.testing.assert_array_equal(plain.critic(*batches).value, away.critic(*batches).value)
    extra = away.generator(*batches).value - plain.generator(*batches).value
    np.testing.assert_allclose(extra, [0.1 * pull_away(Tensor(arrays[7][r])).item() for r in range(3)], rtol=1e-9)


def test_pretraining_is_the_reconstruction_error_of_the_data() -> None:
    points, outputs, features, code = draw(np.random.default_rng(0), ENERGY)
    error = np.linalg.norm(outputs - points, axis=1).mean()
    for name in ("ebgan", "ebgan-pt"):
        assert LOSSES[name].head is ENERGY
        found = LOSSES[name].pretrain(batch_of(points, outputs, features, code, head=ENERGY))
        assert found.item() == pytest.approx(error, rel=1e-12)
    assert [name for name, loss in LOSSES.items() if loss.pretrain] == ["ebgan", "ebgan-pt"]
