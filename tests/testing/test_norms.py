"""Spectral norms of convolutions, in both senses of the word; batch norms, and what remembers its past."""

from functools import partial

import numpy as np
import pytest
from scipy.signal import correlate2d

from minigan.autodiff import Tensor
from minigan.nets import batch_norm, layer_norm, minibatch_features, virtual_batch_norm
from minigan.testing import (
    PropertyError,
    check_batch_norm,
    check_historical_averaging,
    check_minibatch_discrimination,
    check_moving_average,
    check_spectral_norm,
    check_virtual_batch_norm,
    from_tensors,
)
from minigan.testing.norms import _largest
from tests.selection import slow_but
from tests.testing.mistakes import Layer, first_singular_vectors, spectral


def broken(check, *args, **settings):
    """The names of the properties that fail, and all that was said."""
    with pytest.raises(PropertyError) as error:
        check(*args, examples=20, **settings)
    return [finding.property for finding in error.value.findings], str(error.value)


# Spectral norm
def reshaped(K):
    return K.reshape(len(K), -1)


class KernelLayer(Layer):
    """Miyato et al.'s: power iteration on the reshaped kernel."""

    def __init__(self, K):
        super().__init__(reshaped(K))

    def train(self, K):
        sigma, slope = super().train(reshaped(K))
        return sigma, slope.reshape(K.shape)

    def evaluate(self, K):
        return super().evaluate(reshaped(K))


def by_fourier(K, size=4, axes=(2, 3)):
    return np.linalg.svd(np.moveaxis(np.fft.fft2(K, (size, size), axes), axes, (0, 1)), compute_uv=False).max()


def test_the_transform_has_the_norm_of_the_convolution_itself() -> None:
    """Each entry of the matrix of the map, by convolving the images that are 1 at one pixel."""
    K = np.random.default_rng(0).standard_normal((3, 2, 2, 2))
    columns = []
    for image in np.eye(2 * 16).reshape(-1, 2, 4, 4):
        wrapped = np.pad(image, ((0, 0), (0, 1), (0, 1)), mode="wrap")
        columns.append([sum(correlate2d(x, k, mode="valid") for x, k in zip(wrapped, row, strict=True)) for row in K])
    matrix = np.reshape(columns, (32, 48))
    assert _largest(K, 4) == pytest.approx(np.linalg.norm(matrix, 2), rel=1e-10)


@pytest.mark.slow("what keeps a state, wrongly, before the checkers")
def test_right_norms_of_kernels() -> None:
    names = check_spectral_norm(lambda K: spectral(reshaped(K)),
                                lambda K: first_singular_vectors(reshaped(K)).reshape(K.shape), KernelLayer,
                                operator="kernel", examples=20)
    assert len(names) == 10
    check_spectral_norm(lambda K: spectral(K.reshape(-1, K.shape[-1])), operator="kernel", layout="HWIO", examples=20)


@pytest.mark.slow("what keeps a state, before the checkers")
def test_right_norms_of_convolutions() -> None:
    check_spectral_norm(by_fourier, operator="convolution", examples=20)
    check_spectral_norm(lambda K: by_fourier(K, 6), operator="convolution", size=6, examples=20)
    check_spectral_norm(partial(by_fourier, axes=(0, 1)), operator="convolution", layout="HWIO", examples=20)


@pytest.mark.parametrize(("sigma", "operator", "words"), [
    (lambda K: spectral(reshaped(K)), "convolution", "operator='kernel'"),
    (by_fourier, "kernel", "operator='convolution'"),
    (lambda K: spectral(K.reshape(-1, K.shape[-1])), "kernel", "layout='HWIO'"),
    (lambda K: spectral(K.sum(axis=(2, 3))), "convolution", "expected"),  # at one frequency alone
    (lambda K: max(spectral(K[:, :, i, j]) for i in range(2) for j in range(2)), "kernel", "expected"),
])
def test_norms_of_another_operator(sigma, operator, words) -> None:
    names, text = broken(check_spectral_norm, sigma, operator=operator)
    assert "largest singular value" in names and words in text


@pytest.mark.parametrize("operator", ["kernel", "convolution"])
def test_no_hint_holds_of_one_kernel_alone(operator) -> None:
    """Reshaped to (in, ·) it is no operator's; of one input and one output it is each one's."""
    _, text = broken(check_spectral_norm, lambda K: spectral(K.reshape(K.shape[1], -1)), operator=operator)
    assert "it is so with" not in text


# Batch norms
class RunningBatchNorm:
    """Right, as PyTorch's, to be broken by its children."""

    rate, ddof, shared = 0.1, 1, None

    def __init__(self, d):
        self.mean, self.variance = np.zeros(d), np.ones(d)

    def train(self, x):
        self.mean = (1 - self.rate) * self.mean + self.rate * x.mean(axis=0)
        self.variance = (1 - self.rate) * self.variance + self.rate * x.var(axis=0, ddof=self.ddof)
        return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)

    def evaluate(self, x):
        return (x - self.mean) / np.sqrt(self.variance + 1e-5)

    def statistics(self):
        return self.mean, self.variance


class OurBatchNorm(RunningBatchNorm):
    """Without running statistics: an evaluation is by a reference batch, here the last one that was trained on."""

    def train(self, x):
        self.reference = x
        return batch_norm(x).value

    def evaluate(self, x):
        return batch_norm(x, self.reference).value

    def statistics(self):
        return self.reference.mean(axis=0), self.reference.var(axis=0)


class EvaluatesByTheBatch(RunningBatchNorm):
    def evaluate(self, x):
        return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)


class MovesInEvaluation(RunningBatchNorm):
    def evaluate(self, x):
        y = super().evaluate(x)
        self.train(x)
        return y


class TrainsByTheRunning(RunningBatchNorm):
    def train(self, x):
        super().train(x)
        return self.evaluate(x)


class OfTheSample(RunningBatchNorm):
    def train(self, x):
        super().train(x)
        return layer_norm(x).value


class SharedStatistics(RunningBatchNorm):
    mean, variance = np.zeros(2), np.ones(2)

    def __init__(self, d):
        pass

    def train(self, x):
        type(self).mean = 0.9 * self.mean + 0.1 * x.mean(axis=0)
        type(self).variance = 0.9 * self.variance + 0.1 * x.var(axis=0, ddof=1)
        return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)


@pytest.mark.slow("what keeps a state, before the checkers")
def test_right_batch_norms() -> None:
    assert len(check_batch_norm(RunningBatchNorm, examples=20)) == 5
    keras = type("Keras", (RunningBatchNorm,), {"rate": 0.01, "ddof": 0})
    check_batch_norm(keras, rate=0.01, running="biased", examples=20)
    check_batch_norm(OurBatchNorm, rate=1.0, running="biased", examples=20)


@pytest.mark.slow("what keeps a state, wrongly, before the checkers")
@pytest.mark.parametrize(("layer", "words"), [
    (type("Rate", (RunningBatchNorm,), {"rate": 0.9}), "rate=0.9"),
    (type("Ddof", (RunningBatchNorm,), {"ddof": 0}), "running='biased'"),
])
def test_a_batch_norms_convention_is_named(layer, words) -> None:
    names, text = broken(check_batch_norm, layer)
    assert names == ["running statistics"] and words in text


@pytest.mark.slow("what keeps a state, wrongly, before the checkers")
@pytest.mark.parametrize(("layer", "property"), [
    (EvaluatesByTheBatch, "evaluation: of the running statistics"), (MovesInEvaluation, "evaluation: moves nothing"),
    (TrainsByTheRunning, "training: of its own batch"), (OfTheSample, "training: of its own batch"),
    (SharedStatistics, "state: its own"),
])
def test_wrong_batch_norms(layer, property) -> None:
    assert property in broken(check_batch_norm, layer)[0]


class VirtualBatchNorm:
    """Keeps its reference."""

    def __init__(self, reference):
        self.reference = reference

    def __call__(self, x):
        return virtual_batch_norm(x, self.reference).value


class LosesItsReference(VirtualBatchNorm):
    """At the second use it is normalised by the batch that it was last given."""

    def __call__(self, x):
        y = super().__call__(x)
        self.reference = np.concatenate([x, x + 1.0])
        return y


class OneReferenceForAll(VirtualBatchNorm):
    def __init__(self, reference):
        OneReferenceForAll.reference = reference


def test_virtual_batch_norm_keeps_its_reference() -> None:
    ours = from_tensors(virtual_batch_norm)
    assert len(check_virtual_batch_norm(ours, VirtualBatchNorm, examples=20)) == 5
    check_virtual_batch_norm(lambda x, reference: LosesItsReference(reference)(x), examples=20)  # made anew: not seen
    assert broken(check_virtual_batch_norm, ours, LosesItsReference)[0] == ["state: used again"]
    assert broken(check_virtual_batch_norm, layer=OneReferenceForAll)[0] == ["state: its own"]
    with pytest.raises(ValueError, match="layer"):
        check_virtual_batch_norm()


# Minibatch discrimination
def features(M, norm=1, itself=False, reduce=np.sum, over=-1):
    """Right as it stands."""
    d = (np.abs(M[:, None] - M[None]) ** norm).sum(axis=over) ** (1 / norm)
    return reduce(np.exp(-d), axis=1) - (not itself)


@pytest.mark.slow("what keeps a state, before the checkers")
def test_minibatch_discrimination() -> None:
    check_minibatch_discrimination(from_tensors(minibatch_features))
    check_minibatch_discrimination(partial(features, itself=True), includes_self=True)
    check_minibatch_discrimination(partial(features, itself=True, reduce=np.mean), includes_self=True, reduction="mean")
    text = broken(check_minibatch_discrimination, partial(features, itself=True))[1]
    assert "includes_self=True, reduction='sum'" in text


@pytest.mark.slow("what keeps a state, wrongly, before the checkers")
@pytest.mark.parametrize("wrong", [
    partial(features, norm=2), partial(features, over=-2), lambda M: features(-M[::-1]),
    lambda M: np.exp(-np.abs(M[:, None] - M[None]).sum(axis=1)).sum(axis=-1), lambda M: features(2 * M),
])
def test_wrong_minibatch_discrimination(wrong) -> None:
    assert "value" in broken(check_minibatch_discrimination, wrong)[0]


# What remembers its past
def average(beta=0.9, start="first", t=0, **fault):
    """A class that makes moving averages, right but for the fault."""
    class Average:
        def __init__(self, theta):
            self.mean, self.t = theta if start == "first" else 0.0 * theta, t

        def __call__(self, theta):
            self.t += 1
            if fault.get("in_place"):
                self.mean += (1 - beta) * (theta - self.mean)
                return self.mean
            rate = 1 - beta if beta is not None else 1 / (self.t + 1)
            self.mean = self.mean + rate * (theta - self.mean)
            return self.mean / (1 - beta**self.t) if start == "corrected" else self.mean

    return Average


def alias(theta):
    """"The average" is the parameters themselves."""
    return lambda theta: theta


@pytest.mark.parametrize("start", slow_but(["zero"], ["first", "zero", "corrected"], "moving averages"))
def test_right_moving_averages(start) -> None:
    check_moving_average(average(0.9, start), 0.9, start=start, examples=20)
    check_moving_average(average(None), examples=20)


@pytest.mark.slow("what keeps a state, wrongly, before the checkers")
@pytest.mark.parametrize(("make", "words"), [
    (average(0.9, "zero"), "start='zero'"), (average(0.1), "beta=0.1"), (average(None), "beta=None"),
    (alias, "expected"), (average(None, t=1), "expected"),
])
def test_other_moving_averages(make, words) -> None:
    names, text = broken(check_moving_average, make, 0.9)
    assert "value" in names and words in text


class KeepsTheArray:
    """The mean of a list of the arrays themselves, which the optimiser writes into."""

    def __init__(self, theta):
        self.past = [theta]

    def __call__(self, theta):
        self.past.append(theta)
        return np.mean(self.past, axis=0)


def test_an_average_of_arrays_that_change_later() -> None:
    assert broken(check_moving_average, KeepsTheArray)[0] == ["the parameters are copied"]


class History:
    """lam, and whether θ is in the mean already."""

    lam, now = 1.0, True

    def __init__(self, theta):
        self.past = []

    def __call__(self, theta):
        before = self.past or [theta]
        self.past = [*self.past, theta]
        return self.lam * ((theta - np.mean(self.past if self.now else before, axis=0)) ** 2).sum()


class OneHistory(History):
    kept: tuple = ()

    def __init__(self, theta):
        pass

    @property
    def past(self):
        return list(OneHistory.kept)

    @past.setter
    def past(self, thetas):
        OneHistory.kept = tuple(thetas[-9:])


class OurHistory:
    """As ``Players.running_means`` has it: θ̄ ← θ̄ + (θ − θ̄)/(t + 1)."""

    def __init__(self, theta):
        self.mean, self.t = theta, -1

    def __call__(self, theta):
        self.t += 1
        self.mean = self.mean + (theta - self.mean) / (self.t + 1.0)
        return float((Tensor(theta - self.mean) ** 2.0).sum().value)


@pytest.mark.slow("what keeps a state, before the checkers")
def test_historical_averaging() -> None:
    check_historical_averaging(History)
    check_historical_averaging(OurHistory)
    check_historical_averaging(type("Before", (History,), {"now": False}), includes_now=False)
    check_historical_averaging(type("Tenth", (History,), {"lam": 0.1}), lam=0.1)
    assert "includes_now=False" in broken(check_historical_averaging, type("Before", (History,), {"now": False}))[1]
    assert "lam=0.5" in broken(check_historical_averaging, type("Half", (History,), {"lam": 0.5}))[1]
    assert "state: its own" in broken(check_historical_averaging, OneHistory)[0]
    assert "value" in broken(check_historical_averaging, lambda theta: lambda later: ((later - theta) ** 2).sum())[0]
