"""A study: the same data, several methods, many seeds, one table.

    plan     what is to be trained, every setting of every method, refused here or not at all
    train    all seeds of a method as one batched program; methods side by side in processes of their own
    measure  modes, quality, reverse KL and exact W₁ of each seed's samples, beside the ceiling and the null baseline

In a folder, each method leaves its results as soon as it has them, and a study that was stopped goes on: what is
done is not trained again, what was under way continues from its last checkpoint.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minigan import arrays
from minigan.lab import checkpoint as files
from minigan.lab import metrics, run
from minigan.lab.config import Config, as_dict
from minigan.lab.data import Data, data_from
from minigan.lab import presets
from minigan.lab.presets import Preset
from minigan.lab.train import STREAMS, Training, TrainingError
from minigan.names import choose

W1_SAMPLES = 1024  # for the exact W₁: its assignment takes time cubic in this
YARDSTICKS = ("ceiling", "null")  # fresh data, and uniform noise on their box: measured beside the methods
Row = dict[str, Any]  # recipe, seed, failed ("" or why), and the metrics
Watch = Callable[[Mapping[str, int]], None]  # {method: generator steps done}


class StudyError(RuntimeError):
    """Some methods could not be trained, for a reason that is not the training's; the others are kept."""


@dataclass(frozen=True)
class Plan:
    """What a study is to train: a configuration for each method, checked, and the seeds."""

    source: Any  # see data_from
    data: Data
    methods: dict[str, Config]
    seeds: tuple[int, ...]
    preset: Preset
    quick: bool = False
    given: Mapping[str, Any] = field(default_factory=dict)  # what the user set over recipe and preset


class Result(NamedTuple):
    """Of one method: a row and the samples (n, d) of each seed (nan where it failed), and the seconds it trained."""

    rows: list[Row]
    samples: np.ndarray  # (seeds, n, d), data units
    seconds: float


@dataclass(frozen=True)
class Study:
    """A finished study: the plan, the results by method, and the rows of the ceiling and the null baseline."""

    plan: Plan
    results: dict[str, Result]
    yardsticks: list[Row]

    @property
    def rows(self) -> list[Row]:
        """A row for each method and seed, then the ceiling's and the null baseline's: the long table."""
        return [row for result in self.results.values() for row in result.rows] + self.yardsticks


def plan(
    recipes: Sequence[str] | None = None,
    data: Any = None,
    seeds: int | Sequence[int] | None = None,
    settings: Mapping[str, Any] | None = None,
    preset: str = "own",
    quick: bool = False,
) -> Plan:
    """Every configuration of a study. ValueError for whatever cannot be trained, before anything is."""
    row, given = presets.preset(preset), dict(settings or {})
    methods = tuple(recipes or row.recipes)
    for name in methods:
        choose(name, row.known, "recipe")
    if twice := sorted({name for name in methods if methods.count(name) > 1}):
        raise ValueError(f"each recipe once: {', '.join(twice)} is named more than once")
    source = row.settings.get("data", Config.data) if data is None else data
    first = given.pop("seed", 0)
    count = (row.quick_seeds if quick else row.seeds) if seeds is None else seeds
    numbers = tuple(range(first, first + count)) if isinstance(count, int) else tuple(count)
    if not numbers or len(set(numbers)) < len(numbers):
        raise ValueError(f"a study needs at least 1 seed, and each once; got {count}")
    known, configs = data_from(source), {}
    for name in methods:
        try:
            config = replace(row.configure(name, quick, **given, seed=numbers[0]), data=known.name)
            Training(config, _data(config, source))  # whatever would refuse to be trained does so here
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
        configs[name] = config
    return Plan(source if known.points is None else known.points, known, configs, numbers, row, quick, given)


def _data(config: Config, source: Any) -> Data:
    return replace(run.load_data(config, source), name=config.data)


def study(
    recipes: Sequence[str] | None = None,
    data: Any = None,
    seeds: int | Sequence[int] | None = None,
    settings: Mapping[str, Any] | None = None,
    preset: str = "own",
    jobs: int | None = None,
    folder: str | Path | None = None,
    watch: Watch | None = None,
    quick: bool = False,
) -> Study:
    """Train the recipes on the data, for each seed, and measure: ``study(["gan", "wgan-gp"], "ring8", seeds=10).rows``.

    recipes, seeds (a number: 0, 1, ..., or the seeds themselves), data: as the preset has them, if not given.
    settings: of all recipes, over the preset's (see ``Config``); with ``seed``, the first seed.
    jobs: methods trained at the same time, in processes of their own (None: as many as there are processors; 1: in
    this process). A script that uses them needs ``if __name__ == "__main__":``, as multiprocessing tells.
    folder: leave and find results there. watch: called with the steps done, every now and then.

    Raises ValueError for whatever cannot be trained, before anything is; RunError for a folder with results of
    other settings; KeyboardInterrupt after Ctrl-C, once all is saved; StudyError if a process died.
    """
    todo = plan(recipes, data, seeds, settings, preset, quick)
    return carry_out(todo, jobs, None if folder is None else Path(folder), watch)


def carry_out(todo: Plan, jobs: int | None = None, folder: Path | None = None, watch: Watch | None = None) -> Study:
    """``study`` of a plan."""
    done = {} if folder is None else _found(todo, folder)
    missing = [name for name in todo.methods if name not in done]
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        if todo.data.points is not None:
            files.write_arrays(folder / "data.npz", {"points": todo.data.points})
    processes = min(jobs or os.cpu_count() or 1, len(missing))
    if processes > 1:
        done |= _in_processes(todo, missing, processes, folder, watch)
    else:
        done |= _in_turn(todo, missing, folder, watch)
    return Study(todo, {name: done[name] for name in todo.methods}, _yardsticks(todo))


# -- one method -------------------------------------------------------------------------------------
def train_method(todo: Plan, name: str, folder: Path | None, go_on: Callable[[int], bool]) -> Result | None:
    """All seeds of a method as one program. go_on(step): asked after each step; at False the rest is left, None."""
    from threadpoolctl import threadpool_limits

    config, where = todo.methods[name], None if folder is None else folder / name
    with threadpool_limits(1, user_api="blas"):
        training = Training(config, _data(config, todo.source), seeds=todo.seeds)
        before = 0.0
        if where is not None:
            where.mkdir(parents=True, exist_ok=True)
            files.write_toml(where / "config.toml", _settings(todo, name))
            if (where / "checkpoint.npz").exists():
                state = files.read_checkpoint(where)
                before = float(state.pop("seconds"))
                training.restore(state)
        start = time.perf_counter() - before
        failed: dict[int, str] = {}
        try:
            for _ in training.run():
                if where is not None and training.due():
                    spent = np.array(time.perf_counter() - start)
                    files.write_arrays(where / "checkpoint.npz", training.checkpoint() | {"seconds": spent})
                if not go_on(training.step) and training.step < config.steps:
                    return None
        except TrainingError as error:
            failed = dict.fromkeys(todo.seeds, str(error))
        result = measured(training, name, time.perf_counter() - start, failed)
    if where is not None:
        _write(result, where)
    return result


def measured(training: Training, name: str, seconds: float, failed: Mapping[int, str]) -> Result:
    """The rows and the samples of a trained method; a seed that failed has neither."""
    config, failed = training.config, {**training.failed, **failed}
    rows, samples = [], np.full((len(training.seeds), config.samples, training.data.dim), np.nan, config.dtype)
    for k, (seed, model) in enumerate(zip(training.seeds, training.models, strict=True)):
        row: Row = {"recipe": name, "seed": seed, "failed": failed.get(seed, "")}
        if not row["failed"]:
            samples[k] = model.sample(arrays.streams(seed, *STREAMS)["samples"], config.samples)
            row["failed"] = "" if np.isfinite(samples[k]).all() else "its samples are not finite"
        if not row["failed"]:
            row |= scores(samples[k], draws(training.data, seed, config.samples)["real"], training.data)
        rows.append(row)
    return Result(rows, samples, seconds)


def draws(data: Data, seed: int, n: int) -> dict[str, np.ndarray]:
    """What samples are measured against: ``real``, the ``ceiling`` and the ``null`` baseline, (n', d) each.

    From a stream that no training touches, so that every method of a seed meets the same draws.
    """
    rng = np.random.default_rng([seed, len(STREAMS) + 1])
    n = max(n, W1_SAMPLES)
    real, again = data.sample(rng, n), data.sample(rng, n)
    return {"real": real, "ceiling": again, "null": rng.uniform(real.min(axis=0), real.max(axis=0), real.shape)}


def scores(x: np.ndarray, real: np.ndarray, data: Data) -> dict[str, float]:
    """The metrics of samples x (n, d) in data units: of modes, where the data have some, and exact W₁ to ``real``.

    reverse_kl_near: of the samples within 3σ alone, as PacGAN's tables have it; nan if there are none.
    """
    modes: dict[str, float] = data.modes(x)
    if modes:
        toy: Any = data.toy
        near = x[metrics.nearest_mode(x, toy.modes)[1] <= 3 * toy.sigma]
        modes |= {"reverse_kl_near": metrics.reverse_kl(near, toy.modes, toy.weights) if len(near) else float("nan")}
    n = min(len(x), W1_SAMPLES)
    return modes | {"w1": metrics.wasserstein_1(x[:n], real[:n])}


def _yardsticks(todo: Plan) -> list[Row]:
    n = next(iter(todo.methods.values())).samples
    drawn = {seed: draws(todo.data, seed, n) for seed in todo.seeds}
    return [{"recipe": name, "seed": seed, "failed": "", **scores(x[name][:n], x["real"], todo.data)}
            for name in YARDSTICKS for seed, x in drawn.items()]


# -- several at a time -------------------------------------------------------------------------------
def _in_turn(todo: Plan, names: Sequence[str], folder: Path | None, watch: Watch | None) -> dict[str, Result]:
    steps = dict.fromkeys(names, 0)
    done: dict[str, Result] = {}
    with run.interruptible() as stopped:
        for name in names:

            def go_on(step: int, name: str = name) -> bool:
                steps[name] = step
                if watch is not None:
                    watch(steps)
                return not stopped()

            result = train_method(todo, name, folder, go_on)
            if result is None or stopped():
                raise KeyboardInterrupt
            done[name] = result
    return done


def _in_processes(
    todo: Plan, names: Sequence[str], jobs: int, folder: Path | None, watch: Watch | None
) -> dict[str, Result]:
    context = get_context("spawn")  # a fork of a process with BLAS threads can hang
    board = context.RawArray("q", len(names) + 1)  # the steps done by each, and whether to stop
    todo = replace(todo, data=None)  # type: ignore[arg-type]  # each makes its own: a closure does not travel
    done: dict[str, Result] = {}
    errors: dict[str, BaseException] = {}
    with run.interruptible() as stopped, ProcessPoolExecutor(
            jobs, context, initializer=_join, initargs=(board, os.getpid())) as pool:
        futures = {pool.submit(_work, todo, name, folder, k): name for k, name in enumerate(names)}
        pending = set(futures)
        while pending:
            finished, pending = wait(pending, timeout=0.2)
            for future in finished - {f for f in finished if f.cancelled()}:
                if error := future.exception():
                    errors[futures[future]] = error
                elif (result := future.result()) is not None:
                    done[futures[future]] = result
            if watch is not None:
                watch(dict(zip(names, board, strict=False)))
            if stopped():
                board[-1] = 1
                pending = {f for f in pending if not f.cancel()}
    if stopped():
        raise KeyboardInterrupt
    if errors:
        kept = "" if folder is None else f"; what is done is kept in {folder}, the same call goes on from there"
        raise StudyError("; ".join(f"{name}: {error!r}" for name, error in errors.items()) + kept)
    return done


_BOARD: Any = None
_PARENT = 0


def _join(board: Any, parent: int) -> None:
    """In a new process: Ctrl-C is the parent's to note; it tells through the board."""
    global _BOARD, _PARENT
    _BOARD, _PARENT = board, parent
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _work(todo: Plan, name: str, folder: Path | None, k: int) -> Result | None:
    def go_on(step: int) -> bool:
        _BOARD[k] = step
        if os.name == "posix" and os.getppid() != _PARENT:  # killed: nobody would ever end this process
            os._exit(1)
        return not _BOARD[-1]

    return train_method(todo, name, folder, go_on)


# -- what is left in a folder ------------------------------------------------------------------------
def _settings(todo: Plan, name: str) -> dict[str, Any]:
    return as_dict(todo.methods[name]) | {"seeds": list(todo.seeds)}


def _found(todo: Plan, folder: Path) -> dict[str, Result]:
    """The results that a folder already has. RunError if they, or a half-done one, are of other settings."""
    if (folder / "config.toml").exists():
        raise files.RunError(f"{folder} holds a run, not a study: choose another folder (--out)")
    if (folder / "data.npz").exists():
        points = files.read_arrays(folder / "data.npz")["points"]
        if todo.data.points is None or not np.array_equal(points, todo.data.points):
            raise files.RunError(f"{folder} holds a study of other data: choose another folder (--out)")
    for name in todo.methods:
        if not (folder / name / "config.toml").exists():
            continue
        there, now = files.read_toml(folder / name / "config.toml"), _settings(todo, name)
        if other := [key for key in {**there, **now} if there.get(key) != now.get(key)]:
            changes = ", ".join(f"{key} {there.get(key)} there, {now.get(key)} now" for key in other[:5])
            raise files.RunError(f"{folder / name} has results of other settings ({changes}): "
                                 "ask for the same ones, or choose another folder (--out)")
    return {name: _read(folder / name) for name in todo.methods if (folder / name / "table.csv").exists()}


def _write(result: Result, where: Path) -> None:
    from minigan.lab.summary import write_rows

    files.write_arrays(where / "samples.npz", {"samples": result.samples})
    files.write_toml(where / "timing.toml", {"seconds": result.seconds})
    write_rows(where / "table.csv", result.rows)  # the last one: it says that all is there
    with suppress(FileNotFoundError):
        (where / "checkpoint.npz").unlink()


def _read(where: Path) -> Result:
    from minigan.lab.summary import read_rows

    return Result(read_rows(where / "table.csv"), files.read_arrays(where / "samples.npz")["samples"],
                  float(files.read_toml(where / "timing.toml")["seconds"]))


__all__ = ["Plan", "Result", "Study", "StudyError", "carry_out", "plan", "study"]
