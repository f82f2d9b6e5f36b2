"""A property for each claim of the systems, on random laws, networks and batches."""

from dataclasses import replace
from itertools import product
from math import log

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist, jensenshannon

from minigan.autodiff import Tensor, check, grad, stop_gradient
from minigan.gans.game import Game, packed
from minigan.gans.lipschitz import PENALTIES
from minigan.gans.losses import LOSSES
from minigan.gans.losses.critic_output import Batch, CriticOutput, scored
from minigan.gans.losses.energy import pull_away
from minigan.gans.players import Players
from minigan.gans.spectral import power_iteration, spectral_normalize, spectral_norms
from minigan.nets import MLP
from minigan.nets.minibatch import minibatch_features
from minigan.nets.norm import batch_norm, layer_norm, virtual_batch_norm
from minigan.testing.strategies import pairs, point_clouds
from minigan.theory import optimal
from minigan.theory.divergences import DIVERGENCES, total_variation
from minigan.theory.lipschitz import lipschitz_on_grid

SEEDS = st.integers(0, 2**32 - 1)
ROWS = st.sampled_from(list(DIVERGENCES.values()))


@st.composite
def laws(draw, least=0, atoms=4, size=20):
    """Two laws on the atoms as counts that sum to ``size``: atom i is p[i] times in a batch of the first."""
    rest = size - atoms * least
    cuts = [sorted(draw(st.lists(st.integers(0, rest), min_size=atoms - 1, max_size=atoms - 1))) for _ in "pq"]
    return tuple(np.diff([0, *c, rest]) + least for c in cuts)


def batch(scores, counts):
    return scored(np.repeat(np.asarray(scores, dtype=float), counts, axis=-1)[..., None])


def points(x, scores=None):
    x = Tensor(x)
    s = x if scores is None else scores(x)
    return Batch(x, lambda: CriticOutput(s, s, x, x))


def tv(p, q):
    return 0.5 * np.abs(p - q).sum() / p.sum()


@given(laws(), st.floats(0.1, 10), SEEDS)
def test_G15_the_energy_game_is_worth_the_overlap(pair, m, seed) -> None:
    (p, q), rng, row = pair, np.random.default_rng(seed), LOSSES["ebgan"].with_constants(margin=m)
    corners = m * np.array(list(product([0, 1], repeat=len(p))))
    values = row.critic(batch(corners, p), batch(corners, q)).value
    assert values.min() == pytest.approx(m * (1 - tv(p, q)), rel=1e-9, abs=1e-12)
    assert optimal.energy_value(p / p.sum(), q / q.sum(), m) == pytest.approx(values.min(), rel=1e-9, abs=1e-12)
    D = rng.uniform(0, 3 * m, len(p))
    assert row.critic(batch(D, p), batch(D, q)).item() >= values.min() - 1e-12
    level = np.full(len(p), rng.uniform(0, m))
    assert row.critic(batch(level, p), batch(level, p)).item() == pytest.approx(m)  # the equilibrium
    assert (values.min() < m - 1e-9) == (tv(p, q) > 0)


@given(SEEDS, st.floats(0, 3), st.floats(0.1, 10), st.floats(-1, 1))
def test_G16_loss_sensitive_lies_between_its_hinge_and_wgan(seed, margin, lam, leak) -> None:
    rng = np.random.default_rng(seed)
    x, fakes, net = rng.normal(size=(8, 2)), rng.normal(size=(8, 2)), MLP((2, 5, 1), "tanh")
    w = Tensor(net.init(rng, gain=3.0, dtype=float))
    real, fake = points(x, lambda x: net(w, x)), points(fakes, lambda x: net(w, x))

    def both(loss):
        return np.append(grad(loss, w).value, loss.value)

    def gls(slope):
        return both(LOSSES["gls-gan"].with_constants(margin=margin, slope=slope).critic(real, fake))

    whole = both(LOSSES["ls-gan"].with_constants(margin=margin, lam=lam).critic(real, fake))
    np.testing.assert_allclose(whole, lam * gls(0.0) + both(real.scores.mean()), rtol=1e-9, atol=1e-10)
    wgan = both(LOSSES["wasserstein"].critic(points(x, lambda x: -net(w, x)), points(fakes, lambda x: -net(w, x))))
    constant = np.append(np.zeros(net.size), margin * np.abs(x - fakes).sum(axis=1).mean())
    np.testing.assert_allclose(gls(1.0), wgan + constant, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(gls(leak), leak * gls(1.0) + (1 - leak) * gls(0.0), rtol=1e-9, atol=1e-10)


def _unrolled(k, optimizer, seed):
    rng, G, D = np.random.default_rng(seed), MLP((2, 3, 2), "tanh"), MLP((2, 4, 1), "softplus")
    players = Players(game=Game(loss=LOSSES["non-saturating"], generator=G, critic=D), optimizer=optimizer,
                      settings={"beta1": 0.5, "beta2": 0.9}, unroll=k)
    w = D.init(rng, dtype=float)
    state = {"w": w, "w.m": 0.1 * rng.normal(size=w.shape), "w.v": rng.uniform(0.1, 1, w.shape)}
    inputs = {"real": rng.normal(1, 1, (6, 2)), "z": rng.normal(size=(6, 2)), "t.w": 3.0, "eta.w": 0.3}
    fixed = {name: Tensor(np.asarray(x)) for name, x in state.items()}, {
        name: Tensor(np.asarray(x)) for name, x in inputs.items()}
    return players, *fixed, G.init(rng, dtype=float)


@given(st.integers(0, 5), st.sampled_from(["sgd", "adam"]), SEEDS)
@settings(max_examples=25)
def test_G17_the_gradient_runs_through_the_critics_steps(k, optimizer, seed) -> None:
    players, state, inputs, theta = _unrolled(k, optimizer, seed)

    def loss(theta, detach=False):
        ahead = players.unrolled(state | {"theta": theta}, inputs)
        return players.game.generator_loss(ahead | {"w": stop_gradient(ahead["w"])} if detach else ahead, inputs)

    check(loss, [theta], order=1, rtol=1e-5, directions=1)
    at = Tensor(theta)
    whole, partial = (grad(loss(at, detach=cut), at).value for cut in (False, True))
    if k == 0:
        np.testing.assert_array_equal(whole, partial)
        at = state | {"theta": Tensor(theta)}
        np.testing.assert_array_equal(whole, grad(players.game.generator_loss(at, inputs), at["theta"]).value)
    else:
        assert np.abs(whole - partial).max() > 1e-3 * np.abs(whole).max()
        # one step by hand, then k − 1: the same critic
        at = state | {"theta": Tensor(theta)}
        first = players.move("w", players.game.critic_loss(at, inputs), at, inputs)
        rest = replace(players, unroll=k - 1).unrolled(at | first, inputs | {"t.w": inputs["t.w"] + 1.0})
        np.testing.assert_allclose(players.unrolled(at, inputs)["w"].value, rest["w"].value, rtol=1e-9, atol=1e-12)


@given(point_clouds(d=2), point_clouds(d=2), SEEDS)
def test_G18_zero_only_where_every_datum_is_hit(x, fakes, seed) -> None:
    def cost(data, samples):
        return LOSSES["imle"].generator(points(data), points(samples)).item()

    squares = cdist(x, fakes, "sqeuclidean")
    assert cost(x, fakes) == pytest.approx(squares.min(axis=1).mean(), rel=1e-9, abs=1e-12)
    order = np.random.default_rng(seed).permutation(len(x))
    assert cost(x, np.concatenate([fakes, x[order]])) == 0
    assert cost(x, fakes) >= squares.min(axis=1).max() / len(x) * (1 - 1e-9)
    missed = cdist(x, fakes, "chebyshev").min(axis=1).max()
    assert missed < 1e-150 or cost(x, fakes) > 0  # below, the square is 0


@given(SEEDS, st.integers(1, 6), st.integers(2, 9))
def test_G19_zero_iff_the_means_agree(seed, features, n) -> None:
    rng = np.random.default_rng(seed)
    real, fake = rng.normal(size=(2, n, features))
    generator = LOSSES["feature-matching"].generator
    apart = real.mean(axis=0) - fake.mean(axis=0)
    assert generator(points(real), points(fake)).item() == pytest.approx((apart**2).sum(), rel=1e-9)
    assert generator(points(real), points(fake + apart)).item() == pytest.approx(0, abs=1e-25)
    assert generator(points(real), points(rng.permutation(real))).item() == pytest.approx(0, abs=1e-25)


@given(SEEDS, st.integers(2, 8), st.integers(1, 3), st.integers(1, 4), st.floats(0.01, 3))
def test_G20_a_collapsed_batch_is_seen(seed, n, B, C, spread) -> None:
    M = spread * np.random.default_rng(seed).normal(size=(n, B, C))
    features = minibatch_features(M).value
    for b in range(B):
        np.testing.assert_allclose(features[:, b], np.exp(-cdist(M[:, b], M[:, b], "cityblock")).sum(axis=1) - 1,
                                   rtol=1e-9, atol=1e-12)
    same = np.repeat(M[:1], n, axis=0)
    np.testing.assert_allclose(minibatch_features(same).value, n - 1)
    np.testing.assert_allclose(minibatch_features(M, same).value[0], n)
    apart = M + 1e4 * np.arange(n)[:, None, None]
    assert minibatch_features(apart).value.max() == 0
    assert (features >= -1e-12).all() and (features <= n - 1 + 1e-12).all()


@given(SEEDS, st.integers(2, 8), st.integers(2, 8), st.integers(2, 4), st.floats(0.1, 10))
def test_G21_batch_mates_do_not_matter_to_virtual_batch_norm(seed, n, m, units, spread) -> None:
    rng = np.random.default_rng(seed)
    a, mates, reference = (rng.normal(size=(k, units)) for k in (n, n, m))
    mates = 1 + spread * mates
    mixed = np.concatenate([a[:1], mates[1:]])
    for norm, free in [(lambda x: virtual_batch_norm(x, reference), True), (layer_norm, True), (batch_norm, False)]:
        here, there = norm(a).value[0], norm(mixed).value[0]
        assert (np.abs(here - there).max() < 1e-12) == free
    whole = np.concatenate([reference, a[:1]])
    np.testing.assert_allclose(virtual_batch_norm(a, reference).value[0],
                               (a[0] - whole.mean(axis=0)) / np.sqrt(whole.var(axis=0) + 1e-5), rtol=1e-9)
    net = MLP((units, 5, 1), "tanh", norm="virtual")
    theta = net.init(rng, dtype=float)
    np.testing.assert_allclose(net(theta, a, reference).value[0], net(theta, mixed, reference).value[0], rtol=1e-9)


@given(ROWS, laws(least=1), st.booleans(), arrays(float, 4, elements=st.floats(-5, 5)))
def test_G26_no_f_gan_critic_does_better_than_the_divergence(row, pair, ratio, v) -> None:
    assume(not ratio or f"f-{row.name}-ratio" in LOSSES)
    (p, q), loss = pair, LOSSES[f"f-{row.name}-ratio" if ratio else f"f-{row.name}"]
    D = (q * row.f(p / q)).sum() / q.sum()
    bound = -loss.critic(batch(v, p), batch(v, q)).item()
    T = row.f_prime(np.exp(v)) if ratio else row.activation(v)
    assert bound == pytest.approx((p @ T - q @ row.conjugate(T)) / p.sum(), rel=1e-6, abs=1e-7)
    assert bound <= D + 1e-9 * (1 + abs(D))
    assert loss.estimate(batch(v, p).scores, batch(v, q).scores).item() == pytest.approx(bound)
    if ratio:
        best = np.log(p / q)
        assert -loss.critic(batch(best, p), batch(best, q)).item() == pytest.approx(D, rel=1e-9, abs=1e-12)
        assert -loss.generator(batch(v, p), batch(v, q)).item() == pytest.approx(
            q @ row.conjugate(T) / q.sum(), rel=1e-6, abs=1e-7)


@given(laws(), SEEDS)
def test_G27_the_hinge_game_is_worth_the_overlap(pair, seed) -> None:
    (p, q), hinge = pair, LOSSES["hinge"]
    corners = np.array(list(product([-1, 1], repeat=len(p))))
    least = hinge.critic(batch(corners, p), batch(corners, q)).value.min()
    assert least == pytest.approx(2 - 2 * tv(p, q), abs=1e-12)
    best = np.sign(p - q)
    assert hinge.critic(batch(best, p), batch(best, q)).item() == pytest.approx(least, abs=1e-12)
    s = np.random.default_rng(seed).normal(0, 3, len(p))
    assert hinge.critic(batch(s, p), batch(s, q)).item() >= least - 1e-12
    assert hinge.estimate(batch(s, p).scores, batch(s, q).scores).item() <= tv(p, q) + 1e-12
    pays = [hinge.generator(batch(best, p), batch(best, law)).item() for law in (q, p)]
    assert pays[0] - pays[1] == pytest.approx(2 * tv(p, q), abs=1e-12)


@given(st.lists(st.tuples(st.floats(-30, 30), st.floats(-30, 30)), min_size=1, max_size=8), st.floats(-100, 100))
def test_G28_relativistic_losses_see_differences(scores, c) -> None:
    real, fake = np.array(scores).T[..., None]
    for name, alike in [("relativistic", log(2)), ("relativistic-average", 2 * log(2))]:
        loss = LOSSES[name]
        for player, mirrored in [(loss.critic, loss.generator), (loss.generator, loss.critic)]:
            value = player(scored(real), scored(fake)).item()
            assert player(scored(real + c), scored(fake + c)).item() == pytest.approx(value, rel=1e-9, abs=1e-9)
            assert mirrored(scored(fake), scored(real)).item() == pytest.approx(value, rel=1e-12)
            assert player(scored(np.full_like(real, c)), scored(np.full_like(real, c))).item() == pytest.approx(alike)
    assert LOSSES["relativistic"].critic(scored(real), scored(fake)).item() == pytest.approx(
        np.logaddexp(0, fake - real).mean(), rel=1e-12)


@given(laws(least=1, atoms=3, size=9), SEEDS)
def test_G28_the_paired_loss_bounds_the_js_of_pairs(pair, seed) -> None:
    p, q = pair
    x, y = (k.ravel() for k in np.meshgrid(np.repeat(range(3), p), np.repeat(range(3), q), indexing="ij"))
    js = jensenshannon(np.outer(p, q).ravel(), np.outer(q, p).ravel())
    js = np.nan_to_num(js) ** 2
    for s in (np.log(p / q), np.random.default_rng(seed).normal(0, 2, 3)):
        value = LOSSES["relativistic"].critic(scored(s[x][:, None]), scored(s[y][:, None])).item()
        assert value >= log(2) - js - 1e-12
    s = np.log(p / q)
    best = LOSSES["relativistic"].critic(scored(s[x][:, None]), scored(s[y][:, None])).item()
    assert best == pytest.approx(log(2) - js, abs=1e-9)


@given(st.integers(3, 7), st.integers(1, 3), st.data())
def test_G29_packing_tells_collapse_from_noise(modes, m, data) -> None:
    drop = data.draw(st.integers(1, modes - 1))
    tau = drop / modes
    p = np.full(modes, 1 / modes)
    dropped = np.where(np.arange(modes) < modes - drop, 1 / (modes - drop), 0)
    every = np.array(list(product(range(modes), repeat=m)))
    packs = packed(Tensor(every.reshape(-1, 1).astype(float)), m).value.astype(int)
    np.testing.assert_array_equal(packs, every)
    seen = total_variation(p[packs].prod(axis=1), dropped[packs].prod(axis=1))
    assert seen == pytest.approx(1 - (1 - tau) ** m, rel=1e-9)


@given(pairs(4), st.integers(1, 4))
def test_G29_no_pair_of_laws_is_seen_better_than_collapse(pair, m) -> None:
    p, q = pair
    packs = np.array(list(product(range(4), repeat=m)))
    seen = total_variation(p[packs].prod(axis=1), q[packs].prod(axis=1))
    one = total_variation(p, q)
    assert one - 1e-9 <= seen <= 1 - (1 - one) ** m + 1e-9


@given(SEEDS, st.integers(1, 6), st.integers(1, 4), st.floats(0, 5))
def test_G30_penalties_of_a_linear_critic(seed, n, d, size) -> None:
    rng = np.random.default_rng(seed)
    x, fakes, delta, a = *rng.normal(size=(3, 2, n, d)), rng.normal(size=d)
    a *= size / np.linalg.norm(a)
    dragan = 2 * (1 - 1 / size) * a if size > 1e-6 else 0 * a  # finite at 0
    for name, value, slope in [("r1", size**2 / 2, a), ("r2", size**2 / 2, a), ("dragan", (size - 1) ** 2, dragan)]:
        w = Tensor(a)
        penalty = PENALTIES[name].value(lambda x: (x * w).sum(-1, keepdims=True) + 3.0, Tensor(x), Tensor(fakes),
                                        {"delta": Tensor(delta)})
        np.testing.assert_allclose(penalty.value, [value] * 2, rtol=1e-7, atol=1e-9)
        if size == 0 or size > 1e-6:
            np.testing.assert_allclose(grad(penalty.sum(), w).value, 2 * slope, rtol=1e-7, atol=1e-9)
    spread = np.sqrt(((x - x.mean(axis=1, keepdims=True)) ** 2).mean(axis=(1, 2), keepdims=True))
    around = ((np.linalg.norm(x + 0.5 * spread * delta, axis=-1) - 1) ** 2).mean(axis=1)
    squares = [0.5 * (points**2).sum(axis=-1).mean(axis=1) for points in (x, fakes)]
    for name, value in zip(("r1", "r2", "dragan"), (*squares, around), strict=True):  # f = ½‖x‖², ∇f = x
        penalty = PENALTIES[name].value(lambda x: 0.5 * (x * x).sum(-1, keepdims=True), Tensor(x), Tensor(fakes),
                                        {"delta": Tensor(delta)})
        np.testing.assert_allclose(penalty.value, value, rtol=1e-9)


@given(SEEDS, st.integers(2, 7), st.integers(1, 5))
def test_G31_pull_away_is_about_directions(seed, n, c) -> None:
    rng = np.random.default_rng(seed)
    codes, lengths = rng.normal(size=(n, c)), rng.uniform(0.1, 10, (n, 1)) * rng.choice([-1, 1], (n, 1))
    term = pull_away(Tensor(codes)).item()
    cosines = 1 - cdist(codes, codes, "cosine")
    assert term == pytest.approx((cosines**2)[~np.eye(n, dtype=bool)].mean(), rel=1e-9, abs=1e-12)
    assert pull_away(Tensor(codes * lengths)).item() == pytest.approx(term, rel=1e-9, abs=1e-12)
    assert pull_away(Tensor(codes[:1] * lengths)).item() == pytest.approx(1)
    assert pull_away(Tensor(np.eye(n))).item() == pytest.approx(0, abs=1e-12)
    assert -1e-12 <= term <= 1 + 1e-12


@given(SEEDS, st.lists(st.integers(1, 5), min_size=2, max_size=4), st.sampled_from(["relu", "tanh", "leaky-relu"]))
def test_G32_a_spectrally_normalised_net_is_1_lipschitz(seed, sizes, activation) -> None:
    rng, net = np.random.default_rng(seed), MLP((*sizes, 1), activation)
    theta = net.init(rng, dtype=float) + 0.1 * rng.normal(size=net.size)
    weights = [net.layout.views(theta)[k].value for k in net.weights]
    singular = [np.linalg.svd(W) for W in weights]
    s = np.concatenate([x for U, _, Vt in singular for x in (U[:, 0], Vt[0])])
    w_bar = spectral_normalize(net, theta, s)
    for W, k, (_, sigma, _) in zip(weights, net.weights, singular, strict=True):
        np.testing.assert_allclose(net.layout.views(w_bar)[k].value, W / sigma[0], rtol=1e-9)
    x = rng.normal(size=(20, sizes[0]))
    assert lipschitz_on_grid(x, net(w_bar, x).value[:, 0]) <= 1 + 1e-9
    start = np.concatenate([x / np.linalg.norm(x) for W in weights for x in (rng.normal(size=n) for n in W.shape)])
    below = spectral_norms(net, theta, power_iteration(net, theta, start)).value
    assert (below <= [sigma[0] * (1 + 1e-12) for _, sigma, _ in singular]).all()
    gaps = [sigma[1] / sigma[0] if len(sigma) > 1 else 0 for _, sigma, _ in singular]
    assume(max(gaps) < 0.999)  # where the two largest meet, σ₁ has no derivative
    np.testing.assert_allclose(power_iteration(net, theta, s).value, s, atol=1e-9)
    c, v, h = rng.normal(size=net.size), rng.normal(size=net.size), 1e-6

    def by_svd(theta):
        views = net.layout.views(theta)
        return sum((c_k.value * y.value).sum() / (np.linalg.svd(y.value)[1][0] if k in net.weights else 1)
                   for k, (y, c_k) in enumerate(zip(views, net.layout.views(c), strict=True)))

    w = Tensor(theta)
    slope = grad((spectral_normalize(net, w, s) * c).sum(), w).value @ v
    smallest = min(sigma[0] for _, sigma, _ in singular)
    scale = np.linalg.norm(c) * np.linalg.norm(v) / smallest
    assume(smallest > 1e-2)
    assert slope == pytest.approx((by_svd(theta + h * v) - by_svd(theta - h * v)) / (2 * h), rel=1e-3, abs=1e-3 * scale)


@given(SEEDS, st.floats(0.01, 0.99), st.integers(1, 30))
def test_G33_averages_of_the_past(seed, beta, T) -> None:
    net, path = MLP((1, 1)), np.random.default_rng(seed).normal(size=(T + 1, 2))
    players = Players(game=Game(loss=LOSSES["non-saturating"], generator=net, critic=net, historical_weight=1.0),
                      optimizer="sgd", ema=beta)
    state = {name: Tensor(path[0]) for name in ("theta", "theta.mean", "theta.ema")}
    ema = path[0]
    for t in range(1, T + 1):
        new = {"theta": Tensor(path[t])}
        state = state | new | players.running_means("theta", state, new, {"t.theta": Tensor(np.asarray(float(t)))})
        ema = ema + (1 - beta) * (path[t] - ema)
    np.testing.assert_allclose(state["theta.mean"].value, path.mean(axis=0), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(state["theta.ema"].value, ema, rtol=1e-9, atol=1e-12)
