"""Two networks and a loss: what the critic and what the generator minimises, as graphs.

A game reads its ``state`` (parameters, and what is not a parameter) and its ``inputs`` (draws) by name:

    theta (..., size)            G's parameters θ             real (..., pack·batch, d)    data x
    w (..., size)                the critic's parameters w    z (..., pack·batch, k)       noise of G
    w.s                          u, v of spectral norm        eps (..., batch, 1)          points on segments
    theta.mean, w.mean           θ̄, w̄ of the past             delta (..., batch, pack·d)   DRAGAN's neighbourhood
    theta.reference (..., m, k)  a fixed batch of noise       noise.real, noise.fake       instance noise, and its
    w.reference (..., m, pack·d) a fixed batch of data        sigma ()                     standard deviation now
                                                              labels (..., batch, K)       one-hot; 0: no label

and asks only for those that it needs. No ``detach`` is needed anywhere: ``grad`` follows only the paths to
what it is asked for, so the critic's gradient never enters the generator, though both are in one graph.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from minigan.autodiff import Tensor, square_norm
from minigan.autodiff.functions import as_tensor
from minigan.gans.lipschitz import PENALTIES
from minigan.gans.losses import Loss
from minigan.gans.losses.critic_output import Batch, CriticOutput, in_one_pass
from minigan.gans.spectral import spectral_normalize

Arrays = Mapping[str, Any]  # tensors or arrays by name


@dataclass(frozen=True, kw_only=True)
class Game:
    """G(z; θ) against D(x; w). The settings after the networks are stabilisers; as they stand, they do nothing."""

    loss: Loss
    generator: Any  # a network of nets/: run(θ, z, reference) -> (outputs, hidden)
    critic: Any
    penalty_kind: str = "none"  # a row of PENALTIES
    penalty: float = 0.0  # its weight λ (or γ)
    spectral_norm: float = 0.0  # K: the critic is a net of weights W/σ(W) on K x, hence K-Lipschitz; 0: as it is
    pack: int = 1  # the critic judges packs of so many samples
    historical_weight: float = 0.0  # λ of ‖θ − θ̄‖²
    target: Callable[[Tensor], Tensor] | None = None  # log p of the data, where it is known

    # -- what the critic sees ------------------------------------------------------------------
    def fake(self, state: Arrays, inputs: Arrays) -> Tensor:
        """G(z), (..., pack·batch, d)."""
        reference = self._reference_batch(self.generator, "theta", state)
        return self.generator.run(state["theta"], inputs["z"], reference).outputs

    def critic_output(self, state: Arrays, x: Any, reference: Any = None) -> CriticOutput:
        """What the critic makes of points x (..., batch, pack·d). reference: a batch to see them in, not their own."""
        x, w = as_tensor(x), state["w"]
        reference = self._reference_batch(self.critic, "w", state) if reference is None else reference
        seen = x
        if self.spectral_norm:  # K x and not K f(x), for an f that bends: on small x a tanh is a straight line
            w, seen = spectral_normalize(self.critic, w, state["w.s"]), self.spectral_norm * x
            reference = None if reference is None else self.spectral_norm * as_tensor(reference)
        outputs, hidden = self.critic.run(w, seen, reference)
        last, code = (hidden[-1], min(hidden, key=lambda h: h.shape[-1])) if hidden else (x, x)
        return CriticOutput(self.loss.head.score(outputs, x), outputs, last, code)

    def batches(self, state: Arrays, inputs: Arrays, jointly: bool = False) -> tuple[Batch, Batch]:
        """The real and the fake batch, noisy and packed as the critic sees them; jointly: both in one pass."""
        real, fake = as_tensor(inputs["real"]), self.fake(state, inputs)
        if "sigma" in inputs:  # instance noise
            real = real + inputs["sigma"] * as_tensor(inputs["noise.real"])
            fake = fake + inputs["sigma"] * as_tensor(inputs["noise.fake"])
        real, fake = packed(real, self.pack), packed(fake, self.pack)
        critic = partial(self.critic_output, state)
        apart = partial(critic, real), partial(critic, fake)
        outputs = in_one_pass(critic, real, fake) if jointly and not self.critic.couples_samples else apart
        log_density = getattr(self.generator, "log_density", None)
        known: Arrays = {"log_p": self.target, "log_q": log_density and partial(log_density, state["theta"])}
        labels = as_tensor(inputs["labels"]) if "labels" in inputs else None
        return Batch(real, outputs[0], labels, **known), Batch(fake, outputs[1], **known)

    # -- what the players minimise -------------------------------------------------------------
    def critic_loss(self, state: Arrays, inputs: Arrays) -> Tensor:
        """L_D = loss(D(x), D(G(z))) + λ penalty (+ λ ‖w − w̄‖²), of shape (...)."""
        if self.loss.critic is None:
            raise ValueError("this loss has no critic: only its generator can be trained")
        real, fake = self.batches(state, inputs, jointly=True)
        penalty = PENALTIES[self.penalty_kind].value(
            lambda x: self.critic_output(state, x).scores, real.points, fake.points, dict(inputs))
        return self.loss.critic(real, fake) + self.penalty * penalty + self.historical_averaging("w", state)

    def generator_loss(self, state: Arrays, inputs: Arrays) -> Tensor:
        """L_G = loss(D(G(z))) (+ λ ‖θ − θ̄‖²), of shape (...)."""
        return self.loss.generator(*self.batches(state, inputs)) + self.historical_averaging("theta", state)

    def pretrain_loss(self, state: Arrays, inputs: Arrays) -> Tensor:
        """What the critic minimises on real data alone, before the game, of shape (...): EBGAN's E D(x)."""
        if self.loss.pretrain is None:
            raise ValueError("this loss has nothing to learn before the game")
        real = packed(as_tensor(inputs["real"]), self.pack)
        return self.loss.pretrain(Batch(real, partial(self.critic_output, state, real)))

    def historical_averaging(self, player: str, state: Arrays) -> Any:
        """Historical averaging, λ ‖θ − θ̄‖². Source: Salimans et al. (2016), section 3.3. Checked by: G14."""
        if not self.historical_weight:
            return 0.0
        return self.historical_weight * square_norm(as_tensor(state[player]) - state[f"{player}.mean"])

    def _reference_batch(self, network: Any, player: str, state: Arrays) -> Any:
        return state[f"{player}.reference"] if network.needs_reference else None


def packed(x: Tensor, m: int) -> Tensor:
    """(..., m·batch, d) -> (..., batch, m·d): m samples side by side, judged as one.

    A collapsed generator betrays itself in the lack of variety of a pack. Source: Lin et al. (2018, PacGAN), section 3.
    Checked by: G29.
    """
    if m == 1:
        return x
    *lead, n, d = x.shape
    if n % m:
        raise ValueError(f"{n} samples do not make packs of {m}")
    return x.reshape((*lead, n // m, m * d))
