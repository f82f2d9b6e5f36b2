"""A study: the same data, several methods, many seeds, one table.

    train    all seeds of a method as one batched program; methods side by side, in processes of their own
    measure  modes, quality, reverse KL and exact W₁ of each seed's samples, beside the ceiling and the null baseline

In a folder, each method leaves its results as soon as it has them, and a study that was stopped goes on: what is
done is not trained again, what was under way continues from its last checkpoint.

    summary.md, summary.csv, table.csv, comparison.png          of all
    METHOD/config.toml, table.csv, samples.npz, timing.toml     of each: the seconds are all that differs if run again
"""

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from minigan.lab import checkpoint as files
from minigan.lab import run
from minigan.lab.config import Config, as_dict
from minigan.lab.data import Data
from minigan.lab.reference import draw_reference, memorised, scores
from minigan.lab.state import sampling_stream
from minigan.lab.train import Training, TrainingError
from minigan.studies import summary
from minigan.studies.design import Plan, Result, Row, Study, plan
from minigan.studies.page import write

Watch = Callable[[Mapping[str, int]], None]  # {method: generator steps done}


class StudyError(RuntimeError):
    """Some methods could not be trained, for a reason that is not the training's; the others are kept."""


def run_study(
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
    """Train the recipes on the data, for each seed, and measure: ``run_study(["gan", "r1"], "ring8", seeds=10).rows``.

    recipes, data (see ``data_from``), seeds (a number: 0, 1, ..., or the seeds themselves): the preset's, if not given.
    settings: of all recipes, over the preset's (see ``Config``); its ``seed`` is the first seed.
    jobs: methods trained at the same time, in processes of their own (None: as many as there are processors; 1: in
    this process). A script that uses them needs ``if __name__ == "__main__":``, and a sampler of one's own must be a
    function of a module, as multiprocessing tells.
    folder: leave and find results there. watch: called with the steps done, every now and then.

    Raises ValueError for whatever cannot be trained, before anything is; RunError for a folder with results of
    other settings; KeyboardInterrupt after Ctrl-C, once all is saved; StudyError if a process died.
    """
    where = None if folder is None else Path(folder)
    done = carry_out(plan(recipes, data, seeds, settings, preset, quick), jobs, where, watch)
    if where is not None:
        write(done, where)
    return done


def carry_out(todo: Plan, jobs: int | None = None, folder: Path | None = None, watch: Watch | None = None) -> Study:
    """Train what of a plan is not in the folder yet, and measure."""
    done = {} if folder is None else _found(todo, folder)
    missing = sorted(set(todo.methods) - set(done), key=lambda name: _load(todo.methods[name]), reverse=True)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        if todo.data.table is not None:
            run.write_table(folder / "data.npz", todo.data.table)
    processes = min(jobs or os.cpu_count() or 1, len(missing))
    if processes > 1:
        done |= _in_processes(todo, missing, processes, folder, watch)
    else:
        done |= _in_turn(todo, missing, folder, watch)
    return Study(todo, {name: done[name] for name in todo.methods}, _yardsticks(todo))


def _load(config: Config) -> int:
    """How much there is to do, roughly: the longest first, so that no process is left alone with it at the end."""
    passes = 2 if config.penalty_kind != "none" else 1
    return config.steps * (1 + passes * config.critic_steps + 3 * config.unroll) * config.batch * config.pack


# -- one method -------------------------------------------------------------------------------------
def train_method(todo: Plan, name: str, folder: Path | None, go_on: Callable[[int], bool]) -> Result | None:
    """All seeds of a method as one program. go_on(step): asked after each step; at False the rest is left, None."""
    from threadpoolctl import threadpool_limits

    config, where = todo.methods[name], None if folder is None else folder / name
    with threadpool_limits(1, user_api="blas"):  # threads on small layers only wait for each other
        training = Training(config, todo.training_data(name), seeds=todo.seeds)
        start = time.perf_counter()
        if where is not None:
            where.mkdir(parents=True, exist_ok=True)
            files.write_toml(where / "config.toml", _settings(todo, name))
            if (where / "checkpoint.npz").exists():
                state = files.read_checkpoint(where)
                start -= float(state["seconds"])
                training.restore(state)
        with suppress(TrainingError):  # every seed has failed: that is a result
            for _ in training.run():
                on = go_on(training.step)
                if where is not None and (training.due() or not on):
                    spent = np.array(time.perf_counter() - start)
                    files.write_arrays(where / "checkpoint.npz", training.checkpoint() | {"seconds": spent})
                if not on and training.step < config.steps:
                    return None
        seconds = time.perf_counter() - start
        result = Result(*measured(training, name, todo.data), seconds)
    if where is not None:
        files.write_arrays(where / "samples.npz", {"samples": result.samples})
        files.write_toml(where / "timing.toml", {"seconds": seconds})
        summary.write_rows(where / "table.csv", result.rows)  # the last one: it says that all is there
        (where / "checkpoint.npz").unlink(missing_ok=True)
    return result


def measured(training: Training, name: str, data: Data) -> tuple[list[Row], np.ndarray]:
    """A row and the samples of each seed; ``data`` has the unit of distances, the same for every method."""
    config = training.config
    rows, samples = [], np.full((len(training.seeds), config.samples, data.dim), np.nan)
    for x, seed, model in zip(samples, training.seeds, training.models, strict=True):
        failed = training.failed.get(seed, "")
        if not failed:
            x[...] = model.sample(sampling_stream(seed), config.samples)
            failed = "" if np.isfinite(x).all() else "its samples are not finite"
        numbers = {} if failed else scores(data, x, draw_reference(data, seed, config.samples).real)
        if data.held is not None and not failed:
            numbers["memorised"] = memorised(data, x)
        rows.append({"recipe": name, "seed": seed, "failed": failed, **numbers})
    return rows, samples


# -- measuring ----------------------------------------------------------------------------------------
def _yardsticks(todo: Plan) -> list[Row]:
    n = next(iter(todo.methods.values())).samples
    drawn = {seed: draw_reference(todo.data, seed, n) for seed in todo.seeds}
    return [{"recipe": name, "seed": seed, "failed": "", **scores(todo.data, x.yardsticks[name], x.real)}
            for name in drawn[todo.seeds[0]].yardsticks for seed, x in drawn.items()]


# -- several at a time -------------------------------------------------------------------------------
def _in_turn(todo: Plan, names: Sequence[str], folder: Path | None, watch: Watch | None) -> dict[str, Result]:
    steps, done = dict.fromkeys(names, 0), {}
    with run.interruptible() as stopped:
        for name in names:

            def go_on(step: int) -> bool:
                steps[name] = step
                if watch is not None:
                    watch(steps)
                return not stopped()

            result = None if stopped() else train_method(todo, name, folder, go_on)
            if result is None:
                raise KeyboardInterrupt
            done[name] = result
    return done


def _in_processes(
    todo: Plan, names: Sequence[str], jobs: int, folder: Path | None, watch: Watch | None
) -> dict[str, Result]:
    context = get_context("spawn")  # a fork of a process with BLAS threads can hang
    board = context.RawArray("q", len(names) + 1)  # the steps done by each, and whether to stop
    done: dict[str, Result] = {}
    errors: dict[str, BaseException] = {}
    with run.interruptible() as stopped, ProcessPoolExecutor(
            jobs, context, initializer=_join, initargs=(board, os.getpid())) as pool:
        futures = {pool.submit(_work, todo, name, folder, k): name for k, name in enumerate(names)}
        pending = set(futures)
        while pending:
            finished, pending = wait(pending, timeout=0.2)
            for future in finished:
                if error := future.exception():
                    errors[futures[future]] = error
                elif (result := future.result()) is not None:
                    done[futures[future]] = result
            if watch is not None:
                watch(dict(zip(names, board, strict=False)))
            if stopped():
                board[-1] = 1
                pending = {future for future in pending if not future.cancel()}
    if stopped() and len(done) < len(names):
        raise KeyboardInterrupt
    if errors:
        kept = "" if folder is None else f"; what is done is kept in {folder}, and the same call goes on from there"
        raise StudyError("; ".join(f"{name}: {error!r}" for name, error in errors.items()) + kept)
    return done


_BOARD: Any = None  # of a process that trains: what it shares with its parent
_PARENT = 0


def _join(board: Any, parent: int) -> None:
    """In a new process: Ctrl-C is the parent's to note; it tells through the board."""
    global _BOARD, _PARENT
    _BOARD, _PARENT = board, parent
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _work(todo: Plan, name: str, folder: Path | None, k: int) -> Result | None:
    def go_on(step: int) -> bool:
        _BOARD[k] = step
        if os.name == "posix" and os.getppid() != _PARENT:  # it was killed, and nobody would ever end this process
            os._exit(1)
        return not _BOARD[-1]

    return None if _BOARD[-1] else train_method(todo, name, folder, go_on)


# -- what is in a folder already -----------------------------------------------------------------------
def _settings(todo: Plan, name: str) -> dict[str, Any]:
    return as_dict(todo.methods[name]) | {"seeds": list(todo.seeds)}


def _found(todo: Plan, folder: Path) -> dict[str, Result]:
    """The results that a folder already has. RunError if they, or half-done ones, are of other settings or data."""
    if (folder / "config.toml").exists():
        raise files.RunError(f"{folder} holds a run, not a study: choose another folder (--out)")
    if any(folder.glob("*/config.toml")):
        held = run.read_table(folder / "data.npz").values if (folder / "data.npz").exists() else np.empty(0)
        if not np.array_equal(held, np.empty(0) if todo.data.table is None else todo.data.table.values):
            raise files.RunError(f"{folder} holds a study of other data: choose another folder (--out)")
    done = {}
    for name in todo.methods:
        where = folder / name
        if not (where / "config.toml").exists():
            continue
        old, new = files.read_toml(where / "config.toml"), _settings(todo, name)
        changed = [key for key in old | new if old.get(key) != new.get(key)]
        if changed:
            listed = "; ".join(f"{key} {old.get(key)} there, {new.get(key)} now" for key in changed[:5])
            raise files.RunError(f"{where} has results of other settings ({listed}): "
                                 "ask for the same ones, or choose another folder (--out)")
        if (where / "table.csv").exists():
            samples = files.read_arrays(where / "samples.npz")["samples"]
            seconds = float(files.read_toml(where / "timing.toml")["seconds"])
            done[name] = Result(summary.read_rows(where / "table.csv"), samples, seconds)
    return done

