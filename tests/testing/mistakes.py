"""Small wrong versions of formulas, each a mistake found in well-known code, and the property that must catch it.

A row is (mistake, property (or several), a call of the checker). conftest.py prints
at the end what did catch it.
"""

import numpy as np
from scipy.special import expit, log_expit, rel_entr

from minigan.autodiff import Tensor, grad, mean, safe_norm, sqrt, square_norm
from minigan.gans import gradient_penalty, interpolate
from minigan.gans.losses import wasserstein_critic
from minigan.lab.toys import TOYS
from minigan.testing import (
    check_balance,
    check_conjugate,
    check_divergence,
    check_gradient_penalty,
    check_lipschitz,
    check_loss,
    check_pull_away,
    check_sampler,
    check_spectral_norm,
    check_virtual_batch_norm,
    check_weight_clipping,
    value_and_gradient_from_tensors,
)


# Divergences
def kl(p, q):
    return rel_entr(p, q).sum()


def js(p, q):
    m = 0.5 * (p + q)
    return 0.5 * kl(p, m) + 0.5 * kl(q, m)


def kl_nan_at_zeros(p, q):
    return np.sum(p * np.log(p / q))


def kl_smoothed_logs(p, q):
    return np.sum(p * np.log((p + 1e-8) / (q + 1e-8)))


def pearson_where_q_is_positive(p, q):
    p, q = p[q > 0], q[q > 0]
    return np.sum((p - q) ** 2 / q)


def of_a_ratio_that_saturates(p, q):
    """Σ q f(p/q) of f(u) = (u − 1)²/(1 + (u − 1)²), which is not convex."""
    q = np.maximum(q, 1e-100)
    return np.sum(q * (p / q - 1) ** 2 / (1 + (p / q - 1) ** 2))


def js_logs_lost(p, q):
    m = 0.5 * (p + q)
    with np.errstate(all="ignore"):
        return 0.5 * np.nansum(p * p / m) + 0.5 * np.nansum(q * q / m) - 1


DIVERGENCES = [
    ("KL with its arguments swapped", "value", lambda: check_divergence(lambda p, q: kl(q, p), "kl")),
    ("KL with its sign lost", "not negative", lambda: check_divergence(lambda p, q: -kl(p, q), "kl")),
    ("KL with 0 log 0 = nan", "not negative", lambda: check_divergence(kl_nan_at_zeros, "kl")),
    ("KL of smoothed logs, finite where it is infinite", ("value", "value at zeros"),
     lambda: check_divergence(kl_smoothed_logs, "kl")),
    ("KL averaged over the outcomes", "empty outcome", lambda: check_divergence(lambda p, q: np.mean(rel_entr(p, q)))),
    ("χ² without the outcomes where it is infinite", "value at zeros",
     lambda: check_divergence(pearson_where_q_is_positive, "pearson")),
    ("a divergence that is not 0 at P = Q", "zero at P = Q", lambda: check_divergence(lambda p, q: kl(p, q) + 1e-3)),
    ("a distance along the line, W₁", "reordering",
     lambda: check_divergence(lambda p, q: abs(np.cumsum(p - q)).sum())),
    ("the squared L₂ distance", "splitting", lambda: check_divergence(lambda p, q: ((p - q) ** 2).sum())),
    ("an f that is not convex", "data processing", lambda: check_divergence(of_a_ratio_that_saturates)),
    ("JS with its logs lost", "value", lambda: check_divergence(js_logs_lost, "js")),
    ("JS un-halved, called JS", "value", lambda: check_divergence(lambda p, q: 2 * js(p, q), "js")),
    ("JS in bits, called nats", "value", lambda: check_divergence(lambda p, q: js(p, q) / np.log(2), "js")),
    ("√JS, called JS", "value", lambda: check_divergence(lambda p, q: max(0, js(p, q)) ** 0.5, "js")),
    ("the Hellinger distance, H² without its square", "joint convexity",
     lambda: check_divergence(lambda p, q: (0.5 * ((p**0.5 - q**0.5) ** 2).sum()) ** 0.5)),
    ("L₁ called total variation", "value", lambda: check_divergence(lambda p, q: abs(p - q).sum(), "total-variation")),
]


# Conjugates
def kl_f(u):
    return u * np.log(u)


def pearson_f(u):
    return (u - 1) ** 2


def pearson_first_piece(t):
    return t + t**2 / 4


def gan_f(u):
    return u * np.log(u) - (u + 1) * np.log(u + 1)


def gan_star(t):
    return -np.log(-np.expm1(t))


CONJUGATES = [
    ("f* of KL without its −1", "equality at t = f′(u)", lambda: check_conjugate(kl_f, np.exp)),
    ("f* of KL with its sign lost", "Fenchel–Young", lambda: check_conjugate(kl_f, lambda t: -np.exp(t - 1))),
    ("f* of Pearson without its second piece", "supremum", lambda: check_conjugate(pearson_f, pearson_first_piece)),
    ("that piece hidden by a smaller domain", "whole domain",
     lambda: check_conjugate(pearson_f, pearson_first_piece, (-2, np.inf))),
    ("f* of GAN with its logs lost", "Fenchel–Young", lambda: check_conjugate(gan_f, np.expm1, (-np.inf, 0))),
    ("no activation where dom f* ends", "activation lands in dom f*",
     lambda: check_conjugate(gan_f, gan_star, (-np.inf, 0), lambda v: v)),
    ("a sigmoid outside dom f*", "activation lands in dom f*",
     lambda: check_conjugate(gan_f, gan_star, (-np.inf, 0), expit)),
    ("a decreasing activation that stops short of T*", "activation reaches T*",
     lambda: check_conjugate(kl_f, lambda t: np.exp(t - 1), activation=lambda v: -np.exp(v))),
    ("a sigmoid for every f", "activation reaches T*",
     lambda: check_conjugate(kl_f, lambda t: np.exp(t - 1), activation=expit)),
]


# Losses, of scores (n, 1)
def discriminator(s, t):
    return -log_expit(s).mean() - log_expit(-t).mean()


def non_saturating(t):
    return -log_expit(t).mean()


def wasserstein(s, t):
    return t.mean() - s.mean()


def clipped(p):
    return np.log(np.clip(p, 1e-7, 1 - 1e-7))


def clipped_discriminator(s, t):
    return -clipped(expit(s)).mean() - clipped(1 - expit(t)).mean()


def smoothed_on_both_sides(s, t):
    real = 0.9 * log_expit(s) + 0.1 * log_expit(-s)
    fake = 0.9 * log_expit(-t) + 0.1 * log_expit(t)
    return -real.mean() - fake.mean()


def of_energies(s, t):
    return s.mean() + max(0, 1 - t.mean())


def of_energies_without_a_hinge(s, t):
    return s.mean() + (1 - t).mean()


def least_squares(s, t):
    return 0.5 * ((s - 1) ** 2).mean() + 0.5 * (t**2).mean()


def least_squares_of_a_sigmoid(s, t):
    return least_squares(expit(s), expit(t))


def hinge(s, t):
    return np.maximum(0, 1 - s).mean() + np.maximum(0, 1 + t).mean()


def gradient_times_50(s, t):
    return 50 * -expit(-s) / len(s), expit(t) / len(t)


def gradient_of_clipped(s, t):
    p = expit(t)
    return -expit(-s) / len(s), np.where(p > 0.999, 0, p) / len(t)


def cosines(S):
    unit = S / np.linalg.norm(S, axis=1, keepdims=True)
    return unit @ unit.T


def pull_away_not_squared(S):
    n = len(S)
    return (cosines(S).sum() - n) / (n * (n - 1))


def pull_away_with_the_diagonal(S):
    return (cosines(S) ** 2).mean()


def pull_away_not_normalised_by_pairs(S):
    return ((cosines(S) ** 2).sum() - len(S)) / len(S) ** 2


def pull_away_of_absolute_cosines(S):
    n = len(S)
    return (abs(cosines(S)).sum() - n) / (n * (n - 1))


def minus_mean(t):
    return -t.mean()


# Losses of more than one score, each with its right half
def softplus(x):
    return np.logaddexp(0, x)


def paired(s, t):
    return softplus(t - s).mean()


def averaged(s, t):
    return softplus(t.mean() - s).mean() + softplus(t - s.mean()).mean()


def log_z(outputs):
    return np.log(np.exp(outputs).sum(axis=1))


def classifying(real, fake, labels):
    surprise = log_z(real) - (labels * real).sum(axis=1)
    return softplus(-log_z(real)).mean() + softplus(log_z(fake)).mean() + surprise.mean()


def classifying_generator(fake):
    return softplus(-log_z(fake)).mean()


def matched(x, y):
    return ((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum()


def pull_away_right(S):
    n = len(S)
    return ((cosines(S) ** 2).sum() - n) / (n * (n - 1))


def energies(s, t):
    return s.mean() + np.maximum(0, 1 - t).mean()


def gaps(s, t, x, y):
    return abs(x - y).sum(axis=1, keepdims=True) + s - t


def sensitive(s, t, x, y):
    return s.mean() + 10 * np.maximum(0, gaps(s, t, x, y)).mean()


def squared_margin(s, t, x, y):
    return s.mean() + 10 * np.maximum(0, ((x - y) ** 2).sum(axis=1, keepdims=True) + s - t).mean()


def by_large_numbers(x):
    """x, but for overflow in float32."""
    return x * 1e30 * 1e30 / 1e30 / 1e30


def of_kl(s, t):
    return -s.mean() + np.exp(t - 1).mean()


def balanced(k, real, fake, sign=1):
    return np.clip(k + sign * 1e-3 * (0.5 * real.mean() - fake.mean()), 0, 1)


KINDS_WRONG = [
    ("a discriminator's loss with its logs lost", "critic's value",
     lambda: check_loss(lambda s, t: -expit(s).mean() - (1 - expit(t)).mean(), non_saturating, "non-saturating")),
    ("a relativistic critic, and a generator that is not", "differences alone",
     lambda: check_loss(paired, non_saturating)),
    ("that pair where relativistic is claimed", "generator's value",
     lambda: check_loss(paired, lambda s, t: non_saturating(t), "relativistic")),
    ("a relativistic generator with the critic's own loss", "the generator moves",
     lambda: check_loss(paired, paired, "relativistic")),
    ("a relativistic average over one side", "critic's value",
     lambda: check_loss(lambda s, t: softplus(t.mean() - s).mean(), lambda s, t: averaged(t, s),
                        "relativistic-average")),
    ("a relativistic average generator of fakes alone", "generator's value",
     lambda: check_loss(averaged, lambda s, t: softplus(s.mean() - t).mean(), "relativistic-average")),
    ("a zero-sum generator of fakes alone", "generator's value",
     lambda: check_loss(discriminator, lambda s, t: log_expit(-t).mean(), "zero-sum")),
    ("feature matching of each sample, not of the means", "generator's value",
     lambda: check_loss(discriminator, lambda x, y: ((x - y) ** 2).sum(axis=1).mean(), "feature-matching")),
    ("feature matching that is not squared", "generator's value",
     lambda: check_loss(discriminator, lambda x, y: matched(x, y) ** 0.5, "feature-matching")),
    ("the fake class without its own 1 in Z + 1", "critic's value",
     lambda: check_loss(lambda x, y, labels: classifying(x, y, labels) - softplus(log_z(y)).mean() + log_z(y).mean(),
                        classifying_generator, "semi-supervised")),
    ("a semi-supervised head that forgets its labels", "critic's value",
     lambda: check_loss(lambda x, y, labels: softplus(-log_z(x)).mean() + softplus(log_z(y)).mean(),
                        classifying_generator, "semi-supervised")),
    ("a pull-away term added with its weight forgotten", "generator's value",
     lambda: check_loss(energies, lambda t, codes: t.mean() + pull_away_right(codes), "energy-pull-away")),
    ("BEGAN's k on the real side", "real scores up",
     lambda: check_loss(lambda s, t, k: k * s.mean() - t.mean(), np.mean, "began")),
    ("a loss-sensitive gap with real and fake exchanged", "real scores up",
     lambda: check_loss(lambda s, t, x, y: sensitive(t, s, x, y), np.mean, "loss-sensitive")),
    ("a loss-sensitive margin of the squared distance", "critic's value",
     lambda: check_loss(squared_margin, np.mean, "loss-sensitive")),
    ("the generalised gap's min for its max", "critic's value",
     lambda: check_loss(lambda s, t, x, y: np.minimum(gaps(s, t, x, y), 0.5 * gaps(s, t, x, y)).mean(), np.mean,
                        "generalised-loss-sensitive")),
    ("IMLE the other way round", "generator's value",
     lambda: check_loss(None, lambda x, y: ((y[:, None] - x) ** 2).sum(2).min(1).mean(), "imle")),
    ("a likelihood with its sign lost", "generator's value", lambda: check_loss(None, np.mean, "mle")),
    ("reverse KL without the generator's density", "generator's value",
     lambda: check_loss(None, lambda log_q, log_p: -log_p.mean(), "reverse-kl")),
    ("an f-GAN of KL without f*'s −1", "critic's value",
     lambda: check_loss(lambda s, t: -s.mean() + np.exp(t).mean(), lambda t: -np.exp(t).mean(), "f-kl")),
    ("an f-GAN whose generator has the critic's T", "generator's value",
     lambda: check_loss(of_kl, minus_mean, "f-kl")),
    ("right in float64, overflows in float32", "critic's value in float32",
     lambda: check_loss(lambda s, t: by_large_numbers(discriminator(s, t)), non_saturating, "non-saturating")),
    ("a generator that overflows in float32", "generator's value in float32",
     lambda: check_loss(discriminator, lambda t: by_large_numbers(non_saturating(t)), "non-saturating")),
    ("BEGAN's balance with its sign turned", "the next k",
     lambda: check_balance(lambda k, real, fake: balanced(k, real, fake, -1))),
    ("BEGAN's k that leaves [0, 1]", "k stays in [0, 1]",
     lambda: check_balance(lambda k, real, fake: k + 1e-3 * (0.5 * real.mean() - fake.mean()))),
]
LOSSES_WRONG = [
    ("the critic's loss with the wrong sign", "real scores up",
     lambda: check_loss(lambda s, t: s.mean() - t.mean(), minus_mean, "wasserstein")),
    ("real and fake swapped", "real scores up", lambda: check_loss(lambda s, t: discriminator(t, s), non_saturating)),
    ("fake scores left out of the critic's loss", "fake scores up",
     lambda: check_loss(lambda s, t: -log_expit(s).mean(), non_saturating)),
    ("the generator's step with the wrong sign", "the generator moves",
     lambda: check_loss(wasserstein, lambda t: t.mean(), "wasserstein")),
    ("a generator that never moves", "the generator moves", lambda: check_loss(wasserstein, lambda t: 0.0)),
    ("minimax where non-saturating is claimed", "generator's value",
     lambda: check_loss(discriminator, lambda t: log_expit(-t).mean(), "non-saturating")),
    ("sums over the batch, not means", "critic's value",
     lambda: check_loss(lambda s, t: t.sum() - s.sum(), minus_mean, "wasserstein")),
    ("logs of clipped probabilities", "critic's value where D is sure",
     lambda: check_loss(clipped_discriminator, non_saturating, "non-saturating")),
    ("a clipped loss for the generator", "generator's value where D is sure",
     lambda: check_loss(discriminator, lambda t: -clipped(expit(t)).mean(), "non-saturating")),
    ("no gradient where D is sure", "critic's gradient",
     lambda: check_loss(discriminator, non_saturating, "non-saturating",
                        critic_gradient=gradient_of_clipped)),
    ("a gradient wrong by 50×", "critic's gradient",
     lambda: check_loss(discriminator, non_saturating, critic_gradient=gradient_times_50)),
    ("the gradient of a sum for that of a mean", "generator's gradient",
     lambda: check_loss(discriminator, non_saturating, "non-saturating", generator_gradient=lambda t: -expit(-t))),
    ("a float64 scalar that promotes float32", "float32 stays float32",
     lambda: check_loss(lambda s, t: np.float64(1) * wasserstein(s, t), minus_mean, "wasserstein")),
    ("label smoothing on both sides", "fake scores up",
     lambda: check_loss(smoothed_on_both_sides, non_saturating, "non-saturating", smoothing=0.1)),
    ("a generator's label smoothed as well", "the generator moves",
     lambda: check_loss(discriminator, lambda t: -(0.9 * log_expit(t) + 0.1 * log_expit(-t)).mean(), "non-saturating")),
    ("least squares of a sigmoid", "real scores up",
     lambda: check_loss(least_squares_of_a_sigmoid, lambda t: 0.5 * ((t - 1) ** 2).mean(), "least-squares")),
    ("least squares without its ½", "critic's value",
     lambda: check_loss(lambda s, t: 2 * least_squares(s, t), lambda t: ((t - 1) ** 2).mean(), "least-squares")),
    ("the hinge for the generator too", "the generator moves",
     lambda: check_loss(hinge, lambda t: np.maximum(0, 1 - t).mean(), "hinge")),
    ("an energy that the generator raises", "the generator moves",
     lambda: check_loss(lambda s, t: s.mean() + np.maximum(0, 1 - t).mean(), minus_mean, "energy")),
    ("EBGAN's max(m − D), without the 0", "critic's value",
     lambda: check_loss(of_energies_without_a_hinge, np.mean, "energy")),
    ("EBGAN's hinge on the batch mean", "fake scores up", lambda: check_loss(of_energies, np.mean, "energy")),
    *KINDS_WRONG,
    ("pull-away not squared", "opposite rows", lambda: check_pull_away(pull_away_not_squared)),
    ("pull-away over N² pairs", "equal rows", lambda: check_pull_away(pull_away_not_normalised_by_pairs)),
    ("pull-away of |cos|", "value", lambda: check_pull_away(pull_away_of_absolute_cosines)),
    ("pull-away that counts each row with itself", "orthogonal rows",
     lambda: check_pull_away(pull_away_with_the_diagonal)),
]


# Gradient penalties: (critic, real, fake, eps) of tensors
def slopes(critic, real, fake, eps):
    x_hat = interpolate(real, fake, eps)
    return grad(critic(x_hat).sum(), x_hat)


def penalty(critic, real, fake, eps):
    return gradient_penalty(critic, interpolate(real, fake, eps))


def norm_over_the_batch(*args):
    return (safe_norm(slopes(*args).reshape(-1)) - 1.0) ** 2


def one_weight_for_the_batch(critic, real, fake, eps):
    first = eps.value[0]
    return gradient_penalty(critic, real * first + fake * (1 - first))


def detached(*args):
    return Tensor(penalty(*args).value) + 0.0 * penalty(*args)


def norm_not_safe_at_zero(*args):
    return mean((sqrt(square_norm(slopes(*args))) - 1.0) ** 2)


def of_the_mean_score(critic, real, fake, eps):
    x_hat = interpolate(real, fake, eps)
    return mean((safe_norm(grad(critic(x_hat).mean(), x_hat)) - 1.0) ** 2)


def mean_of_norms_first(*args):
    return (mean(safe_norm(slopes(*args))) - 1.0) ** 2


def squared_norm(*args):
    return mean((square_norm(slopes(*args)) - 1.0) ** 2)


def not_squared(*args):
    return mean(abs(safe_norm(slopes(*args)) - 1.0))


def at_the_real_data(critic, real, fake, eps):
    return gradient_penalty(critic, real)


def never_added(critic, real, fake, eps):
    penalty(critic, real, fake, eps)
    return wasserstein_critic(critic(real), critic(fake))


def divided_by_the_mean_norm(w, critic, real, fake, eps):
    """A gradient by hand, whose value is right."""
    x_hat = eps * real + (1 - eps) * fake
    g = critic.gradient(w, x_hat)
    r = np.linalg.norm(g, axis=1, keepdims=True)
    return ((r - 1) ** 2).mean(), critic.backward(2 * (r - 1) * g / max(r.mean(), 1e-12) / len(g), x_hat)


def drawn_once_for_the_batch(w, critic, real, fake):
    eps = np.full((len(real), 1), np.random.default_rng().random())
    return of_tensors(penalty)(w, critic, real, fake, eps)


def with_batch_norm(x):
    return ((x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)).sum(axis=1, keepdims=True)


def of_tensors(wrong):
    return value_and_gradient_from_tensors(
        lambda w, critic, real, fake, eps: wrong(lambda x: critic(w, x), real, fake, eps))


PENALTIES = [
    ("the norm over the whole batch", "value, linear critic",
     lambda: check_gradient_penalty(of_tensors(norm_over_the_batch))),
    ("one mixing weight for the batch", "value, quadratic critic",
     lambda: check_gradient_penalty(of_tensors(one_weight_for_the_batch))),
    ("a penalty detached from the parameters", "gradient, linear critic",
     lambda: check_gradient_penalty(of_tensors(detached))),
    ("a penalty never added to the loss", "value, linear critic",
     lambda: check_gradient_penalty(of_tensors(never_added), lam=10, whole_loss=True)),
    ("a nan gradient of the norm at 0", "finite at the zero critic",
     lambda: check_gradient_penalty(of_tensors(norm_not_safe_at_zero))),
    ("the gradient of the mean score", "value, linear critic",
     lambda: check_gradient_penalty(of_tensors(of_the_mean_score))),
    ("the mean of the norms before squaring", "value, quadratic critic",
     lambda: check_gradient_penalty(of_tensors(mean_of_norms_first))),
    ("a gradient by hand, divided by the mean norm", "gradient, quadratic critic",
     lambda: check_gradient_penalty(divided_by_the_mean_norm)),
    ("the squared norm", "value, linear critic", lambda: check_gradient_penalty(of_tensors(squared_norm))),
    ("the penalty not squared", "value, linear critic", lambda: check_gradient_penalty(of_tensors(not_squared))),
    ("a penalty at the data, not between", "value, quadratic critic",
     lambda: check_gradient_penalty(of_tensors(at_the_real_data))),
    ("two-sided where one-sided is claimed", "value, linear critic",
     lambda: check_gradient_penalty(of_tensors(penalty), "one-sided")),
    ("one ε drawn for the whole batch", "distribution, quadratic critic",
     lambda: check_gradient_penalty(drawn_once_for_the_batch, own_draws=True)),
    ("batch norm inside the critic", "a sample's score is its own",
     lambda: check_gradient_penalty(of_tensors(penalty), critic=with_batch_norm, examples=30)),
]


# Spectral norm, and a power iteration done right to be broken by its children
def unit(x):
    return x / np.linalg.norm(x)


def first_singular_vectors(W):
    U, _, Vt = np.linalg.svd(W)
    return np.outer(U[:, 0], Vt[0])


def spectral(W):
    return np.linalg.norm(W, 2)


def iterated(W, steps):
    v = unit(np.ones(W.shape[1]) + 0.1 * np.arange(W.shape[1]))
    for _ in range(steps):
        v = W.T @ (W @ v)
        v /= np.linalg.norm(v) + 1e-300
    return np.linalg.norm(W @ v)


def not_safe_at_zero(W):
    v = np.ones(W.shape[1]) + 0.1 * np.arange(W.shape[1])
    for _ in range(60):
        v = unit(W.T @ (W @ v))
    return np.linalg.norm(W @ v)


class Layer:
    steps = 1

    def __init__(self, W):
        rng = np.random.default_rng(1)
        self.u, self.v = unit(rng.standard_normal(W.shape[0])), unit(rng.standard_normal(W.shape[1]))

    def train(self, W):
        for _ in range(self.steps):
            self.v = unit(W.T @ self.u)
            self.u = unit(W @ self.v)
        return self.u @ W @ self.v, np.outer(self.u, self.v)

    def evaluate(self, W):
        return self.u @ W @ self.v

    def state(self):
        return self.u, self.v

    def load(self, state):
        self.u, self.v = state


class SeveralSteps(Layer):
    steps = 3


class NeverAdvanced(Layer):
    steps = 0


class AdvancedInEvaluation(Layer):
    def evaluate(self, W):
        return self.train(W)[0]


class NotNormalised(Layer):
    def train(self, W):
        self.v = unit(W.T @ self.u)
        self.u = 1.5 * unit(W @ self.v)
        return self.u @ W @ self.v, np.outer(self.u, self.v)


class NotCheckpointed(Layer):
    def load(self, state):
        pass


class HalfCheckpointed(Layer):
    def state(self):
        return Layer(np.eye(len(self.u), len(self.v))).u, self.v


class Differentiated(Layer):
    """∂/∂W of the whole step, ‖W Wᵀu‖/‖Wᵀu‖ with u the old one, by central differences."""

    def train(self, W):
        u, h = self.u, 1e-6
        steps = h * np.eye(W.size).reshape(-1, *W.shape)
        rise = [np.linalg.norm((W + e) @ unit((W + e).T @ u)) - np.linalg.norm((W - e) @ unit((W - e).T @ u))
                for e in steps]
        return super().train(W)[0], np.reshape(rise, W.shape) / (2 * h)


NORMS = [
    ("the Frobenius norm", "largest singular value", lambda: check_spectral_norm(np.linalg.norm)),
    ("\"the\" singular value: the smallest", "largest singular value",
     lambda: check_spectral_norm(lambda W: np.linalg.norm(W, -2))),
    ("σ² = λ_max(WᵀW) taken for σ", "normalises", lambda: check_spectral_norm(lambda W: spectral(W) ** 2)),
    ("an ε that small weights feel", "homogeneous",
     lambda: check_spectral_norm(lambda W: np.sqrt(spectral(W) ** 2 + 1e-8))),
    ("one power iteration taken for σ", "largest singular value",
     lambda: check_spectral_norm(lambda W: iterated(W, 1))),
    ("nan for a dead layer", "a dead layer", lambda: check_spectral_norm(not_safe_at_zero)),
    ("the gradient transposed", "gradient",
     lambda: check_spectral_norm(spectral, lambda W: first_singular_vectors(W).T)),
    ("several iterations a step", "state: once a step", lambda: check_spectral_norm(spectral, layer=SeveralSteps)),
    ("an iteration that never advances", "state: once a step",
     lambda: check_spectral_norm(spectral, layer=NeverAdvanced)),
    ("advanced in evaluation", "state: not in evaluation",
     lambda: check_spectral_norm(spectral, layer=AdvancedInEvaluation)),
    ("u, v differentiated", "state: a constant of the gradient",
     lambda: check_spectral_norm(spectral, layer=Differentiated)),
    ("a u that is no unit vector", "state: from below", lambda: check_spectral_norm(spectral, layer=NotNormalised)),
    ("u, v not checkpointed", "state: survives a checkpoint",
     lambda: check_spectral_norm(spectral, layer=NotCheckpointed)),
    ("u, v from something else in the checkpoint", "state: once a step",
     lambda: check_spectral_norm(spectral, layer=HalfCheckpointed)),
    ("virtual batch norm that drops its reference", "batch-mates do not matter",
     lambda: check_virtual_batch_norm(lambda x, reference: (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5))),
    ("virtual batch norm centred on the sum with x itself", "shift",
     lambda: check_virtual_batch_norm(lambda x, reference: x - reference.sum(axis=0))),
    ("virtual batch norm of no batch at all", "the reference matters",
     lambda: check_virtual_batch_norm(lambda x, reference: x / 2.0)),
]


# Lipschitz constants
def two_layers(seed=0):
    rng = np.random.default_rng(seed)
    A, B = rng.standard_normal((3, 8)), rng.standard_normal((8, 1))
    return (lambda x: np.maximum(x @ A, 0) @ B), A, B


def bound_of_a_layer_forgotten():
    f, _, B = two_layers()
    check_lipschitz(f, 0.25 * spectral(B), 3)


def bound_by_power_iteration():
    A = np.diag([3.0, 2.9, 0.1])
    check_lipschitz(lambda x: x @ A[:, :1], iterated(A, 1) * 0.99, 3)


STEEP = ("far pairs", "near pairs", "along the gradient")  # searches: any of them may be first

CLIPPING = [
    ("all weights scaled into a ball", ("inside", "outside"),
     lambda: check_weight_clipping(lambda w: w * min(1, 0.5 / max(np.linalg.norm(w), 1e-9)), 0.5)),
    ("negative weights clipped to 0", "inside", lambda: check_weight_clipping(lambda w: np.clip(w, 0, 0.5), 0.5)),
    ("weights halved beyond c", ("outside", "once is enough"),
     lambda: check_weight_clipping(lambda w: np.where(abs(w) > 0.5, w / 2, w), 0.5)),
]

LIPSCHITZ = [
    ("C¹ taken for Lipschitz: x² with the slope at 1", STEEP,
     lambda: check_lipschitz(lambda x: (x**2).sum(axis=1), 2, 1)),
    ("a layer left out of the bound", STEEP, bound_of_a_layer_forgotten),
    ("σ from below, by power iteration, as a certificate", STEEP, bound_by_power_iteration),
    ("a spike between the samples", STEEP,
     lambda: check_lipschitz(lambda x: np.maximum(0, 1 - 100 * abs(x).sum(axis=1)), 10, 2)),
    ("batch norm in a critic", "a point's value is its own", lambda: check_lipschitz(with_batch_norm, 1e3, 2)),
]


# Samplers
UNIT = TOYS["ring8-unit"]


def ring_of_seven(rng, n):
    """linspace(0, 2π, 8): the first and the last angle are one."""
    angles = np.linspace(0, 2 * np.pi, 8)[rng.integers(8, size=n)]
    return np.stack([np.cos(angles), np.sin(angles)], axis=1) + 0.01 * rng.standard_normal((n, 2))


def centres_of_seven():
    angles = np.linspace(0, 2 * np.pi, 8)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def ring(rng, n, sigma=0.01):
    return UNIT.modes[rng.integers(8, size=n)] + sigma * rng.standard_normal((n, 2))


def from_the_global_generator(rng, n):
    return np.random.standard_normal((n, 2))  # noqa: NPY002


def seeds_the_global_generator(rng, n):
    np.random.seed(0)  # noqa: NPY002
    return rng.standard_normal((n, 2))


def mixes_in_the_global_generator(rng, n):
    """Reproducible if nobody else draws: the global state is put back as it was."""
    state = np.random.get_state()  # noqa: NPY002
    shift = np.random.standard_normal()  # noqa: NPY002
    np.random.set_state(state)  # noqa: NPY002
    return rng.standard_normal((n, 2)) + shift


def modes(sample, centres=UNIT.modes):
    return lambda: check_sampler(sample, modes=centres, sigma=0.01)


SAMPLERS = [
    ("a ring whose first and last mode coincide", "shares of the modes", modes(ring_of_seven)),
    ("that ring measured against its own centres", "distinct modes", modes(ring_of_seven, centres_of_seven())),
    ("the variance taken for the deviation", "spread of the modes", modes(lambda rng, n: ring(rng, n, 0.01**0.5 / 5))),
    ("a density of another law", "density",
     lambda: check_sampler(ring_of_seven, density=lambda x: np.exp(UNIT.log_density(x)))),
    ("a density that is not normalised", "density",
     lambda: check_sampler(ring, density=lambda x: 2 * np.exp(UNIT.log_density(x)))),
    ("a uniform taken for its square", "distribution function",
     lambda: check_sampler(lambda rng, n: rng.random((n, 1)) ** 2, cdf=lambda x: x)),
    ("draws from the global generator", "reproducible", lambda: check_sampler(from_the_global_generator)),
    ("one stream whatever the generator", "reproducible",
     lambda: check_sampler(lambda rng, n: np.random.default_rng(0).standard_normal((n, 2)))),
    ("seeds the global generator", "no global state", lambda: check_sampler(seeds_the_global_generator)),
    ("reads the global generator", "no global state", lambda: check_sampler(mixes_in_the_global_generator)),
    ("float32 data", "shape and dtype", modes(lambda rng, n: ring(rng, n).astype("float32"))),
    ("coordinates first", "shape and dtype", modes(lambda rng, n: ring(rng, n).T)),
]

MISTAKES = {
    "divergence": DIVERGENCES, "conjugate": CONJUGATES, "loss": LOSSES_WRONG, "gradient penalty": PENALTIES,
    "norm": NORMS, "clipping": CLIPPING, "Lipschitz": LIPSCHITZ, "sampler": SAMPLERS,
}
ROWS = [(family, *row) for family, rows in MISTAKES.items() for row in rows]
