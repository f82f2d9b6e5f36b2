"""A step of either player, as a pure function (state, inputs) -> new state: what ``record`` makes a program of.

    critic:      w ← project(optimiser(w, ∇_w L_D))
    generator:   θ ← optimiser(θ, ∇_θ L_G)
    joint:       both from the same state; or from a step ahead (extra-gradient)

Inputs besides those of ``game.py``: ``t.w``, ``t.theta``, the counts of steps, and ``eta.w``, ``eta.theta``, the rates.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from minigan.autodiff import Tensor, grad, square_norm
from minigan.autodiff.functions import as_tensor
from minigan.gans.game import Game
from minigan.gans.lipschitz import clip_weights
from minigan.gans.spectral import power_iteration
from minigan.nets import OPTIMIZERS

State = dict[str, Tensor]
STEP_ORDERS = ("alternating", "simultaneous", "extragradient")


@dataclass(frozen=True, kw_only=True)
class Players:
    """How the two players of a game step. As the settings stand, the stabilisers do nothing."""

    game: Game
    optimizer: str = "adam"  # a row of OPTIMIZERS
    settings: Mapping[str, float] = field(default_factory=dict)  # its numbers
    clip: float = 0.0  # c: w ← clip(w, −c, c) after every critic step; 0: no clipping
    ema: float = 0.0  # β of the moving average of θ
    unroll: int = 0  # k: the generator looks k critic steps ahead
    unroll_optimizer: str = "same"  # of those steps: as the critic's own, or "sgd"
    unroll_rate: float = 1.0  # their learning rate, as a multiple of the critic's
    consensus_weight: float = 0.0  # γ of (γ/2)‖v‖²
    update: str = "alternating"

    # -- the steps: (state, inputs) -> (what of the state is new, report) -----------------------
    def critic_step(self, state: State, inputs: State) -> tuple[State, State]:
        """w ← project(optimiser(w, ∇_w L_D)); u and v of spectral norm advance here, once, and nowhere else."""
        advanced = self.power_step(state)
        state = state | advanced
        loss = self.game.critic_loss(state, inputs)
        new = self.move("w", loss + self.consensus_term(state, inputs), state, inputs)
        return advanced | new | self.running_means("w", state, new, inputs) | {"critic_loss": loss}, {}

    def generator_step(self, state: State, inputs: State) -> tuple[State, State]:
        """θ ← optimiser(θ, ∇_θ L_G), L_G against the critic as it is, or as it will be k steps from now."""
        loss = self.game.generator_loss(self.unrolled(state, inputs), inputs)
        new = self.move("theta", loss + self.consensus_term(state, inputs), state, inputs)
        return new | self.running_means("theta", state, new, inputs) | {"generator_loss": loss}, {}

    def joint_step(self, state: State, inputs: State) -> tuple[State, State]:
        """Both players from the same state. Extra-gradient: x′ = x + η v(x + η v(x)), the direction from a step ahead.

        Source: Korpelevich (1976); Gidel et al. (2019), algorithm 1, whose ExtraAdam keeps its moments as here:
        both steps update them, both start from x.
        """
        advanced = self.power_step(state)
        state = state | advanced

        def losses(at: State) -> dict[str, Tensor]:
            return {"w": self.game.critic_loss(at, inputs), "theta": self.game.generator_loss(at, inputs)}

        def both(at: State, slots: State) -> State:
            pull = self.consensus_term(at, inputs)
            moved = [self.move(p, loss + pull, state | slots, inputs, at) for p, loss in losses(at).items()]
            return moved[0] | moved[1]

        now = losses(state)
        new = both(state, {})
        if self.update == "extragradient":
            new = both(state | new, {name: x for name, x in new.items() if name not in ("w", "theta")})
        remembered = self.running_means("w", state, new, inputs) | self.running_means("theta", state, new, inputs)
        report = {"critic_loss": now["w"], "generator_loss": now["theta"]}
        return advanced | new | remembered | report, {}

    def pretrain_step(self, state: State, inputs: State) -> tuple[State, State]:
        """A critic step on real data alone; what the critic remembers of its past begins with it."""
        advanced = self.power_step(state)
        state = state | advanced
        new = self.move("w", self.game.pretrain_loss(state, inputs), state, inputs)
        return advanced | new | self.running_means("w", state, new, inputs), {}

    # -- what they are made of -------------------------------------------------------------------
    def move(self, player: str, loss: Tensor, state: State, inputs: State, at: State | None = None,
             optimizer: str | None = None) -> State:
        """One step of the optimiser, from state, along the gradient at ``at`` (None: there too); its slots with it."""
        row = OPTIMIZERS[optimizer or self.optimizer]
        settings = {name: self.settings[name] for name in row.settings if name in self.settings}
        slots = {slot: state[f"{player}.{slot}"] for slot in row.slots}
        gradient = grad(loss.sum(), (at or state)[player])
        t, eta = inputs[f"t.{player}"], inputs[f"eta.{player}"]
        new, slots = row.step(state[player], gradient, slots, t, eta, **settings)
        if player == "w" and self.clip:
            new = clip_weights(new, self.clip)
        return {player: new, **{f"{player}.{slot}": value for slot, value in slots.items()}}

    def unrolled(self, state: State, inputs: State) -> State:
        """The state after k more critic steps on this batch: the generator's gradient runs through them all.

        Of a ``zero_sum`` loss through both terms of V, which that row explains.
        Source: Metz et al. (2017), eq. 3 to 5. Checked by: G17.
        """
        optimizer = None if self.unroll_optimizer == "same" else self.unroll_optimizer
        for k in range(self.unroll):
            later = {"t.w": inputs["t.w"] + float(k), "eta.w": self.unroll_rate * inputs["eta.w"]}
            loss = self.game.critic_loss(state, inputs)
            state = state | self.move("w", loss, state, inputs | later, optimizer=optimizer)
        return state

    def consensus_term(self, state: State, inputs: State) -> Any:
        """Consensus optimisation, (γ/2)‖v‖², v = (∇_w L_D, ∇_θ L_G): each player also seeks where both stand still.

        Source: Mescheder et al. (2017), eq. 8.
        """
        if not self.consensus_weight:
            return 0.0
        velocities = [grad(self.game.critic_loss(state, inputs).sum(), state["w"]),
                      grad(self.game.generator_loss(state, inputs).sum(), state["theta"])]
        return 0.5 * self.consensus_weight * (square_norm(velocities[0]) + square_norm(velocities[1]))

    def power_step(self, state: State) -> State:
        """One power iteration of each weight, if the critic is spectrally normalised."""
        if not self.game.spectral_norm:
            return {}
        return {"w.s": power_iteration(self.game.critic, state["w"], state["w.s"])}

    def running_means(self, player: str, state: State, new: State, inputs: State) -> State:
        """The means over the past: θ̄ ← θ̄ + (θ − θ̄)/(t + 1), and the generator's EMA ← β EMA + (1 − β) θ.

        Source: Salimans et al. (2016), section 3.3; Yazıcı et al. (2019), section 3.1.
        Checked by: G14, G33.
        """
        means: State = {}
        x = new[player]
        if self.game.historical_weight:
            mean = as_tensor(state[f"{player}.mean"])
            means[f"{player}.mean"] = mean + (x - mean) / (inputs[f"t.{player}"] + 1.0)
        if self.ema and player == "theta":
            means["theta.ema"] = self.ema * as_tensor(state["theta.ema"]) + (1.0 - self.ema) * x
        return means
