"""What a finished run says: its samples, the table beside the yardsticks, and in words what that is worth."""

from typing import Any, NamedTuple

import numpy as np

from minigan.gans.losses import W1
from minigan.lab.data import Data, column_names
from minigan.lab.metrics import KL_QUALITY, W1_SAMPLES, correlation_errors, marginal_distances
from minigan.lab.model import Model
from minigan.lab.reference import YARDSTICKS, draw_reference, memorised, reference_size, scores
from minigan.lab.signs import Warned
from minigan.lab.state import sampling_stream
from minigan.lab.train import Training


class Report(NamedTuple):
    """samples (n, d); table: rows of numbers; heading: what they are of; the rest are sentences."""

    samples: np.ndarray
    table: list[dict[str, Any]]
    heading: str
    distance: str  # what of the data w1 is
    judged: list[str]  # whether to trust it
    words: list[str]
    warned: list[Warned]

    @property
    def columns(self) -> list[str]:
        """Of the table: what any of its rows has."""
        return list(dict.fromkeys(name for row in self.table for name in row))


def final_report(training: Training) -> Report:
    """All of it, computed once."""
    table = final_table(training)
    data, n = training.data, training.config.samples
    return Report(final_samples(training), table, heading(data, n), distance(data, n),
                  verdict(data, table, n), [*footnotes(table), *critic_words(training)], training.warnings)


def final_samples(training: Training) -> np.ndarray:
    """config.samples draws of the generator: always the same ones of a given run."""
    return training.model.sample(sampling_stream(training.config.seed), training.config.samples)


# -- the table -------------------------------------------------------------------------------------
def final_table(training: Training) -> list[dict[str, Any]]:
    """The scores of the final samples, then of the yardsticks; ``samples`` says whose a row is.

    Of a user's data also ``marginal`` and ``correlation``: of the column, and of the pair, that is worst, the distance
    to the data's (see ``metrics.py``), named in ``column`` and ``pair``; and of a table ``memorised``, where the
    ceiling has what fresh data have.
    """
    data = training.data
    reference = draw_reference(data, training.config.seed, training.config.samples)
    rows = {"generator": final_samples(training)} | reference.yardsticks
    table = []
    for name, x in rows.items():
        row: dict[str, Any] = {"samples": _named(name, data), **scores(data, x, reference.real)}
        if data.toy is None:
            row |= worst_columns(data, *_marginally(data, name, x, reference.real, training.config.samples))
        if data.held is not None:
            row["memorised"] = 0.5 if name == "ceiling" else memorised(data, x)
        table.append(row)
    return table


def _named(row: str, data: Data) -> str:
    about = "training rows" if row == "ceiling" and data.table is not None else YARDSTICKS.get(row)
    return row if about is None else f"{row} ({about})"


def _marginally(
    data: Data, row: str, x: np.ndarray, real: np.ndarray, samples: int
) -> tuple[np.ndarray, np.ndarray]:
    """What columns and correlations are compared of: of a table, all its rows, which says more than those held out.

    The ceiling is then rows drawn again, as many as err by chance as N rows and n samples do: 1/(1/N + 1/n).
    """
    if data.table is None:
        return x, real
    rows = data.table.values
    if row == "ceiling":
        fresh = round(len(rows) * samples / (len(rows) + samples))
        return np.random.default_rng(0).choice(rows, fresh), rows
    return x, rows


def worst_columns(data: Data, x: np.ndarray, real: np.ndarray) -> dict[str, Any]:
    """How far the worst column of samples x is from the data's, and the worst correlation if there are two columns."""
    names, distances = column_names(data.names, data.dim), marginal_distances(x, real)
    worst = int(distances.argmax())
    row: dict[str, Any] = {"marginal": float(distances[worst]), "column": names[worst]}
    if data.dim > 1:
        one, other = np.triu_indices(data.dim, 1)
        errors = correlation_errors(x, real)[one, other]
        worst = int(errors.argmax())
        row |= {"correlation": float(errors[worst]), "pair": f"{names[one[worst]]}–{names[other[worst]]}"}
    return row


def heading(data: Data, samples: int) -> str:
    """What the numbers of the table are of, and in which unit."""
    n = reference_size(data, samples)
    judges = "fresh data" if data.points is None else "the rows of the training, as none are held out"
    if data.held is not None:
        judges = f"{n:,} rows held out"
    return f"{samples:,} samples, judged by {judges}; w1: {distance(data, samples)}"


def distance(data: Data, samples: int) -> str:
    """What w1 is of, and in which unit."""
    n = min(reference_size(data, samples), W1_SAMPLES)
    return f"exact W₁ of {n:,} samples to as many data, in {data.scaling.unit}"


def footnotes(table: list[dict[str, Any]]) -> list[str]:
    """What the columns of the table mean that do not say so themselves."""
    first, blank = table[0], any("high_quality" in row and "reverse_kl" not in row for row in table)
    notes = [
        (blank, f"reverse_kl: – where fewer than {KL_QUALITY:.0%} of the samples are at a mode"),
        ("marginal" in first, "marginal: W₁ of the column that is worst, in its standard deviations"),
        ("correlation" in first, "correlation: the largest error of one"),
        ("memorised" in first, "memorised: samples nearer to a row of the training than half of the rows held out; "
                               "fresh data 50 %, copies 100 %"),
    ]
    return [note for holds, note in notes if holds]


# -- whether to trust it -----------------------------------------------------------------------------
def verdict(data: Data, table: list[dict[str, Any]], samples: int) -> list[str]:
    """Whether samples of a user's data may be trusted: what speaks against it, and what does not; [] of a toy.

    Beyond a limit is what is worse than twice the ceiling's, which has no fault but chance, and would matter.
    """
    if data.toy is not None:
        return []
    generator, ceiling, null = table[0], table[1] if len(table) > 2 else {}, table[-1]
    found: list[tuple[str, bool]] = []
    if ceiling.get("w1") and data.dim > 1:  # of data that are one point W₁ is 0; of one column it is the column's
        best, n = ceiling["w1"], min(reference_size(data, samples), W1_SAMPLES)
        room, chance = null["w1"] - best, data.scaling.length * np.sqrt(2 / n)  # a mean's, and so W₁'s on the line
        found.append((f"W₁ is {generator['w1'] / best:.2f} times the ceiling's (noise: {null['w1'] / best:.2f} times)",
                      generator["w1"] - best > min(room, max(0.1 * room, 0.2 * best, chance))))
    for name, text, matters in (
        ("marginal", "the worst column, {column}, is {marginal:.2f} standard deviations off", 0.15),
        ("correlation", "the worst correlation, {pair}, is {correlation:.2f} off", 0.1),
    ):
        if name in generator:
            beside = f" (ceiling {ceiling[name]:.2f})" if ceiling else ""
            found.append((text.format(**generator) + beside,
                          generator[name] > max(matters, 2 * ceiling.get(name, 0.0))))
    if "memorised" in generator and data.held is not None:
        chance = 1.5 / np.sqrt(len(data.held))  # three standard deviations of the rank of their median
        found.append((f"{generator['memorised']:.0%} of the samples are as near a row of the training as half of the "
                      "rows held out are (fresh data 50 %)",
                      not -max(0.3, chance) <= generator["memorised"] - 0.5 <= max(0.25, chance)))
    bad, good = ([text for text, wrong in found if bool(wrong) is which] for which in (True, False))
    unjudged = not ceiling and data.points is not None
    sentences = [f"not to be trusted yet: {'; '.join(bad)}"] if bad else []
    if unjudged:
        sentences.append("no rows are held out, so nothing tells whether to trust the samples: these numbers are "
                         "against the very rows of the training, and whoever learned them by heart is judged best")
    if good:
        in_order = "in order" if bad or unjudged else "nothing measured speaks against the samples"
        sentences.append(f"{in_order}: {'; '.join(good)}")
    return sentences


# -- W₁ by the critic alone --------------------------------------------------------------------------
def critic_distance(training: Training) -> dict[str, float]:
    """W₁ in ``data.scaling.unit`` from the critic alone: E f(x) − E f(G(z)) ≤ Lip(f) W₁, so divide it by Lip(f).

    ``estimate`` E f(x) − E f(G(z)) and ``error``, its standard error; ``slope`` the steepest ‖∇f‖ seen and ``w1`` the
    quotient; ``bound`` the certified upper bound of Lip(f), if there is one, and ``at_least`` the quotient, below
    which W₁ of these samples cannot be. Without w1 for a critic of packs: it would be of packs. {} for other losses.
    """
    if training.config.loss.estimates != W1:
        return {}
    fake, model = final_samples(training), training.model
    real = draw_reference(training.data, training.config.seed, len(fake)).real
    estimate, slope, bound = model.estimate(real, fake), model.slope(real, fake), model.lipschitz_bound()
    told = {"estimate": estimate, "error": standard_error(model, real, fake), "slope": slope}
    if training.config.pack == 1:
        told["w1"] = estimate / slope if slope else float("nan")
    if not model.uncertified:
        told |= {"bound": bound, "at_least": max(estimate, 0.0) / bound if bound else 0.0}
    return told


def standard_error(model: Model, real: np.ndarray, fake: np.ndarray) -> float:
    """Of the critic's mean score on real less that on fake, √(Var f(x)/n + Var f(G(z))/m), in the scores' unit.

    n and m count what is independent: points, packs, or the whole batches of a critic that compares the points of one;
    nan if there is only one.
    """
    variance, unit = 0.0, model.scaling.length**model.config.loss.power
    for x in (real, fake):
        scores = model.judge(x) / unit  # whose squares do not underflow
        size = min(model.config.batch, len(scores)) if model.game.critic.couples_samples else 1
        means = scores.reshape(-1, size).mean(axis=1)
        variance += means.var(ddof=1) / len(means) if len(means) > 1 else np.nan
    return float(np.sqrt(variance) * unit)


def critic_words(training: Training) -> list[str]:
    """What a Wasserstein critic says of W₁, and what that is worth; [] for other losses."""
    told, model = critic_distance(training), training.model
    if not told:
        return []
    estimate, error, slope = told["estimate"], told["error"], told["slope"]
    text = f"the critic: E f(x) − E f(G(z)) = {_signed(estimate)} ± {error:.2g} (its standard error)"
    if not estimate > 2 * error:
        words = [f"{text}: below what this batch can tell, so the critic gives no estimate of W₁"]
    elif "w1" in told:
        words = [f"{text}; over the steepest slope seen, {slope:.3g}, an estimate of W₁: {told['w1']:.3g} ± "
                 f"{error / slope:.2g} {training.data.scaling.unit} (the table has the exact one)"]
    else:
        words = [f"{text}, of packs of {training.config.pack}: no estimate of W₁ of single points"]
    if "bound" not in told:
        words.append(f"no certified bound of Lip(f), nor of W₁: {model.uncertified}")
    elif estimate > 2 * error:
        low = (estimate - 2 * error) / told["bound"]
        words.append(f"certified: Lip(f) ≤ {told['bound']:.3g}, so W₁ ≥ {low:.2g} (two standard errors taken off)")
    return words


def _signed(value: float) -> str:
    return ("−" if value < 0 else "") + f"{abs(value):.3g}"
