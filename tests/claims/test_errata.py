"""The errata with random numbers: no counterexample holds for one lucky pair alone. And their page is up to date."""

from math import exp, log, sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import minigan
from minigan.autodiff import Tensor
from minigan.claims import select, verify
from minigan.claims.errata import game, transport
from minigan.claims.page import markdown
from minigan.claims.routes import log_normal
from minigan.gans.losses import discriminator
from minigan.lab.metrics import modes_found
from minigan.lab.toys import ring
from minigan.testing.strategies import disjoint_pairs, pairs
from minigan.theory import dynamics
from minigan.theory.divergences import JS, KL, conjugate, divergence_between, jensen_shannon
from minigan.theory.lipschitz import layer_norms, lipschitz_on_grid
from minigan.theory.optimal import optimal_discriminator, optimal_value_between
from minigan.theory.transport import earth_movers_piles, wasserstein_1d

seeds = st.integers(0, 2**32 - 1)
numbers = st.floats(-5, 5)
scales = st.floats(1e-3, 1e3)
probability = st.floats(1e-6, 1 - 1e-6)


def test_the_page_in_the_docs_is_the_one_that_the_claims_write() -> None:
    docs = Path(minigan.__file__).parents[1] / "docs" / "errata.md"
    if not docs.exists():
        docs = Path(__file__).parents[2] / "docs" / "errata.md"
    assert docs.read_text(encoding="utf-8") == markdown([verify(claim) for claim in select(["errata"])]), (
        "run: minigan verify errata --markdown docs/errata.md")


@given(st.floats(12, 1e3), scales)
def test_E1_far_apart_js_is_log_2_and_v_is_0(gap: float, scale: float) -> None:
    p, q = log_normal(0.0, scale), log_normal(gap * scale, scale)
    assert divergence_between(JS, p, q) == pytest.approx(log(2), abs=1e-8)
    assert optimal_value_between(p, q) == pytest.approx(0, abs=1e-7)


@given(seeds, st.integers(2, 9), st.integers(1, 8))
def test_E2_dropping_loses_modes_and_collapse_their_inside(seed: int, k: int, kept: int) -> None:
    assume(kept < k)
    toy, rng = ring(k, 2.0, 0.02), np.random.default_rng(seed)
    dropped = np.repeat(toy.modes[:kept], 500, axis=0) + 0.02 * rng.normal(size=(500 * kept, 2))
    collapsed = np.repeat(toy.modes, 5, axis=0)
    assert modes_found(dropped, toy.modes, 0.02) == kept and modes_found(collapsed, toy.modes, 0.02) == k
    assert game.within_mode_spread(dropped, toy.modes, 0.02) == pytest.approx(1, abs=0.2)
    assert game.within_mode_spread(collapsed, toy.modes, 0.02) < 1e-9


@given(st.floats(0, 10), st.floats(0, 100))
def test_E3_the_margin_term_is_never_negative(m: float, energy: float) -> None:
    assert game.hinge(m, energy) == (max(0.0, m - energy), -1.0 if energy < m else 0.0)


@given(seeds, st.integers(2, 6), st.integers(2, 6))
def test_E4_only_the_largest_singular_value_makes_w_1_lipschitz(seed: int, m: int, n: int) -> None:
    w = np.random.default_rng(seed).normal(size=(m, n))
    norms = [layer_norms([w / s])[0] for s in np.linalg.svd(w, compute_uv=False)]
    assert norms[0] == pytest.approx(1) and all(norm >= 1 - 1e-12 for norm in norms)


@given(numbers, numbers)
def test_E5_a_generator_step_raises_the_score(theta: float, w: float) -> None:
    assert w * transport.generator_step(theta, w) - w * theta == pytest.approx(0.1 * w * w, abs=1e-12)


@given(st.floats(-20, 20))
def test_E6_e_to_the_t_minus_1_is_the_conjugate(t: float) -> None:
    assert conjugate(KL.f, np.array([t]))[0] == pytest.approx(exp(t - 1), rel=1e-9)


@given(pairs())
def test_E7_js_is_at_most_log_2_nats_and_1_bit(pair) -> None:
    assert 0 <= jensen_shannon(*pair) <= log(2) and 0 <= jensen_shannon(*pair, base=2) <= 1


@given(probability, probability, st.sampled_from([2.0, 10.0]))
def test_E8_the_base_does_not_move_the_best_d(a: float, b: float, base: float) -> None:
    d = float(optimal_discriminator(np.array([log(a)]), np.array([log(b)]))[0])
    value = lambda y: (a * log(y) + b * log(1 - y)) / log(base)  # noqa: E731
    for other in (0.99 * d, d + 0.01 * (1 - d)):
        assert value(other) <= value(d) + 1e-12


@given(numbers, numbers, st.floats(0.1, 10), st.floats(0.1, 10))
def test_E9_kl_of_gaussians_is_symmetric_where_variances_are_equal(m: float, n: float, s: float, t: float) -> None:
    def both(n: float, t: float) -> tuple[float, float]:
        p, q = log_normal(m, s), log_normal(n, t)
        return divergence_between(KL, p, q), divergence_between(KL, q, p)

    there, back = both(n, s)
    assert there == pytest.approx(back, rel=1e-6, abs=1e-9)
    there, back = both(m, s + t)  # equal means, a wider q: KL(q‖p) is the larger
    assert back > there


@given(st.floats(0.1, 1e4))
def test_E10_x_squared_has_the_constant_2r_on_an_interval(r: float) -> None:
    x = np.linspace(-r, r, 1001)
    assert lipschitz_on_grid(x, x * x) == pytest.approx(2 * r, rel=2e-3)


@given(pairs(), st.floats(0.01, 0.4), st.floats(0.01, 0.4))
def test_E11_only_two_sided_smoothing_rewards_fakes(pair, alpha: float, beta: float) -> None:
    p, q = pair
    with np.errstate(divide="ignore"):
        log_p, log_q = np.log(p), np.log(q)
    both = p + q > 0
    total = np.where(both, p + q, 1)
    one, two = (optimal_discriminator(log_p, log_q, 1 - alpha, fake)[both] for fake in (0.0, beta))
    np.testing.assert_allclose(one, ((1 - alpha) * p / total)[both], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(two - one, (beta * q / total)[both], rtol=1e-7, atol=1e-12)


@given(numbers, numbers, st.floats(1e-3, 1))
def test_E12_every_simultaneous_step_grows(x: float, y: float, eta: float) -> None:
    assume(x * x + y * y > 1e-6)
    path = dynamics.trajectory(dynamics.XY, dynamics.UPDATES["simultaneous"], np.array([x, y]), 3, eta)
    np.testing.assert_allclose(np.diff(np.log(np.hypot(*path.T))), log(1 + eta * eta) / 2, rtol=1e-5)


@given(st.floats(-50, 50))
def test_E13_noise_from_the_data_would_make_the_identity_perfect(shift: float) -> None:
    data = transport.quantiles(shift)
    assert wasserstein_1d(transport.quantiles(0.0), data) == pytest.approx(abs(shift), abs=1e-9)
    assert wasserstein_1d(data, data) == 0


@given(st.floats(0.3, 50))
def test_E14_a_step_down_minus_psi_comes_nearer(distance: float) -> None:
    z, theta = np.linspace(-0.1, 0.1, 5), transport.generator_step(0.0, 1.0)
    before, after, printed = (wasserstein_1d(t + z, np.full(5, distance)) for t in (0.0, theta, -theta))
    assert after < before < printed


@given(seeds)
def test_E15_linear_functions_see_means_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=9), 3 * rng.normal(size=9)
    y += x.mean() - y.mean()
    assert wasserstein_1d(x, y) > 1e-3 and abs(x.mean() - y.mean()) < 1e-12


@given(probability)
def test_E16_the_loss_of_a_real_datum_is_minus_log_d(d: float) -> None:
    loss = discriminator(Tensor(np.full((1, 1), log(d / (1 - d)))), Tensor(np.full((1, 1), -800.0))).item()
    assert loss == pytest.approx(-log(d), rel=1e-9)


@given(disjoint_pairs())
def test_E17_disjoint_js_is_log_2_or_twice_that(pair) -> None:
    assert jensen_shannon(*pair) == pytest.approx(log(2), rel=1e-12)
    assert jensen_shannon(*pair, halved=False) == pytest.approx(2 * log(2), rel=1e-12)


@given(st.floats(0, 20))
def test_E18_the_two_penalties_agree_only_above_1(slope: float) -> None:
    two, one = (transport.linear_penalty(slope, side) for side in (False, True))
    assert two == pytest.approx((slope - 1) ** 2, abs=1e-9)
    assert one == pytest.approx(max(0.0, slope - 1) ** 2, abs=1e-9)


@given(st.permutations([3.0, 2.0, 1.0, 4.0]), st.permutations([1.0, 2.0, 4.0, 3.0]))
def test_E19_delta_is_the_difference_of_the_cumulated_piles(p, q) -> None:
    delta = earth_movers_piles(np.array(p), np.array(q))
    np.testing.assert_allclose(delta, [sum(p[:i]) - sum(q[:i]) for i in range(5)])
    assert np.abs(delta).sum() == pytest.approx(10 * wasserstein_1d(np.arange(4.0), np.arange(4.0), 1,
                                                                    np.array(p) / 10, np.array(q) / 10))


@given(disjoint_pairs())
def test_E20_both_sums_of_js_count(pair) -> None:
    p, q = pair
    first, second = (0.5 * float((w[w > 0] * log(2)).sum()) for w in (p, q))
    assert jensen_shannon(p, q) == pytest.approx(first + second, rel=1e-9) and second > 0.3


@given(st.floats(0.2, 5))
def test_E21_expectations_over_z_and_over_x_agree_for_a_fold(sigma: float) -> None:
    """G(z) = |z| is not invertible: E_z h(|z|) = ∫ h p_g, here with h(x) = x², σ²."""
    from scipy.integrate import quad

    over_x = quad(lambda x: 2 * x * x * exp(float(log_normal(0.0, sigma)(x))), 0, 40 * sigma)[0]
    over_z = quad(lambda z: abs(z) ** 2 * exp(float(log_normal(0.0, sigma)(z))), -40 * sigma, 40 * sigma,
                  points=[0])[0]
    assert over_x == pytest.approx(over_z, rel=1e-7) and over_x == pytest.approx(sigma**2, rel=1e-7)


@given(st.floats(0.01, 0.5), st.floats(0.6, 5))
def test_E22_a_small_c_is_another_critic_than_a_large_one(small: float, large: float) -> None:
    interior = np.arccosh((sqrt(2) + sqrt(10)) / 4)  # cosh 2w = √2 cosh w, about 0.53
    assert large > interior
    assert transport.best_of_clipped_family(large) == pytest.approx(0.5, abs=2e-3)
    assert transport.best_of_clipped_family(small) > 0.5 + 1e-3
