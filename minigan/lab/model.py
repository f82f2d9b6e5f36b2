"""A trained pair of players: draw samples, score points, ask for the critic's slope."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from minigan.arrays import to_host
from minigan.autodiff import Tensor, grad
from minigan.gans.game import Game
from minigan.gans.players import Players
from minigan.gans.spectral import spectral_normalize
from minigan.lab.config import Config
from minigan.lab.metrics import norms
from minigan.lab.scaling import Scaling
from minigan.nets import MLP, OPTIMIZERS, Ensemble, Gaussian
from minigan.theory.lipschitz import lipschitz_bound

CHUNK = 2_048  # points scored at once: a critic that compares a point with a batch takes memory for each pair


def build_game(config: Config, dim: int, target: Callable[[Tensor], Tensor] | None = None) -> Game:
    """The game of a configuration on data of ``dim`` coordinates: G: latent → dim, D: pack · dim → a score."""
    loss = config.loss
    generator: Any = Gaussian(dim) if config.model == "gaussian" else MLP(
        (config.latent, *config.generator, dim), config.activation, norm=config.generator_norm)
    if config.generators > 1:
        generator = Ensemble(generator, config.generators)
    activation = config.activation if config.critic_activation == "same" else config.critic_activation
    inputs = config.pack * dim
    critic = MLP((inputs, *config.critic, loss.head.outputs(inputs, config.classes)), activation,
                 norm=config.critic_norm, minibatch=config.minibatch)
    return Game(loss=loss, generator=generator, critic=critic, penalty_kind=config.penalty_kind, penalty=config.penalty,
                spectral_norm=config.spectral_norm, pack=config.pack, historical_weight=config.history, target=target)


def build_players(config: Config, game: Game) -> Players:
    """How the players of a configuration step."""
    return Players(
        game=game, optimizer=config.optimizer,
        settings={name: getattr(config, name) for name in OPTIMIZERS[config.optimizer].settings},
        clip=config.clip, ema=config.ema, unroll=config.unroll, unroll_optimizer=config.unroll_optimizer,
        unroll_rate=config.unroll_rate, consensus_weight=config.consensus, update=config.update,
    )


@dataclass(frozen=True)
class Model:
    """G and D with their parameters, and the scaling between what they see and the data.

    state: ``theta`` and ``w``, and what else evaluation reads by name (see ``gans/game.py``): the moving average
    ``theta.ema``, from which samples are then drawn, u and v, the reference batches.
    """

    config: Config
    scaling: Scaling
    state: Mapping[str, np.ndarray]
    names: tuple[str, ...] = ()  # of the data's columns, if they have any

    @cached_property
    def game(self) -> Game:
        return build_game(self.config, len(self.scaling.shift))

    def __getstate__(self) -> dict[str, Any]:
        """For pickle and copy: without the game, which is made of functions and made again when asked for."""
        return {name: value for name, value in vars(self).items() if name != "game"}

    @property
    def theta(self) -> np.ndarray:
        """The generator's parameters that samples are drawn with: their moving average, if there is one."""
        return self.state.get("theta.ema", self.state["theta"])

    @property
    def w(self) -> np.ndarray:
        return self.state["w"]

    def sample(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """n draws G(z), z ~ N(0, I): (n, dim) in data units, float64."""
        net, share = self.game.generator, self.config.generators
        z = rng.standard_normal((-(-n // share) * share, net.sizes[0]), dtype=self.theta.dtype)
        x = net.run(self.theta, z, self.state.get("theta.reference")).outputs.value[:n]
        return self.scaling.to_data(x)

    def critic(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The critic's scores (n,) and their gradient (n, dim) at points (n, dim), which are in data units.

        A Wasserstein critic's score has ``scaling.unit``, so that its slope is the same in any unit; a
        discriminator's score is a logit, log D/(1 − D), and has none. A critic of packs sees packs of one
        point repeated; one with batch norm or minibatch discrimination sees each point among a batch of data.
        """
        x = to_host(x)
        if len(x) > CHUNK:
            parts = [self.critic(part) for part in np.array_split(x, -(-len(x) // CHUNK))]
            return np.concatenate([s for s, _ in parts]), np.concatenate([g for _, g in parts])
        length, unit = self.scaling.length, self.scaling.length**self.config.loss.power
        scaled = Tensor(self.scaling.to_net(x).astype(self.w.dtype))
        pack = Tensor(np.tile(np.eye(x.shape[1], dtype=self.w.dtype), self.config.pack))  # x ↦ (x, ..., x)
        packs = scaled @ pack if self.config.pack > 1 else scaled
        scores = self.game.critic_output(self.state, packs, self.state.get("w.reference")).scores
        slope = grad(scores.sum(), scaled)
        return scores.value[:, 0].astype(np.float64) * unit, slope.value.astype(np.float64) * (unit / length)

    def estimate(self, real: np.ndarray, fake: np.ndarray) -> float:
        """What the critic's value on these samples says of the distance: W₁ in ``scaling.unit``, or JS in nats."""
        scores = (Tensor(self.judge(x)[:, None]) for x in (real, fake))
        return self.config.loss.estimate(*scores).item()

    def judge(self, x: np.ndarray) -> np.ndarray:
        """The scores of samples x (n, dim) as the critic sees them in training: packed, and in batches if it compares.

        (n // pack,), but for an incomplete last batch.
        """
        x = to_host(x)
        config, dim = self.config, x.shape[1]
        packs = max(len(x) // config.pack, 1)
        size = min(config.batch, packs) if self.game.critic.couples_samples else packs
        x = np.resize(x, (packs // size * size * config.pack, dim))
        scaled = self.scaling.to_net(x).astype(self.w.dtype).reshape(-1, size, config.pack * dim)
        scores = self.game.critic_output(self.state, scaled).scores.value.ravel().astype(np.float64)
        return scores * self.scaling.length**config.loss.power

    def slope(self, real: np.ndarray, fake: np.ndarray) -> float:
        """The steepest ‖∇f‖ seen on these samples and halfway between: an estimate of Lip(f), from below.

        E f(x) − E f(G(z)) ≤ Lip(f) W₁, so the critic's estimate divided by this is W₁'s. Checked by: W8.
        """
        real, fake = to_host(real), to_host(fake)
        pairs = min(len(real), len(fake))
        points = np.concatenate([real, fake, 0.5 * (real[:pairs] + fake[:pairs])])
        return float(norms(self.critic(points)[1]).max())

    def lipschitz_bound(self) -> float:
        """Lip(f) ≤ Π σ₁(Wₗ), certified; nan for a critic it does not hold for: see ``uncertified``.

        E f(x) − E f(G(z)) divided by this is a lower bound of W₁ itself. Checked by: W12, W13.
        """
        critic = self.game.critic
        if self.uncertified:
            return float("nan")
        w = spectral_normalize(critic, self.w, self.state["w.s"]) if self.config.spectral_norm else self.w
        weights = [weight.value.astype(float) for weight, _ in critic.layers(w)]
        factor = self.config.spectral_norm or 1.0
        return factor * lipschitz_bound(weights) * self.scaling.length ** (self.config.loss.power - 1)

    @property
    def uncertified(self) -> str:
        """Why the weights of this critic do not bound Lip(f); "" where they do."""
        critic, head = self.game.critic, self.config.loss.head.name
        reasons = {
            f"{critic.norm} norm divides by a spread that may be as small as it likes": critic.norm != "none",
            "minibatch discrimination scores a point by the others of its batch": bool(critic.minibatch),
            f"it judges packs of {self.config.pack} points": self.config.pack > 1,
            f"its score is a function of {head}, and no output of the net": head != "scalar",
        }
        return next((reason for reason, holds in reasons.items() if holds), "")
