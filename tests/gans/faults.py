"""Wrong games and wrong steps, each a mistake found in well-known code or one that is easily made.

A row is (mistake, recipe whose check must reject it, players -> wrong players). ``GRADIENTS`` are told by the gradient
end to end, ``DOWNHILL`` by a player's own loss after a step, ``WAYS`` by where a player goes in the long run,
``CLIPPED`` where the critic is sure; ``CONTROLS`` are right. Wrong bookkeeping is given to test_players.py by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import log as ln
from typing import Any

import numpy as np

from minigan.autodiff import (
    Tensor,
    concat,
    exp,
    grad,
    log,
    maximum,
    mean,
    minimum,
    relu,
    safe_norm,
    sigmoid,
    softplus,
    split,
    square_norm,
    stop_gradient,
    swap,
)
from minigan.autodiff.functions import as_tensor
from minigan.gans.game import Game, packed
from minigan.gans.lipschitz import clip_weights, gradient_penalty, interpolate, perturb, zero_centered_penalty
from minigan.gans.losses import LOSSES, of_scores
from minigan.gans.losses.critic_output import Batch, CriticOutput
from minigan.gans.losses.energy import pull_away
from minigan.gans.players import Players
from minigan.gans.spectral import power_iteration
from minigan.lab.model import Model
from minigan.lab.train import Training

Make = Callable[[Players], Players]


# -- how a wrong part is put in place ---------------------------------------------------------------
def of_game(cls: type[Game], **settings: Any) -> Make:
    return lambda players: replace(players, game=replace(cls(**vars(players.game)), **settings))


def of_players(cls: type[Players]) -> Make:
    return lambda players: cls(**vars(players))


def of_loss(**changed: Any) -> Make:
    return lambda players: replace(players, game=replace(players.game, loss=replace(players.game.loss, **changed)))


def critic_of(f: Callable[[Tensor, Tensor], Tensor]) -> Make:
    return of_loss(critic=of_scores(f, f)[0])


def generator_of(f: Callable[[Tensor], Tensor]) -> Make:
    return of_loss(generator=of_scores(f, f)[1])


# -- losses -----------------------------------------------------------------------------------------
def clipped_log(d: Tensor) -> Tensor:
    return log(minimum(maximum(d, 1e-7), 1 - 1e-7))


def clipped_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    return -clipped_log(sigmoid(real)).mean() - clipped_log(1.0 - sigmoid(fake)).mean()


def discriminator(real: Tensor, fake: Tensor) -> Tensor:
    return softplus(-real).mean() + softplus(fake).mean()


def smoothed_on_both_sides(real: Tensor, fake: Tensor) -> Tensor:
    return discriminator(real, fake) + 0.1 * real.mean() - 0.1 * fake.mean()


def hinge_on_the_mean(real: Tensor, fake: Tensor) -> Tensor:
    return real.mean() + relu(1.0 - fake.mean())


def cosines(codes: Tensor) -> Tensor:
    unit = codes / safe_norm(codes, -1, keepdims=True)
    return unit @ swap(unit)


def pull_away_not_squared(real: Batch, fake: Batch) -> Tensor:
    n = fake.code.shape[-2]
    return fake.scores.mean() + 0.1 * (cosines(fake.code).sum() - n) * (1 / (n * (n - 1)))


def pull_away_of_the_outputs(real: Batch, fake: Batch) -> Tensor:
    return fake.scores.mean() + 0.1 * pull_away(fake.outputs)


def margin_on_the_mean_gap(real: Batch, fake: Batch) -> Tensor:
    apart = abs(real.points - fake.points).sum(-1, keepdims=True)
    return real.scores.mean() + 10.0 * relu((apart + real.scores - fake.scores).mean())


def features_not_squared(real: Batch, fake: Batch) -> Tensor:
    return safe_norm(real.features.mean(-2) - fake.features.mean(-2))


def features_against_a_constant(real: Batch, fake: Batch) -> Tensor:
    """The generator's own features held constant."""
    apart = real.features.mean(-2) - stop_gradient(fake.features.mean(-2))
    return (apart * apart).sum(-1)


def nearest_datum(real: Batch, fake: Batch) -> Tensor:
    """Of every sample the nearest datum: modes may be dropped."""
    apart = fake.points[:, None, :] - real.points[None, :, :]
    return -(-(apart * apart).sum(-1)).max(-1).mean()


def without_a_fake_class(real: Batch, fake: Batch) -> Tensor:
    """The surest of K logits for log Z."""
    return softplus(-real.outputs.max(-1)).mean() + softplus(fake.outputs.max(-1)).mean() + _labelled(real)


def _labelled(real: Batch) -> Tensor:
    return (real.labels * (real.scores - real.outputs)).sum() / maximum(real.labels.sum(), 1.0)


def averages_held_constant(real: Tensor, fake: Tensor) -> Tensor:
    return softplus(stop_gradient(fake.mean()) - real).mean() + softplus(fake - stop_gradient(real.mean())).mean()


def average_of_the_fakes_alone(real: Batch, fake: Batch) -> Tensor:
    """The generator's loss without its term in the data, whose average of fakes depends on θ."""
    return softplus(real.scores.mean() - fake.scores).mean()


def f_divergence(T: Callable[[Tensor], Tensor], conjugate: Callable[[Tensor], Tensor]) -> Callable:
    return lambda real, fake: conjugate(T(fake)).mean() - T(real).mean()


def T_OF_JS(v: Tensor) -> Tensor:
    return 0.5 * ln(2.0) - 0.5 * softplus(-v)


# -- games ------------------------------------------------------------------------------------------
class Detached(Game):
    """The fakes are constants: the generator never moves."""

    def fake(self, state, inputs):
        return stop_gradient(super().fake(state, inputs))


class Swapped(Game):
    def critic_loss(self, state, inputs):
        real, fake = self.batches(state, inputs)
        return self.loss.critic(fake, real)


class PenaltyNeverAdded(Game):
    def critic_loss(self, state, inputs):
        return self.loss.critic(*self.batches(state, inputs))


class WithPenalty(Game):
    """A wrong penalty, in the place of the right one."""

    def critic_loss(self, state, inputs):
        real, fake = self.batches(state, inputs)
        scores = lambda x: self.critic_output(state, x).scores  # noqa: E731
        return self.loss.critic(real, fake) + self.penalty * self.wrong(scores, real.points, fake.points, inputs)


class PenaltyDetached(WithPenalty):
    def wrong(self, critic, real, fake, inputs):
        return stop_gradient(gradient_penalty(critic, interpolate(real, fake, inputs["eps"])))


class InnerGradientDetached(WithPenalty):
    """∇f without its own graph ("create_graph" forgotten)."""

    def wrong(self, critic, real, fake, inputs):
        x_hat = interpolate(real, fake, inputs["eps"])
        slopes = stop_gradient(grad(critic(x_hat).sum(), x_hat))
        return ((safe_norm(slopes) - 1.0) ** 2).mean()


class NormOverTheBatch(WithPenalty):
    def wrong(self, critic, real, fake, inputs):
        x_hat = interpolate(real, fake, inputs["eps"])
        return (safe_norm(grad(critic(x_hat).sum(), x_hat).reshape(-1)) - 1.0) ** 2


class OneWeightForTheBatch(WithPenalty):
    def wrong(self, critic, real, fake, inputs):
        eps = as_tensor(inputs["eps"])[:1]
        return gradient_penalty(critic, eps * real + (1.0 - eps) * fake)


class AsItShouldBe(WithPenalty):
    def wrong(self, critic, real, fake, inputs):
        return gradient_penalty(critic, interpolate(real, fake, inputs["eps"]))


class GradientOfTheMean(WithPenalty):
    def wrong(self, critic, real, fake, inputs):
        x_hat = interpolate(real, fake, inputs["eps"])
        return ((safe_norm(grad(critic(x_hat).mean(), x_hat)) - 1.0) ** 2).mean()


class AtTheData(WithPenalty):
    def wrong(self, critic, real, fake, inputs):
        return gradient_penalty(critic, real)


class OnTheFakes(WithPenalty):
    def wrong(self, critic, real, fake, inputs):
        return zero_centered_penalty(critic, fake)


class OnTheData(WithPenalty):
    def wrong(self, critic, real, fake, inputs):
        return zero_centered_penalty(critic, real)


class NormNotSquared(WithPenalty):
    def wrong(self, critic, real, fake, inputs):
        return 0.5 * safe_norm(grad(critic(real).sum(), real)).mean()


class NoHalf(WithPenalty):
    def wrong(self, critic, real, fake, inputs):
        return square_norm(grad(critic(real).sum(), real)).mean()


class SlopeOfTheWhole(WithPenalty):
    """∇_x of D(x; w(x)): once w has taken a step on the data it depends on them."""

    def wrong(self, critic, real, fake, inputs):
        return 0.5 * square_norm(grad(critic(real).sum(), real)).mean()


class AVarianceForADeviation(WithPenalty):
    def wrong(self, critic, real, fake, inputs):
        centred = real - mean(real, axis=-2, keepdims=True)
        return gradient_penalty(critic, real + 0.5 * mean(centred * centred) * inputs["delta"])


class OneDirection(WithPenalty):
    """DRAGAN's δ one for the batch."""

    def wrong(self, critic, real, fake, inputs):
        delta = as_tensor(inputs["delta"])[:1] * np.ones((len(inputs["delta"]), 1))
        return gradient_penalty(critic, perturb(real, delta))


class NoiseOnTheFakesAlone(Game):
    def batches(self, state, inputs, jointly=False):
        return super().batches(state, dict(inputs) | {"noise.real": 0.0 * as_tensor(inputs["noise.real"])}, jointly)


class NoiseOnTheDataAlone(Game):
    def batches(self, state, inputs, jointly=False):
        return super().batches(state, dict(inputs) | {"noise.fake": 0.0 * as_tensor(inputs["noise.fake"])}, jointly)


class NoiseForTheCriticAlone(Game):
    def generator_loss(self, state, inputs):
        return super().generator_loss(state, {k: x for k, x in inputs.items() if k != "sigma"})


class NoiseOfVarianceSigma(Game):
    def batches(self, state, inputs, jointly=False):
        return super().batches(state, dict(inputs) | {"sigma": inputs["sigma"] ** 0.5}, jointly)


class PacksOfCopies(Game):
    """One sample many times: it lacks no variety that a pack could show."""

    def batches(self, state, inputs, jointly=False):
        real, fake = as_tensor(inputs["real"]), self.fake(state, inputs)
        looks = []
        for x in (real, fake):
            one = concat([packed(x, self.pack)[..., : x.shape[-1]]] * self.pack)
            looks.append(Batch(one, lambda one=one: self.critic_output(state, one)))
        return looks[0], looks[1]


class PacksOfDataAndFakes(Game):
    """The fake packs hold a datum each."""

    def batches(self, state, inputs, jointly=False):
        real, fake = as_tensor(inputs["real"]), self.fake(state, inputs)
        d = real.shape[-1]
        a, b = packed(real, self.pack), packed(fake, self.pack)
        mixed = concat([b[..., :d], a[..., d:]])
        return Batch(a, lambda: self.critic_output(state, a)), Batch(mixed, lambda: self.critic_output(state, mixed))


class OneBatchOfBoth(Game):
    """Data and fakes normalised, or compared, together."""

    def batches(self, state, inputs, jointly=False):
        real, fake = as_tensor(inputs["real"]), self.fake(state, inputs)
        n = (real.shape[-2],) * 2
        looks = self.critic_output(state, concat([real, fake], axis=-2))
        parts = [CriticOutput(*(split(y, sizes=n, axis=-2)[k] for y in looks)) for k in (0, 1)]
        return Batch(real, lambda: parts[0]), Batch(fake, lambda: parts[1])


class ReferenceDropped(Game):
    """Virtual batch norm by the batch at hand."""

    def critic_output(self, state, x, reference=None):
        return super().critic_output(state, x, x)


class ReferenceIsTheOthers(Game):
    """The generator's reference is drawn anew: today's noise."""

    def fake(self, state, inputs):
        return self.generator.run(state["theta"], inputs["z"], inputs["z"]).outputs


class PushedAway(Game):
    def historical_averaging(self, player, state):
        return -super().historical_averaging(player, state)


class HistoryOfTheCriticAlone(Game):
    def historical_averaging(self, player, state):
        return super().historical_averaging(player, state) if player == "w" else 0.0


class HistoryOfLengths(Game):
    """λ‖θ − θ̄‖, not squared."""

    def historical_averaging(self, player, state):
        return self.historical_weight * safe_norm(as_tensor(state[player]) - state[f"{player}.mean"])


class DividedBySigma(Game):
    """As it should be."""

    def critic_output(self, state, x, reference=None):
        w, s = state["w"], state["w.s"]
        views = self.critic.layout.views(w)
        before = [views[k] for k in self.critic.weights]
        bar = [W / self.held(sigma) for W, sigma in zip(before, _sigmas(self.critic, w, s), strict=True)]
        return _plain(self, state, x, bar)

    def held(self, sigma):
        return sigma


class SigmaHeldConstant(DividedBySigma):
    """σ no function of W: ∂σ/∂W = uvᵀ is left out."""

    def held(self, sigma):
        return stop_gradient(sigma)


class SingularVectorsDifferentiated(Game):
    """u and v iterated inside the loss, and differentiated."""

    def critic_output(self, state, x, reference=None):
        w, s = state["w"], state["w.s"]
        views, bar, start = self.critic.layout.views(w), [], 0
        for k in self.critic.weights:
            W = views[k]
            m, n = W.shape
            v = swap(W) @ as_tensor(s)[start : start + m].reshape(m, 1)
            v = v / safe_norm(v.reshape(-1))
            u = W @ v
            bar.append(W / safe_norm(u.reshape(-1)))
            start += m + n
        return _plain(self, state, x, bar)


class NotNormalisedForTheGenerator(Game):
    def generator_loss(self, state, inputs):
        return Game(**vars(self) | {"spectral_norm": 0.0}).generator_loss(state, inputs)


def _sigmas(net, w, s):
    views, start = net.layout.views(w), 0
    for k in net.weights:
        m, n = views[k].shape
        u = as_tensor(s)[start : start + m].reshape(1, m)
        yield u @ views[k] @ as_tensor(s)[start + m : start + m + n].reshape(n, 1)
        start += m + n


def _plain(game, state, x, weights):
    views = game.critic.layout.views(state["w"])
    for k, W in zip(game.critic.weights, weights, strict=True):
        views[k] = W
    views[0] = game.spectral_norm * views[0]
    w = concat([view.reshape(view.size) for view in views])
    return Game(**vars(game) | {"spectral_norm": 0.0}).critic_output(dict(state) | {"w": w}, x)


class OneOfTheEnsemble(Game):
    """Every sample from the first generator."""

    def fake(self, state, inputs):
        n = self.generator.net.size
        return self.generator.net(as_tensor(state["theta"])[..., :n], inputs["z"])


# -- steps ------------------------------------------------------------------------------------------
class UnrollDetached(Players):
    def unrolled(self, state, inputs):
        return state | {"w": stop_gradient(super().unrolled(state, inputs)["w"])}


class UnrolledFromAnotherCritic(Players):
    """From the critic of long ago."""

    def unrolled(self, state, inputs):
        return super().unrolled(state | {"w": 0.5 * state["w"]}, inputs)


class UnrolledWithoutItsMoments(Players):
    """Adam begun anew for the steps ahead."""

    def unrolled(self, state, inputs):
        slots = {name: 0.0 * x for name, x in state.items() if name in ("w.m", "w.v")}
        return super().unrolled(state | slots, inputs)


class UnrolledByTheGenerator(Players):
    """The steps ahead lower the generator's loss."""

    def unrolled(self, state, inputs):
        for _ in range(self.unroll):
            state = state | self.move("w", self.game.generator_loss(state, inputs), state, inputs)
        return state


class CriticLeftAhead(Players):
    """After its look ahead the generator leaves the critic there."""

    def generator_step(self, state, inputs):
        new, report = super().generator_step(state, inputs)
        return new | {"w": self.unrolled(state, inputs)["w"]}, report


class PullDetached(Players):
    def consensus_term(self, state, inputs):
        return stop_gradient(super().consensus_term(state, inputs))


class Pushed(Players):
    """v ← v + γ∇½‖v‖²."""

    def consensus_term(self, state, inputs):
        return -super().consensus_term(state, inputs)


class OwnVelocityAlone(Players):
    """Each pulled by the critic's velocity only."""

    def consensus_term(self, state, inputs):
        return 0.5 * self.consensus_weight * square_norm(grad(self.game.critic_loss(state, inputs).sum(), state["w"]))


class FromAStepAhead(Players):
    """Extra-gradient's second step from where the first has led."""

    def joint_step(self, state, inputs):
        plain = replace(Players(**vars(self)), update="simultaneous")
        first = plain.joint_step(state, inputs)[0]
        return plain.joint_step(state | first, inputs)


class NoStepAhead(Players):
    """Extra-gradient that is simultaneous descent."""

    def joint_step(self, state, inputs):
        return replace(Players(**vars(self)), update="simultaneous").joint_step(state, inputs)


class OneAheadOfTheOther(Players):
    """Simultaneous steps in which the generator already sees the new critic."""

    def joint_step(self, state, inputs):
        first = self.critic_step(state, inputs)[0]
        return first | self.generator_step(state | first, inputs)[0], {}


class AdvancedTwice(Players):
    def power_step(self, state):
        once = super().power_step(state)
        return super().power_step(state | once)


class NeverAdvanced(Players):
    def power_step(self, state):
        return {}


class AdvancedByTheGenerator(Players):
    def generator_step(self, state, inputs):
        advanced = self.power_step(state)
        new, report = super().generator_step(state | advanced, inputs)
        return new | advanced, report


class MeanOfNewAndOld(Players):
    """θ̄ ← (θ̄ + θ)/2."""

    def running_means(self, player, state, new, inputs):
        means = super().running_means(player, state, new, inputs)
        if f"{player}.mean" in means:
            means[f"{player}.mean"] = 0.5 * (as_tensor(state[f"{player}.mean"]) + new[player])
        return means


class AverageTurnedRound(Players):
    """β and 1 − β exchanged."""

    def running_means(self, player, state, new, inputs):
        return replace(Players(**vars(self)), ema=1.0 - self.ema).running_means(player, state, new, inputs)


class AverageOfTheOld(Players):
    """The average takes in θ before the step."""

    def running_means(self, player, state, new, inputs):
        return super().running_means(player, state, new | {player: state[player]}, inputs)


class ClippedBefore(Players):
    """w ← optimiser(clip(w))."""

    def move(self, player, loss, state, inputs):
        start = state | {player: clip_weights(state[player], self.clip)} if player == "w" else state
        return replace(Players(**vars(self)), clip=0.0).move(player, loss, start, inputs, at=state)


class GradientClipped(Players):
    """The gradient is clipped, not the weights."""

    def move(self, player, loss, state, inputs):
        new = replace(Players(**vars(self)), clip=0.0).move(player, loss, state, inputs)
        return new | {player: state[player] + clip_weights(new[player] - state[player], self.clip)}


class AdvancedInEvaluation(Model):
    def critic(self, x):
        self.state["w.s"][...] = power_iteration(self.game.critic, self.w, self.state["w.s"]).value
        return Model.critic(self, x)


class NotCheckpointed(Training):
    """u and v stay what they were when the run was made."""

    def restore(self, checkpoint):
        super().restore(checkpoint | {"state.w.s": self.state["w.s"].copy()})


class FiftyTimesTooFar(Players):
    """x ← x − 50 η∇."""

    def move(self, player, loss, state, inputs, *rest, **more):
        return super().move(player, loss, state, dict(inputs) | {f"eta.{player}": 50.0 * inputs[f"eta.{player}"]},
                            *rest, **more)


class Uphill(Players):
    def move(self, player, loss, state, inputs, *rest, **more):
        return super().move(player, -loss, state, inputs, *rest, **more)


class Promoted(Game):
    """A float64 array for a Python number."""

    def critic_loss(self, state, inputs):
        return super().critic_loss(state, inputs) * np.ones(())

    def generator_loss(self, state, inputs):
        return super().generator_loss(state, inputs) * np.ones(())


Row = tuple[str, str, Make]
GRADIENTS: list[Row] = [
    ("the critic's loss with the wrong sign", "wgan", critic_of(lambda real, fake: real.mean() - fake.mean())),
    ("the generator's loss with the wrong sign", "wgan", generator_of(lambda fake: fake.mean())),
    ("a generator that never moves", "gan", of_game(Detached)),
    ("a generator whose loss is of the data", "gan",
     of_loss(generator=lambda real, fake: softplus(real.scores).mean())),
    ("a step 50 times too long", "gan", of_players(FiftyTimesTooFar)),
    ("steps uphill", "gan", of_players(Uphill)),
    ("real and fake swapped", "gan", of_game(Swapped)),
    ("minimax where non-saturating is meant", "gan", generator_of(lambda fake: -softplus(fake).mean())),
    ("label smoothing on both sides", "label-smoothing", critic_of(smoothed_on_both_sides)),
    ("LSGAN's generator pulled to the label of a fake", "lsgan", generator_of(lambda fake: 0.5 * (fake**2).mean())),
    ("the hinge loss on the batch mean", "hinge",
     critic_of(lambda real, fake: relu(1.0 - real.mean()) + relu(1.0 + fake.mean()))),
    ("EBGAN's hinge on the batch mean", "ebgan", critic_of(hinge_on_the_mean)),
    ("EBGAN without its hinge", "ebgan", critic_of(lambda real, fake: real.mean() - fake.mean())),
    ("pull-away not squared", "ebgan-pt", of_loss(generator=pull_away_not_squared)),
    ("pull-away of the reconstruction, not of the code", "ebgan-pt", of_loss(generator=pull_away_of_the_outputs)),
    ("the loss-sensitive margin on the mean gap", "ls-gan", of_loss(critic=margin_on_the_mean_gap)),
    ("a relativistic average held constant", "relativistic-average", critic_of(averages_held_constant)),
    ("a relativistic generator without the data", "relativistic-average",
     of_loss(generator=average_of_the_fakes_alone)),
    ("K classes without a fake one", "semi-supervised", of_loss(critic=without_a_fake_class)),
    ("labels that are not used", "semi-supervised",
     critic_of(discriminator)),
    ("features matched without their square", "feature-matching", of_loss(generator=features_not_squared)),
    ("features of the fakes held constant", "feature-matching", of_loss(generator=features_against_a_constant)),
    ("IMLE the wrong way round", "imle", of_loss(generator=nearest_datum)),
    ("reverse KL for forward", "mle", of_loss(generator=LOSSES["reverse-kl"].generator)),
    ("forward KL for reverse", "reverse-kl", of_loss(generator=LOSSES["mle"].generator)),
    ("a sample's score held constant in reverse KL", "reverse-kl", of_loss(generator=lambda real, fake: (
        fake.log_q(stop_gradient(fake.points)) - fake.log_p(stop_gradient(fake.points))).mean())),
    ("f* of KL without its −1", "fgan-kl", critic_of(f_divergence(lambda v: v, exp))),
    ("a sigmoid for every f", "fgan-kl", critic_of(f_divergence(sigmoid, lambda t: exp(t - 1.0)))),
    ("a sigmoid for every f, of Pearson", "fgan-pearson", critic_of(f_divergence(sigmoid, lambda t: t + t * t * 0.25))),
    ("JS with its logs lost", "fgan-js", critic_of(f_divergence(T_OF_JS, lambda t: -0.5 * (2.0 - exp(2.0 * t))))),
    ("T outside dom f*, cut off there", "fgan-neyman", critic_of(f_divergence(
        lambda v: v, lambda t: 2.0 - 2.0 * maximum(1.0 - t, 1e-7) ** 0.5))),

    ("the gradient penalty never reaches the loss", "wgan-gp", of_game(PenaltyNeverAdded)),
    ("the gradient penalty detached", "wgan-gp", of_game(PenaltyDetached)),
    ("the inner gradient detached", "wgan-gp", of_game(InnerGradientDetached)),
    ("the penalty's norm over the whole batch", "wgan-gp", of_game(NormOverTheBatch)),
    ("one mixing weight for the batch", "wgan-gp", of_game(OneWeightForTheBatch)),
    ("the gradient of the mean score", "wgan-gp", of_game(GradientOfTheMean)),
    ("the penalty at the data, not between", "wgan-gp", of_game(AtTheData)),
    ("two-sided where one-sided is meant", "wgan-lp", of_game(AsItShouldBe)),
    ("R1 on the fakes", "r1", of_game(OnTheFakes)),
    ("R2 on the data", "r2", of_game(OnTheData)),
    ("R1's norm not squared", "r1", of_game(NormNotSquared)),
    ("R1 without its half", "r1", of_game(NoHalf)),
    ("DRAGAN at the data", "dragan", of_game(AtTheData)),
    ("DRAGAN by the variance", "dragan", of_game(AVarianceForADeviation)),
    ("DRAGAN in one direction for the batch", "dragan", of_game(OneDirection)),
    ("instance noise on the fakes alone", "instance-noise", of_game(NoiseOnTheFakesAlone)),
    ("instance noise on the data alone", "instance-noise", of_game(NoiseOnTheDataAlone)),
    ("instance noise for the critic alone", "instance-noise", of_game(NoiseForTheCriticAlone)),
    ("instance noise of variance sigma", "instance-noise", of_game(NoiseOfVarianceSigma)),
    ("packs of copies", "packing", of_game(PacksOfCopies)),
    ("packs that mix data and fakes", "packing", of_game(PacksOfDataAndFakes)),
    ("data and fakes normalised together", "batch-norm", of_game(OneBatchOfBoth)),
    ("data and fakes compared together", "minibatch", of_game(OneBatchOfBoth)),
    ("virtual batch norm that drops its reference", "virtual-batch-norm", of_game(ReferenceDropped)),
    ("a reference drawn anew", "virtual-batch-norm", of_game(ReferenceIsTheOthers)),
    ("pushed away from the past", "historical", of_game(PushedAway)),
    ("a past for the critic alone", "historical", of_game(HistoryOfTheCriticAlone)),
    ("historical averaging without its square", "historical", of_game(HistoryOfLengths)),
    ("u, v differentiated", "sn-gan", of_game(SingularVectorsDifferentiated)),
    ("σ held constant", "sn-gan", of_game(SigmaHeldConstant)),
    ("spectral norm for the critic's step alone", "sn-wgan", of_game(NotNormalisedForTheGenerator)),
    ("u, v advanced twice a step", "sn-gan", of_players(AdvancedTwice)),
    ("u, v never advanced", "sn-gan", of_players(NeverAdvanced)),
    ("u, v advanced by the generator", "sn-gan", of_players(AdvancedByTheGenerator)),
    ("an ensemble of one", "ensemble", of_game(OneOfTheEnsemble)),
    ("unrolled steps detached", "unrolled", of_players(UnrollDetached)),
    ("unrolled from another critic", "unrolled", of_players(UnrolledFromAnotherCritic)),
    ("unrolled a step too few", "unrolled", lambda players: replace(players, unroll=players.unroll - 1)),
    ("unrolled down the generator's loss", "unrolled", of_players(UnrolledByTheGenerator)),
    ("a slope along the critic's own steps", "unrolled", of_game(SlopeOfTheWhole)),
    ("a slope along the critic's own steps", "extragradient", of_game(SlopeOfTheWhole)),
    ("consensus without its second derivative", "consensus", of_players(PullDetached)),
    ("consensus with the wrong sign", "consensus", of_players(Pushed)),
    ("consensus of one velocity", "consensus", of_players(OwnVelocityAlone)),
    ("extra-gradient from a step ahead", "extragradient", of_players(FromAStepAhead)),
    ("extra-gradient without a step ahead", "extragradient", of_players(NoStepAhead)),
    ("one player ahead of the other", "optimistic", of_players(OneAheadOfTheOther)),
]
# where the recipe alone does not show the mistake
WITH: dict[str, dict[str, Any]] = {
    "data and fakes normalised together": {"critic_norm": "batch", "penalty_kind": "none"},
    "a slope along the critic's own steps": {"penalty_kind": "r1", "penalty": 1.0},
}
DOWNHILL: list[Row] = [row for row in GRADIENTS if row[0] in (
    "the critic's loss with the wrong sign", "the generator's loss with the wrong sign", "a generator that never moves",
    "steps uphill",
)]
WAYS: list[Row] = [row for row in GRADIENTS if row[0] in (
    "the critic's loss with the wrong sign", "the generator's loss with the wrong sign", "a generator that never moves",
    "a generator whose loss is of the data", "real and fake swapped", "steps uphill",
    "LSGAN's generator pulled to the label of a fake",
)]
CONTROLS: list[tuple[str, Make]] = [
    ("wgan-gp", of_game(AsItShouldBe)), ("sn-gan", of_game(DividedBySigma)), ("gan", of_players(Players)),
    ("label-smoothing", critic_of(lambda real, fake: discriminator(real, fake) + 0.1 * real.mean())),
    ("fgan-kl", critic_of(f_divergence(lambda v: v, lambda t: exp(t - 1.0)))),
    ("fgan-js", critic_of(f_divergence(T_OF_JS, lambda t: -0.5 * log(2.0 - exp(2.0 * t))))),
    ("fgan-neyman", critic_of(f_divergence(lambda v: 1.0 - exp(-v), lambda t: 2.0 - 2.0 * (1.0 - t) ** 0.5))),
]
CLIPPED: list[tuple[str, Make]] = [
    ("gan", critic_of(clipped_discriminator)),
    ("gan", generator_of(lambda fake: -clipped_log(sigmoid(fake)).mean())),
    ("gan-minimax", generator_of(lambda fake: clipped_log(1.0 - sigmoid(fake)).mean())),
]
