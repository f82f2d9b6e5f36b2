"""The closing words: an estimate with its error, a bound only where there is one, a verdict with its yardsticks."""

import numpy as np
import pytest

from minigan.gans.losses import W1
from minigan.lab import report
from minigan.lab.config import configure
from minigan.lab.data import data_from
from minigan.lab.metrics import correlation_errors, correlations, marginal_distances, norms
from minigan.lab.reference import draw_reference
from minigan.lab.table import Table
from minigan.lab.train import Training


def untrained(recipe="wgan-gp", source="ring8", **settings):
    """A run before its first step."""
    settings = {"steps": 10, "samples": 600} | settings
    data = data_from(source, holdout=settings.get("holdout", 0.2))
    return Training(configure(recipe, **settings), data)


def words(training):
    return " ".join(report.critic_words(training))


# -- W₁ by the critic -----------------------------------------------------------------------------

def test_the_standard_error_is_that_of_the_mean_of_the_scores():
    """By hand: √(s²/n + s²/m) of the critic's scores, and it is how much the estimate varies from draw to draw."""
    training = untrained()
    model, rng = training.model, np.random.default_rng(0)
    real, fake = training.data.sample(rng, 500), model.sample(rng, 300)
    f = [model.critic(x)[0] for x in (real, fake)]
    expected = np.sqrt(f[0].var(ddof=1) / 500 + f[1].var(ddof=1) / 300)
    assert report.standard_error(model, real, fake) == pytest.approx(expected, rel=1e-4)
    estimates = [model.estimate(training.data.sample(rng, 500), model.sample(rng, 300)) for _ in range(200)]
    assert np.std(estimates) == pytest.approx(expected, rel=0.2)


@pytest.mark.parametrize("recipe, settings, size", [("wgan", {"pack": 2}, 300), ("wgan", {"minibatch": 4}, 9)])
def test_what_is_judged_together_counts_once(recipe, settings, size):
    """Packs of two: 300 of 600 points; batches of 64 that are compared: 9, whose means are independent."""
    training = untrained(recipe, **settings)
    model, rng = training.model, np.random.default_rng(0)
    real, fake = training.data.sample(rng, 600), model.sample(rng, 600)
    means = [model.judge(x).reshape(size, -1).mean(axis=1) for x in (real, fake)]
    expected = np.sqrt(sum(m.var(ddof=1) for m in means) / size)
    assert report.standard_error(model, real, fake) == pytest.approx(expected, rel=1e-6)


def shifted(training, of_data, of_samples):
    """The run with a critic whose scores have these means: by planting it in ``judge``."""
    rng = np.random.default_rng(0)
    reals = draw_reference(training.data, 0, training.config.samples).real
    model = training.model

    class Planted(type(model)):
        def judge(self, x):
            mean = of_data if np.array_equal(x, reals) else of_samples
            scores = rng.standard_normal(len(x))
            return mean + (scores - scores.mean()) / scores.std()

    planted = Planted(model.config, model.scaling, model.state, model.names)

    class Run(type(training)):
        model = planted

    training.__class__ = Run
    return training


def test_what_the_samples_cannot_tell_is_no_estimate():
    """600 and 600 scores of deviation 1: the standard error is √(2/600) = .058."""
    for gap in (-0.5, 0.0, 0.1):
        told = words(shifted(untrained(), gap, 0.0))
        assert "± 0.058 (its standard error): below what this batch can tell" in told
        assert "estimate of W₁:" not in told and "W₁ ≥" not in told
    assert "= −0.5 ±" in words(shifted(untrained(), -0.5, 0.0))
    training = shifted(untrained(), 0.5, 0.0)
    told, distance = words(training), report.critic_distance(training)
    assert "= 0.5 ± 0.058" in told and f"an estimate of W₁: {distance['w1']:.3g} ± " in told
    low = (0.5 - 2 * distance["error"]) / distance["bound"]
    assert f"Lip(f) ≤ {distance['bound']:.3g}, so W₁ ≥ {low:.2g}" in told


@pytest.mark.parametrize("recipe, settings, reason", [
    ("wgan", {"pack": 2}, "it judges packs of 2 points"), ("sn-wgan", {"pack": 2}, "it judges packs of 2 points"),
    ("layer-norm", {}, "layer norm divides by a spread"), ("wgan", {"minibatch": 4}, "minibatch discrimination"),
])
def test_a_certificate_that_does_not_exist_is_left_out_with_the_reason(recipe, settings, reason):
    training = untrained(recipe, **settings)
    told = words(training)
    assert f"no certified bound of Lip(f), nor of W₁: {reason}" in told and "nan" not in told
    assert not {"bound", "at_least"} & {*report.critic_distance(training)}
    assert ("w1" in report.critic_distance(training)) == ("pack" not in settings)


def test_only_a_critic_of_w1_says_something_of_it():
    for recipe in ("gan", "imle", "gls-gan"):
        assert configure(recipe).loss.estimates != W1 and report.critic_words(untrained(recipe)) == []


# -- the table and the verdict --------------------------------------------------------------------

def cloud(n, seed=0, r=0.8):
    rng = np.random.default_rng(seed)
    age = rng.normal(40, 10, n)
    income = 3000 * (r * (age - 40) / 10 + np.sqrt(1 - r**2) * rng.normal(size=n))
    return np.column_stack([age, income, rng.normal(size=n)])


NAMES = ("age", "income", "luck")


def judged(samples, n=2000, holdout=0.2):
    """(table, verdict) of these samples, as if a generator of the cloud had made them."""
    training = untrained("wgan-gp", Table(cloud(n), NAMES), samples=len(samples), holdout=holdout)
    before, report.final_samples = report.final_samples, lambda _: samples
    try:
        table = report.final_table(training)
    finally:
        report.final_samples = before
    return table, report.verdict(training.data, table, len(samples))


def test_fresh_data_are_trusted():
    table, told = judged(cloud(2500, seed=1))
    (line,) = told
    assert line.startswith("nothing measured speaks against the samples: W₁ is ")
    generator, ceiling, _ = table
    assert [row["samples"] for row in table] == ["generator", "ceiling (training rows)", "null (uniform noise)"]
    assert generator["marginal"] < 0.1 and generator["correlation"] < 0.08 and ceiling["memorised"] == 0.5
    assert generator["memorised"] == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("fault, words", [
    (lambda x: x * [1, 1, 1] + [0, 0, 1], "the worst column, luck, is 1.0"),
    (lambda x: np.column_stack([x[:, 0], np.random.default_rng(5).permutation(x[:, 1]), x[:, 2]]),
     "the worst correlation, age–income, is 0.7"),
    (lambda x: cloud(2000)[np.random.default_rng(1).permutation(2000)[:1000]][np.arange(2500) % 1000],
     "of the samples are as near a row of the training"),
    (lambda x: 0 * x + [40, 0, 0], "W₁ is "),
])
def test_each_fault_is_named(fault, words):
    _, told = judged(fault(cloud(2500, seed=1)))
    assert told[0].startswith("not to be trusted yet: ") and words in told[0]


def test_without_rows_held_out_it_says_what_it_judges_by():
    table, told = judged(cloud(500, seed=1), n=300, holdout=0.0)
    assert [row["samples"] for row in table] == ["generator", "null (uniform noise)"] and "memorised" not in table[0]
    assert told[-2].startswith("no rows are held out, so nothing tells whether to trust the samples")
    assert told[-1].startswith("in order: ")
    data = data_from(cloud(300), holdout=0)
    assert "judged by the rows of the training, as none are held out" in report.heading(data, 500)


def test_the_heading_says_of_how_many_points_w1_is_and_in_which_unit():
    assert report.heading(data_from("ring8"), 2500) == (
        "2,500 samples, judged by fresh data; w1: exact W₁ of 1,024 samples to as many data, in data units")
    assert report.heading(data_from(cloud(500)), 2500) == (
        "2,500 samples, judged by 100 rows held out; "
        "w1: exact W₁ of 100 samples to as many data, in standard deviations")


def test_a_toy_is_judged_by_its_modes():
    training = untrained()
    assert report.verdict(training.data, report.final_table(training), 600) == []
    full = report.final_report(training)
    assert full.columns[:4] == ["samples", "modes_found", "modes_solid", "high_quality"]
    assert any("reverse_kl: – where fewer than 50%" in line for line in full.words)


def test_marginals_and_correlations_have_their_values():
    """By SciPy's own distance and NumPy's own correlations; far from 0 and at the ends of floats, too."""
    from scipy.stats import wasserstein_distance

    x, y = cloud(400, 1), cloud(300, 2)
    expected = [wasserstein_distance(a, b) / b.std() for a, b in zip(x.T, y.T, strict=True)]
    for factor, shift in ((1.0, 0.0), (1e-200, 0.0), (1e300, 0.0), (1.0, 1.6e9)):
        np.testing.assert_allclose(marginal_distances(x * factor + shift, y * factor + shift), expected, rtol=1e-5)
        np.testing.assert_allclose(correlations(x * factor + shift), np.corrcoef(x.T), atol=1e-6)
    np.testing.assert_allclose(correlation_errors(x, y), np.abs(np.corrcoef(x.T) - np.corrcoef(y.T)), atol=1e-12)
    y[:, 2] = 7.0
    assert marginal_distances(y, y)[2] == 0 and marginal_distances(x, y)[2] == np.inf
    assert correlation_errors(x, y)[0, 2] == 0 and correlation_errors(y, x)[0, 2] == 1
    np.testing.assert_allclose(norms(np.array([[3e200, 4e200], [0, 0]])), [5e200, 0])
    np.testing.assert_allclose(norms(np.array([[3e-200, 4e-200]])), [5e-200])
