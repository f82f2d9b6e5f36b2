"""What each player of a published GAN minimises, a row a kind: the values that ``check_loss`` expects.

Written with NumPy and SciPy alone, from the papers: nothing of the package's own losses is in them. The terms of
logistic losses use log_expit, log D = log σ(s): no probability is formed, so they are exact at every logit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import expit, log_expit, logsumexp

from minigan.testing.f_gan import F_ROWS, cost_of

Terms = tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]  # of each score, and its slope
PLAYERS = ("critic", "generator")


@dataclass(frozen=True)
class Kind:
    """A row; pairs are of the critic and of the generator, None where there is no critic.

    losses: what is minimised, (*what the player sees, **constants) -> a number. sees: the inputs, by their names in
    ``conventions.py``; "real" and "fake" are scores. slopes: constants -> the slope of a real, of a fake and of the
    generator's term; None: by differences. logistic: D = σ(s), so that probabilities will do. sure: the largest |s|
    tried. least: the smallest batch. guess: constants that may be a caller's, read off the values of both losses.
    """

    formulas: tuple[str, str]
    losses: tuple[Callable[..., Any] | None, Callable[..., Any]]
    sees: tuple[tuple[str, ...], tuple[str, ...]] = (("real", "fake"), ("fake",))
    constants: Mapping[str, Any] = field(default_factory=dict)
    slopes: Callable[..., tuple[Callable, Callable, Callable]] | None = None
    logistic: bool = False
    sure: float = 300.0
    least: int = 1
    guess: Callable[[Callable, Callable], dict[str, Any]] = lambda critic, generator: {}


def _by_terms(critic: str, generator: str, terms: Callable[..., tuple[Terms, Terms, Terms]], **more: Any) -> Kind:
    """L_critic = E real(s) + E fake(s̃), L_generator = E generator(s̃); terms: constants -> each with its slope."""
    def of_critic(s: np.ndarray, t: np.ndarray, **constants: Any) -> float:
        real, fake, _ = terms(**constants)
        return real[0](s).mean() + fake[0](t).mean()

    def of_generator(t: np.ndarray, **constants: Any) -> float:
        return terms(**constants)[2][0](t).mean()

    return Kind((critic, generator), (of_critic, of_generator),
                slopes=lambda **constants: tuple(term[1] for term in terms(**constants)), **more)


# Terms of one score, each with its slope
_minus_log_d: Terms = (lambda s: -log_expit(s), lambda s: -expit(-s))
_minus_log_1_d: Terms = (lambda s: -log_expit(-s), lambda s: expit(s))
_log_1_d: Terms = (lambda s: log_expit(-s), lambda s: -expit(s))
_negative: Terms = (lambda s: -s, lambda s: -np.ones_like(s))
_identity: Terms = (lambda s: s, lambda s: np.ones_like(s))


def _smoothed(alpha: float) -> Terms:
    """−(1−α) log D − α log(1 − D)."""
    def weighted(k: int) -> Callable:
        return lambda s: (1 - alpha) * _minus_log_d[k](s) + alpha * _minus_log_1_d[k](s)

    return weighted(0), weighted(1)


def _hinge(margin: float, sign: int) -> Terms:
    """max(0, m + sign · s)."""
    return lambda s: np.maximum(0, margin + sign * s), lambda s: sign * (1.0 * (margin + sign * s > 0))


def _squared(label: float) -> Terms:
    """½ (s − label)²."""
    return lambda s: 0.5 * (s - label) ** 2, lambda s: s - label


# Constants read off the values. A slope far out is the scale, and what is left over the constant
def _smoothing(critic: Callable, generator: Callable) -> dict[str, float]:
    return {"smoothing": (critic(51, 0) - critic(50, 0)) / (critic(0, 51) - critic(0, 50))}


def _margin_of_scores(critic: Callable, generator: Callable) -> dict[str, float]:
    return {"margin": 0.5 * critic(0, 0) / (critic(-2, 0) - critic(-1, 0))}


def _margin_of_energies(critic: Callable, generator: Callable) -> dict[str, float]:
    return {"margin": critic(0, 0) / (critic(1, 0) - critic(0, 0))}


def _labels(critic: Callable, generator: Callable) -> dict[str, tuple[float, ...]]:
    """Each is where a parabola has its bottom."""
    def bottom(f: Callable) -> float:
        return round(0.5 * (f(-1) - f(1)) / (f(1) - 2 * f(0) + f(-1)), 9)

    return {"labels": (bottom(lambda t: critic(0, t)), bottom(lambda s: critic(s, 0)), bottom(generator))}


# Losses that are no sum of terms of one score
def _softplus(x: np.ndarray) -> np.ndarray:
    return -log_expit(-x)


def _paired(s: np.ndarray, t: np.ndarray) -> float:
    return _softplus(t - s).mean()


def _averaged(s: np.ndarray, t: np.ndarray) -> float:
    return _softplus(t.mean() - s).mean() + _softplus(t - s.mean()).mean()


def _logistic(s: np.ndarray, t: np.ndarray, smoothing: float = 0.0) -> float:
    return _smoothed(smoothing)[0](s).mean() + _minus_log_1_d[0](t).mean()


def _pull_away(codes: np.ndarray) -> float:
    unit = codes / np.linalg.norm(codes, axis=1, keepdims=True)
    n = len(codes)
    return (((unit @ unit.T) ** 2).sum() - n) / (n * (n - 1))


def _log_z(outputs: np.ndarray) -> np.ndarray:
    return logsumexp(outputs, axis=1)


def _classifying(real: np.ndarray, fake: np.ndarray, labels: np.ndarray, smoothing: float) -> float:
    surprise = _log_z(real) - (labels * real).sum(axis=1)
    return _logistic(_log_z(real), _log_z(fake), smoothing) + surprise.mean()


def _gap(s: np.ndarray, t: np.ndarray, x: np.ndarray, y: np.ndarray, margin: float) -> np.ndarray:
    return margin * abs(x - y).sum(axis=1, keepdims=True) + s - t


def _sensitive(s: np.ndarray, t: np.ndarray, x: np.ndarray, y: np.ndarray, margin: float, lam: float) -> float:
    return s.mean() + lam * np.maximum(0, _gap(s, t, x, y, margin)).mean()


def _generalised(s: np.ndarray, t: np.ndarray, x: np.ndarray, y: np.ndarray, margin: float, slope: float) -> float:
    a = _gap(s, t, x, y, margin)
    return np.maximum(a, slope * a).mean()


def _matched(x: np.ndarray, y: np.ndarray, **constants: Any) -> float:
    return ((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum()


def _nearest(x: np.ndarray, y: np.ndarray) -> float:
    return ((x[:, None] - y[None]) ** 2).sum(axis=2).min(axis=1).mean()


_D = "−E log D(x) − E log(1 − D(x̃)), D = σ(s)"
_LOGISTIC: dict[str, Any] = {"constants": {"smoothing": 0.0}, "logistic": True, "guess": _smoothing}
_BOTH = ("real", "fake")
_PAIRS = (*_BOTH, "real_points", "fake_points")


def _f_gan(name: str, **constants: Any) -> Kind:
    """−E T(v) + E f*(T(ṽ)): a row of ``F_ROWS``."""
    def of_critic(s: np.ndarray, t: np.ndarray, **chosen: Any) -> float:
        return -F_ROWS[name].output(s, **chosen).mean() + cost_of(F_ROWS[name], t, **chosen).mean()

    def of_generator(t: np.ndarray, **chosen: Any) -> float:
        return -cost_of(F_ROWS[name], t, **chosen).mean()

    words = "f*(T(v)), f(u) = " + F_ROWS[name].formula + ", T the published activation, or with \"ratio\" f′(eᵛ)"
    return Kind((f"−E T(v(x)) + E {words}", f"−E {words}"), (of_critic, of_generator),
                constants={"activation": "usual", **constants}, sure=0.0)


KINDS: dict[str, Kind] = {
    "minimax": _by_terms(_D, "E log(1 − D(x̃))", lambda smoothing: (_smoothed(smoothing), _minus_log_1_d, _log_1_d),
                         **_LOGISTIC),
    "zero-sum": Kind(
        (_D, "−L_critic, both of its terms"), (_logistic, lambda s, t, smoothing: -_logistic(s, t, smoothing)),
        (_BOTH, _BOTH), **_LOGISTIC),
    "non-saturating": _by_terms(
        _D, "−E log D(x̃)", lambda smoothing: (_smoothed(smoothing), _minus_log_1_d, _minus_log_d), **_LOGISTIC),
    "wasserstein": _by_terms("E f(x̃) − E f(x)", "−E f(x̃)", lambda: (_negative, _identity, _negative)),
    "hinge": _by_terms(
        "E max(0, m − f(x)) + E max(0, m + f(x̃)), m the margin", "−E f(x̃)",
        lambda margin: (_hinge(margin, -1), _hinge(margin, 1), _negative),
        constants={"margin": 1.0}, guess=_margin_of_scores),
    "least-squares": _by_terms(
        "½ E (D(x) − b)² + ½ E (D(x̃) − a)², D = s, labels (a, b, c) of a fake, of a datum, and the generator's",
        "½ E (D(x̃) − c)²", lambda labels: (_squared(labels[1]), _squared(labels[0]), _squared(labels[2])),
        constants={"labels": (0.0, 1.0, 1.0)}, guess=_labels),
    "energy": _by_terms(  # EBGAN; the margin is each sample's own, inside the mean
        "E D(x) + E max(0, m − D(x̃)), D = s an energy, m the margin", "E D(x̃)",
        lambda margin: (_identity, _hinge(margin, -1), _identity),
        constants={"margin": 1.0}, guess=_margin_of_energies),
    "energy-pull-away": Kind(
        ("E D(x) + E max(0, m − D(x̃)), D = s an energy, m the margin", "E D(x̃) + w PT(codes), w the weight"),
        (lambda s, t, margin, weight: s.mean() + np.maximum(0, margin - t).mean(),
         lambda t, codes, margin, weight: t.mean() + weight * _pull_away(codes)),
        (_BOTH, ("fake", "fake_codes")), {"margin": 1.0, "weight": 0.1}, least=2),
    "began": Kind(  # its balance, k ← k + λ(γ E D(x) − E D(x̃)): check_balance
        ("E D(x) − k E D(x̃), D the autoencoder's error", "E D(x̃)"),
        (lambda s, t, k: s.mean() - k * t.mean(), lambda t: t.mean()), ((*_BOTH, "k"), ("fake",))),
    "loss-sensitive": Kind(
        ("E L(x) + λ E max(0, m Δ + L(x) − L(x̃)), Δ = ‖x − x̃‖₁, L = s", "E L(x̃)"),
        (_sensitive, lambda t, margin, lam: t.mean()), (_PAIRS, ("fake",)), {"margin": 1.0, "lam": 10.0}),
    "generalised-loss-sensitive": Kind(
        ("E max(a, ν a), a = m Δ + L(x) − L(x̃), Δ = ‖x − x̃‖₁, L = s, ν the slope", "E L(x̃)"),
        (_generalised, lambda t, margin, slope: t.mean()), (_PAIRS, ("fake",)), {"margin": 1.0, "slope": 0.5}),
    "relativistic": Kind(
        ("−E log σ(s(x) − s(x̃))", "−E log σ(s(x̃) − s(x)), of the real scores too"),
        (_paired, lambda s, t: _paired(t, s)), (_BOTH, _BOTH)),
    "relativistic-average": Kind(
        ("−E log σ(s(x) − E s(x̃)) − E log(1 − σ(s(x̃) − E s(x)))",
         "−E log σ(s(x̃) − E s(x)) − E log(1 − σ(s(x) − E s(x̃))), both of its terms"),
        (_averaged, lambda s, t: _averaged(t, s)), (_BOTH, _BOTH)),
    "semi-supervised": Kind(
        ("−E log D(x) − E log(1 − D(x̃)) − E log softmax(l(x))_y, D = Z/(Z + 1), Z = Σ exp(l_k) of the K classes",
         "−E log D(x̃)"),
        (_classifying, lambda fake, smoothing: _minus_log_d[0](_log_z(fake)).mean()),
        (("real_outputs", "fake_outputs", "labels"), ("fake_outputs",)), {"smoothing": 0.0}),
    "feature-matching": Kind(
        (_D, "‖E f(x) − E f(x̃)‖₂², f the critic's features"), (_logistic, _matched),
        (_BOTH, ("real_features", "fake_features")), **_LOGISTIC),
    "imle": Kind(("", "E_x min_j ‖x − x̃_j‖₂²"), (None, _nearest), ((), ("real_points", "fake_points"))),
    "mle": Kind(("", "−E_x log q(x)"), (None, lambda log_q: -log_q.mean()), ((), ("log_q",))),
    "reverse-kl": Kind(("", "E [log q(x̃) − log p(x̃)]"), (None, lambda log_q, log_p: (log_q - log_p).mean()),
                       ((), ("log_q", "log_p"))),
    **{f"f-{name}": _f_gan(name, **row.constants) for name, row in F_ROWS.items()},
}
