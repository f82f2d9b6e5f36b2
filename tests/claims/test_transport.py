"""W1–W17 as properties: what each claim says of its own inputs, of random ones."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from scipy.special import expit, log_ndtr

from minigan.autodiff import Tensor, grad, safe_norm
from minigan.gans.lipschitz import clip_weights, gradient_penalty
from minigan.gans.losses import minimax_generator, wasserstein_estimate, wasserstein_generator
from minigan.lab.metrics import sampling_floor
from minigan.lab.toys import gaussian_mixture, ring
from minigan.nets import MLP
from minigan.nets.mlp import ELEMENTWISE
from minigan.testing.strategies import gaussians, mixtures, point_clouds, probability_vectors
from minigan.theory import divergences, lipschitz
from minigan.theory.fits import gaussian_w2
from minigan.theory.transport import (
    c_transform,
    earth_movers_piles,
    emd,
    ground_cost,
    kantorovich_dual,
    sinkhorn,
    sliced_wasserstein,
    wasserstein_1d,
    wasserstein_assignment,
)

seeds = st.integers(0, 2**32 - 1)
unit = st.floats(-1, 1, allow_subnormal=False)
LOG2 = float(np.log(2))


@st.composite
def measures(draw, dims=(1, 2, 3)):
    """Two weighted point clouds in one space, and the size of the distances: duplicates and zeros among them."""
    d = draw(st.sampled_from(dims))
    x, y = draw(point_clouds(d=d)), draw(point_clouds(d=d))
    size = max(ground_cost(x, y).max(), 1e-9)
    return x, y, draw(probability_vectors(len(x))), draw(probability_vectors(len(y))), size


@st.composite
def laws(draw, count):
    """``count`` laws on one set of points, with the distances between the points."""
    x = draw(point_clouds())
    return ground_cost(x, x), [draw(probability_vectors(len(x))) for _ in range(count)]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=8))
def test_W1_piles_in_a_row(rows) -> None:
    P, Q = np.array(rows).T
    Q[0] += max(P.sum() - Q.sum(), 0)
    P[-1] += max(Q.sum() - P.sum(), 0)
    delta = earth_movers_piles(P, Q)
    assert delta[0] == delta[-1] == 0
    np.testing.assert_array_equal(np.diff(delta), P - Q)
    if total := P.sum():
        at = np.arange(len(P))
        assert abs(delta).sum() == pytest.approx(total * stats.wasserstein_distance(at, at, P, Q))


@given(measures(), st.sampled_from([1, 2]))
def test_W2_plans_and_potentials_meet(given_measures, p) -> None:
    x, y, a, b, size = given_measures
    cost, slack = ground_cost(x, y, p), 1e-8 * size**p
    program = optimize.linprog(
        -np.concat([a, b]), bounds=(None, None), b_ub=cost.ravel() / size**p,
        A_ub=np.hstack([np.repeat(np.eye(len(a)), len(b), axis=0), np.tile(np.eye(len(b)), (len(a), 1))]))
    t = emd(cost, a, b)
    assert t.value == pytest.approx(-program.fun * size**p, abs=max(slack, 1e-6 * size**p))  # scipy's own tolerance
    assert t.gap <= slack
    np.testing.assert_allclose(t.plan.sum(axis=1), a, atol=1e-9)
    np.testing.assert_allclose(t.plan.sum(axis=0), b, atol=1e-9)
    np.testing.assert_allclose(t.plan * (cost - t.psi[:, None] - t.psi_c), 0, atol=slack)
    smooth = sinkhorn(cost, a, b, 0.1 * size**p, max_iterations=200)
    assert smooth.dual - slack <= t.value <= smooth.value + slack


@given(st.one_of(unit.filter(lambda t: abs(t) > 1e-6), st.sampled_from([-1e3, 1e3])), seeds)
def test_W3_parallel_lines(theta, seed) -> None:
    y = np.random.default_rng(seed).random((8, 1))

    def distance(theta):
        return wasserstein_assignment(np.hstack([0 * y, y]), np.hstack([0 * y + theta, y]))

    assert distance(theta) == pytest.approx(abs(theta))
    h = 1e-3 * abs(theta)
    assert (distance(theta + h) - distance(theta - h)) / (2 * h) == pytest.approx(np.sign(theta))
    p, q = np.repeat(np.eye(2), 8, axis=1) / 8  # the points of either line
    assert divergences.kl(p, q) == divergences.kl(q, p) == np.inf
    assert divergences.jensen_shannon(p, q) == pytest.approx(LOG2)
    assert distance(0) == divergences.kl(p, p) == divergences.jensen_shannon(p, p) == 0


@given(measures(dims=(1,)), st.sampled_from([1, 2, 3]))
def test_W4_quantiles_and_cdfs(given_measures, p) -> None:
    x, y, a, b, size = given_measures
    x, y = x[:, 0], y[:, 0]
    ends = np.unique(np.concat([x, y]))
    F, G = ((w[:, None] * (v[:, None] <= ends[:-1])).sum(axis=0) for v, w in ((x, a), (y, b)))
    by_cdf = (abs(F - G) * np.diff(ends)).sum()
    assert wasserstein_1d(x, y, 1, a, b) == pytest.approx(by_cdf, abs=1e-11 * max(abs(ends).max(), size))
    assert wasserstein_1d(x, y, 1, a, b) == pytest.approx(stats.wasserstein_distance(x, y, a, b), abs=1e-11 * size)
    found = emd(ground_cost(x[:, None], y[:, None], p), a, b)
    assert wasserstein_1d(x, y, p, a, b) ** p == pytest.approx(found.value, abs=1e-8 * size**p)


@given(gaussians(), gaussians(), st.floats(-1e3, 1e3))
def test_W5_gaussians(one, two, shift) -> None:
    (mu, sigma), (nu, tau) = one, two
    diagonal = gaussian_w2([mu, nu], np.diag([sigma**2, 1]), [nu, nu], np.diag([tau**2, 1]))
    assert diagonal == pytest.approx(np.hypot(mu - nu, sigma - tau), rel=1e-9, abs=1e-12)
    turn = np.array([[np.cos(mu), -np.sin(mu)], [np.sin(mu), np.cos(mu)]])  # a rotation changes nothing
    turned = gaussian_w2(turn @ [mu, nu], turn @ np.diag([sigma**2, 1]) @ turn.T,
                         turn @ [nu, nu], turn @ np.diag([tau**2, 1]) @ turn.T)
    assert turned == pytest.approx(diagonal, rel=1e-6, abs=1e-9 * (1 + sigma + tau + abs(mu) + abs(nu)) * 100)
    assert gaussian_w2([0], [[1]], [shift], [[1]]) == pytest.approx(abs(shift))
    x = stats.norm.ppf((np.arange(50) + 0.5) / 50)
    assert wasserstein_1d(x, x + shift) == pytest.approx(abs(shift), abs=1e-12)
    assert wasserstein_1d(x, x + shift, 2) == pytest.approx(abs(shift), abs=1e-12)


@given(laws(3), st.sampled_from([1, 2, 3]), seeds)
def test_W6_a_metric_and_its_inequalities(given_laws, p, seed) -> None:
    distance, (P, Q, R) = given_laws
    size = max(distance.max(), 1e-9)
    slack = size * 1e-9 ** (1 / p)

    def W(a, b, order=p):
        return max(emd(distance**order, a, b).value, 0) ** (1 / order)

    assert W(P, Q) == pytest.approx(W(Q, P), abs=slack)
    assert W(P, P) <= slack
    assert W(P, Q) <= W(P, R) + W(R, Q) + slack
    assert W(P, Q) <= W(P, Q, p + 1) + size * 1e-9 ** (1 / (p + 1))
    tv = divergences.total_variation(P, Q)
    assert W(P, Q, 1) <= distance.max() * tv + 1e-9 * size
    apart = distance[~np.eye(len(P), dtype=bool)].min(initial=size)  # 0 with duplicated points
    assert W(P, Q, 1) >= apart * tv - 1e-9 * size  # P ≠ Q is seen
    assert tv <= np.sqrt(divergences.kl(P, Q) / 2) + 1e-9
    x = np.random.default_rng(seed).normal(size=(len(P), 2))
    theta = np.random.default_rng(seed).normal(size=(3, 2))
    whole = max(emd(ground_cost(x, x, p), P, Q).value, 0) ** (1 / p)
    assert sliced_wasserstein(x, x, theta, p, P, Q) <= whole + 10 * 1e-9 ** (1 / p)


@given(measures(), st.sampled_from([1, 2, 3]), seeds)
def test_W7_duality(given_measures, p, seed) -> None:
    x, y, a, b, size = given_measures
    rng = np.random.default_rng(seed)
    both = np.concat([x, y])
    distance = ground_cost(both, both)
    psi = abs(both - rng.normal(size=both.shape[1]) * size).max(axis=1)  # 1-Lipschitz in ‖·‖∞, so in ‖·‖₂
    np.testing.assert_allclose(c_transform(psi, distance), -psi, atol=1e-12 * size)
    w1 = emd(ground_cost(x, y), a, b).value
    assert a @ psi[: len(x)] - b @ psi[len(x) :] <= w1 + 1e-8 * size + 1e-14 * abs(psi).max()
    best = lipschitz.kantorovich_potential(x, y, a, b)
    assert a @ best(x) - b @ best(y) == pytest.approx(w1, abs=1e-8 * size)
    cost = ground_cost(x, y, p) / p
    t = emd(cost, a, b)
    assert kantorovich_dual(rng.normal(size=len(x)) * size**p, cost, a, b) <= t.value + 1e-8 * size**p
    assert kantorovich_dual(t.psi, cost, a, b) == pytest.approx(t.value, abs=1e-8 * size**p)


@given(measures(), st.floats(0.1, 10), seeds)
def test_W8_k_lipschitz_critics(given_measures, K, seed) -> None:
    x, y, _, _, size = given_measures
    w1, rng = emd(ground_cost(x, y)).value, np.random.default_rng(seed)
    w = rng.normal(size=x.shape[1])
    w *= K / np.linalg.norm(w)
    for phi in (np.asarray, np.tanh, np.sin, abs):
        estimate = wasserstein_estimate(*(Tensor(phi(points @ w)[:, None]) for points in (x, y))).item()
        assert estimate <= K * w1 + 1e-8 * K * size
    best = lipschitz.kantorovich_potential(x, y)
    scores = (Tensor(K * best(points)[:, None]) for points in (x, y))
    assert wasserstein_estimate(*scores).item() == pytest.approx(K * w1, abs=1e-8 * K * size)


@given(st.integers(1, 10**15), st.floats(-10, 10))
def test_W9_the_weak_topology(n, x) -> None:
    assert wasserstein_1d(np.array([1 / n]), np.zeros(1)) == 1 / n
    assert wasserstein_1d(np.array([x + 1 / n]), np.array([x])) == pytest.approx(1 / n, abs=1e-14)
    P, Q = np.eye(2)
    assert divergences.jensen_shannon(P, Q) == pytest.approx(LOG2) and divergences.total_variation(P, Q) == 1


@given(seeds, st.sampled_from(["tanh", "softplus", "sigmoid"]), st.integers(1, 8))
def test_W10_the_generators_gradient(seed, activation, n) -> None:
    rng, net = np.random.default_rng(seed), MLP((2, 3, 2), activation)
    x, z = rng.normal(size=(2, n, 2))
    theta, direction = net.init(rng, dtype="float64"), rng.normal(size=net.size)
    y = net(theta, z).value
    w = Tensor(theta)
    psi = lipschitz.kantorovich_potential(x, y)(x)
    scores = (psi - safe_norm(net(w, z).reshape(n, 1, 2) - x)).max(axis=1, keepdims=True)
    slope = float(grad(wasserstein_generator(scores), w).value @ direction)
    h = 1e-6
    ends = [wasserstein_assignment(x, net(theta + s * direction, z).value) for s in (h, -h)]
    assert slope == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-4, abs=1e-6)


@given(seeds, st.integers(1, 6), st.integers(1, 6), st.integers(1, 3), st.floats(0.1, 0.9))
def test_W11_slope_one_along_the_plan(seed, n, m, d, t) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, d)), rng.normal(size=(m, d))
    psi = lipschitz.kantorovich_potential(x, y)
    i, j = np.nonzero(emd(ground_cost(x, y)).plan > 1e-9)
    between, far = t * x[i] + (1 - t) * y[j], np.linalg.norm(x[i] - y[j], axis=1)
    np.testing.assert_allclose(psi(x)[i] - psi(between), (1 - t) * far, atol=1e-9)
    np.testing.assert_allclose(psi(between) - psi(y)[j], t * far, atol=1e-9)
    anywhere = np.concat([between, 3 * rng.normal(size=(20, d))])
    assert lipschitz.lipschitz_on_grid(anywhere, psi(anywhere)) <= 1 + 1e-9


@given(seeds, st.floats(1e-3, 10), st.sampled_from(list(ELEMENTWISE)), st.lists(st.integers(1, 5), max_size=2))
def test_W12_clipped_critics(seed, c, activation, hidden) -> None:
    rng = np.random.default_rng(seed)
    net = MLP((2, *hidden, 1), activation)
    theta = clip_weights(rng.normal(size=net.size) * 2 * c, c).value
    assert abs(theta).max() <= c
    bound = lipschitz.lipschitz_bound([W.value for W, _ in net.layers(theta)])
    K = lipschitz.clipping_bound(net.sizes, c)
    x, y = rng.normal(size=(2, 8, 2))
    points = np.concat([x, y])
    measured = lipschitz.lipschitz_on_grid(points, net(theta, points).value[:, 0])
    assert measured <= bound * (1 + 1e-9) + 1e-9 * K and bound <= K * (1 + 1e-12)
    estimate = wasserstein_estimate(net(theta, x), net(theta, y)).item()
    assert estimate <= K * wasserstein_assignment(x, y) * (1 + 1e-9)


@given(seeds, st.integers(2, 6), st.integers(2, 6), st.floats(0.3, 0.9), st.floats(0.1, 10))
def test_W13_power_iteration(seed, m, n, ratio, size) -> None:
    rng = np.random.default_rng(seed)
    left, right = (np.linalg.qr(rng.normal(size=(k, 2)))[0] for k in (m, n))
    W = size * (left * [1, ratio]) @ right.T
    assert lipschitz.layer_norms([W / size, W / lipschitz.layer_norms([W])[0]]) == pytest.approx([1, 1])
    u, v, tangents, errors = left @ [0.5, 1.0], right @ [0.0, 1.0], [], []
    for _ in range(6):
        u, v, sigma = lipschitz.power_iteration(u, v, W)
        along = right.T @ v
        tangents.append(abs(along[1] / along[0]))
        errors.append(1 - sigma / size)
    assert min(errors) >= -1e-12  # from below
    np.testing.assert_allclose(tangents, 2 * ratio * ratio ** (2.0 * np.arange(6)), rtol=1e-6)
    # σ² = (cos² + ratio² sin²): its error is the tangent's square, to first order
    sine = 1 / np.sqrt(1 + np.array(tangents) ** -2)
    np.testing.assert_allclose(errors, 1 - np.sqrt(1 - (1 - ratio**2) * sine**2), atol=1e-12)


@given(st.floats(-10, 10), st.floats(-10, 10), st.floats(-10, 10), st.floats(0.1, 100))
def test_W14_the_constant_is_the_steepest_slope(a, b, c, R) -> None:
    x = np.linspace(-R, R, 101)
    h = x[1] - x[0]
    found = lipschitz.lipschitz_on_grid(x, a * x**2 + b * x + c)
    assert found == pytest.approx(max(abs(2 * a * (R - h / 2) + b), abs(-2 * a * (R - h / 2) + b)), rel=1e-6, abs=1e-9)
    assert lipschitz.lipschitz_on_grid(x, abs(x)) == pytest.approx(1)
    plane = np.stack(np.meshgrid(x[::10], x[::10]), axis=-1).reshape(-1, 2)
    linear = lipschitz.lipschitz_on_grid(plane, plane @ [a, b])
    assert linear <= np.hypot(a, b) * (1 + 1e-9) + 1e-9
    assert linear >= np.hypot(a, b) * 0.98 - 1e-9  # some pair of an 11 × 11 grid is nearly along (a, b)
    assert lipschitz.lipschitz_on_grid(plane, plane @ [a, a]) == pytest.approx(abs(a) * 2**0.5, abs=1e-9)


@given(seeds, st.integers(1, 6), st.integers(1, 9), st.lists(st.integers(1, 3), max_size=2), st.floats(0, 20))
def test_W15_the_penalty_of_a_linear_critic(seed, d, batch, lead, size) -> None:
    rng = np.random.default_rng(seed)
    x, w0 = rng.normal(size=(*lead, batch, d)), rng.normal(size=(d, 1))
    w = Tensor(w0 * size / np.linalg.norm(w0))
    two, one = (gradient_penalty(lambda points: points @ w, x, one_sided=side) for side in (False, True))
    assert two.shape == one.shape == tuple(lead)
    np.testing.assert_allclose(two.value, (size - 1) ** 2, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(one.value, max(0, size - 1) ** 2, rtol=1e-6, atol=1e-9)
    assert np.isfinite(grad(two.sum(), w).value).all() and np.isfinite(grad(one.sum(), w).value).all()


@given(st.floats(-5, 5), st.floats(1, 8), st.floats(0.3, 3))
def test_W16_the_discriminator_saturates_the_critic_does_not(middle, apart, sigma) -> None:
    real, fake = middle - sigma * apart / 2, middle + sigma * apart / 2
    x = middle + sigma * np.linspace(-12, 12, 97)
    points = Tensor(x[:, None])
    # log p − log q of two Gaussians of one width is linear
    slope = (real - fake) / sigma**2
    logit = (points - middle) * slope
    found = grad(len(x) * minimax_generator(logit), points).value[:, 0]
    np.testing.assert_allclose(found, -slope * expit((x - middle) * slope), rtol=1e-9, atol=1e-300)
    sure = x > fake + sigma * 0.01
    assert abs(found[sure]).max() <= abs(slope) * np.exp(-apart**2 / 2)
    climbs = lipschitz.potential_slope_1d(log_ndtr((x - real) / sigma), log_ndtr((x - fake) / sigma))
    assert (climbs == -1).all()


@pytest.mark.slow("claims tried in more places than their own check")
@settings(max_examples=15)
@given(seeds, mixtures(dim=2), st.integers(2, 9))
def test_W17_two_samples_of_one_law_are_apart(seed, mixture, n) -> None:
    means, sigma, _ = mixture
    data = gaussian_mixture(means[:1], sigma)
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, 5, 2))
    best = min(np.linalg.norm(x - y[list(order)], axis=1).mean() for order in permutations(range(5)))
    assert wasserstein_assignment(x, y) == pytest.approx(best)
    few, many = (sampling_floor(data.sample, np.random.default_rng(seed), size, 40)[0] for size in (n, 32 * n))
    assert 0 < many < few  # 32 times the data: a fall far beyond the spread of 40 draws
    large, small = (sampling_floor(ring(8, r, r / 100).sample, np.random.default_rng(seed), n, 3)[0] for r in (2, 1))
    assert large == pytest.approx(2 * small)
