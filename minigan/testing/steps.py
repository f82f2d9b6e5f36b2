"""Does a training step move each player, along its own loss, and nothing else?

Nothing is assumed of how the step is made: it is called, and what it changed is read. The slopes that it should follow
are differences of each player's loss, so that neither a detached graph nor a wrong gradient can hide. The worst
mistakes of real GAN code lie here, and no check of a formula sees them: a generator that is never reached, a loss that
is never differentiated, a softmax before a loss that takes logits, a gradient kept from the step before.

PyTorch (a step draws its own noise: ``reseed`` lets it and the loss draw alike; float64 sees most: ``net.double()``):

    check_training_step(
        {"critic": lambda: critic_step(real), "generator": lambda: generator_step(real)},
        {"critic": Player(D, lambda: d_loss(D, G, real), judges=True), "generator": Player(G, lambda: g_loss(D, G))},
        memory=[opt_d, opt_g], frozen={"encoder": E}, reseed=lambda: torch.manual_seed(0))

NumPy, JAX and this package's tensors: whatever dictionary (or list, or object) the step writes its arrays into.

    check_training_step(step, {"critic": Player(Part(state, "w"), critic_loss), ...}, memory=[state])
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

from minigan.testing import moves
from minigan.testing.holders import arrays_in, keep, restore
from minigan.testing.players import Player, Training
from minigan.testing.properties import Property, Skip, run


def check_training_step(
    step: Callable[[], Any] | Mapping[str, Callable[[], Any]], players: Mapping[str, Player], *,
    memory: Sequence[Any] = (), frozen: Mapping[str, Any] | None = None, reseed: Callable[[], Any] | None = None,
    agreement: float | None = None, seed: int = 0, skip: Skip = (),
) -> list[str]:
    """After a step each player has moved, down its own loss and not another's; nothing is kept, nothing else moved.

    step: one of each player by its name, () -> anything, which sees most; or one function in which all of them move (in
    any order, or at once, the critic once or several times). memory: what else a step remembers, to be put back between
    the steps that are tried: optimisers, their moments and counts, random generators. frozen: by name, what no step may
    move. reseed: called before every step and every loss. agreement: the share of the slopes tried, by size, along
    which a player must move down: .97, or .75 of all players in one step, where one moves on from where another came
    to. Steps should be the optimiser's first: later ones follow the past too. An optimiser that decays weights by
    itself, or mixes coordinates, needs less. All is put back at the end, but for a gradient that ``.grad`` holds.
    Returns the names of the properties that hold. PropertyError: one does not. ValueError: a step of no
    player, or a player without arrays of floats.
    """
    apart = isinstance(step, Mapping)
    steps = dict(step) if isinstance(step, Mapping) else {getattr(step, "__name__", "the step"): step}
    if apart and steps.keys() != players.keys():
        raise ValueError(f"steps of {', '.join(steps)}, and players {', '.join(players)}: each needs the other")
    if not players or not all(map(callable, steps.values())):
        raise ValueError(f"a step must be callable, or one for each of the players: {step!r}, {players!r}")
    for player in players.values():
        arrays_in(player.parameters)  # or say that there are none
    frozen = dict(frozen or {})
    averages = [player.average for player in players.values() if player.average is not None]
    holders = [*(player.parameters for player in players.values()), *memory, *frozen.values(), *averages]
    kept = [(holder, keep(holder)) for holder in holders]

    def back(ones: list[Any]) -> None:
        for one in ones:
            restore(one)
        if reseed is not None:
            reseed()

    begin = partial(back, [one for _, one in kept])
    again = partial(back, [one for holder, one in kept if not hasattr(holder, "param_groups")])
    training = Training(steps, players, frozen, apart, begin, again, seed)
    share = agreement if agreement is not None else 0.97 if apart else 0.75
    rows = [_once(row, training) for row in _rows(training, share)]
    if not _holds(rows[0]):
        rows = rows[:1]  # of a loss that is never the same, nothing else can be told
    named: Any = SimpleNamespace(__name__=f"a training step ({', '.join(steps)})")
    try:
        return run([named], rows, 1, seed, skip)
    finally:
        begin()


def _rows(training: Training, share: float) -> list[Property]:
    def row(name: str, formula: str, holds: Callable[[Training], None], debatable: str = "") -> Property:
        return Property(name, formula, {}, partial(holds, training), debatable=debatable)

    rows = [
        row("the same loss twice", "a loss depends on the parameters and on a batch that stays", moves.repeats),
        row("reached", "each player's loss depends on its parameters", moves.reached),
        row("moves", "each array that a player's loss depends on moves in its step", moves.moves),
        row("downhill", "a player moves against the slopes of its own loss: sign Δθᵢ = −sign ∂L/∂θᵢ",
            partial(moves.downhill, share=share)),
        row("nothing is kept", "a step depends on the parameters, the optimiser's state and the batch alone: "
            "a step elsewhere, with all that put back, changes nothing", moves.keeps_nothing),
    ]
    if training.apart:
        rows.append(row("its own only", "in a player's step no other player moves", moves.own_only))
        rows.append(row("buffers of others", "in a player's step no buffer of another player moves", moves.buffers,
                        "running statistics of the generator move in the critic's step too, where it makes a batch "
                        "in training mode; whether they should is a matter of taste"))
    players = training.players.values()
    if training.frozen:
        rows.append(row("frozen", "what is frozen stays, bit for bit", moves.stays))
    if any(player.clip for player in players):
        rows.append(row("clipped", "|w| ≤ c after the step, from wherever it starts", moves.clipped))
    if any(player.average is not None for player in players):
        rows.append(row("average", "EMA′ = β EMA + (1−β) θ′, one β in (0, 1), in the player's own step alone",
                        moves.averaged))
    if any(player.judges for player in players):
        rows.append(row("punished where sure and wrong", "a loss of raw scores grows without bound with the scores",
                        moves.unbounded))
    return rows


def _holds(row: Property) -> bool:
    try:
        row.holds()
    except Exception:  # whatever it is, ``run`` will find it again
        return False
    return True


def _once(row: Property, training: Training) -> Property:
    """The row, tried once: where a step keeps a gradient, a second try would find something else."""
    outcome: list[Exception | None] = []

    def tried() -> None:
        if not outcome:
            try:
                row.holds()
                outcome.append(None)
            except Exception as error:
                outcome.append(error)
        if outcome[0] is not None:
            raise outcome[0]

    return Property(row.name, row.formula, {}, tried, debatable=row.debatable)
