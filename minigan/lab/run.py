"""A run in a folder: start or resume it, save it as it goes, leave its results.

``config.toml`` the settings, and the scaling of the columns · ``checkpoint.npz`` all that a continued run needs ·
``history.csv`` the measurements · ``samples.npz`` draws from the trained generator · ``scores.csv`` what
they are worth · ``report.png`` the picture · ``data.npz`` the user's own rows, so that the folder stands alone.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from minigan.gans.recipes import RECIPES
from minigan.lab import checkpoint as files
from minigan.lab.checkpoint import RunError
from minigan.lab.config import Config, as_dict, from_dict
from minigan.lab.data import Data, data_from
from minigan.lab.history import COLUMNS
from minigan.lab.model import Model
from minigan.lab.report import Report, final_report
from minigan.lab.scaling import Scaling
from minigan.lab.state import EVALUATED, STREAMS
from minigan.lab.table import Table
from minigan.lab.train import Training


def start(config: Config, source: Any, folder: Path, eager: bool = False, labels: Any = None) -> Training:
    """A new run on ``source`` (see data_from) in ``folder``, which must not hold one already."""
    refuse_taken(folder)
    data = load_data(config, source, labels)
    training = Training(replace(config, data=data.name), data, eager)
    begin(training, folder)
    return training


def refuse_taken(folder: Path) -> None:
    if (folder / "config.toml").exists():
        raise RunError(f"{folder} already holds a run: choose another folder (--out), or continue it (--resume)")


def begin(training: Training, folder: Path) -> None:
    """Make the folder of a run: its data, its settings, and where it stands."""
    make_folder(folder)
    if training.data.table is not None:
        write_table(folder / "data.npz", training.data.table)
    write_config(folder, training.config, training.data)
    save(training, folder)


def make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder} cannot be made a folder: {error.strerror}") from error


def load_data(config: Config, source: Any, labels: Any = None) -> Data:
    """The data of a configuration. A sampler's scaling has a stream of its own, the same for every seed."""
    rng = np.random.default_rng([0, len(STREAMS)])
    return data_from(source, config.standardize, rng, labels, config.holdout, config.header)


def write_config(folder: Path, config: Config, of: Data | Model) -> None:
    """The settings, and the names and the scaling of the columns."""
    scaling = of.scaling
    columns = {"names": list(of.names), "shift": scaling.shift.tolist(), "scale": scaling.scale.tolist()}
    files.write_toml(folder / "config.toml", as_dict(config) | {"columns": columns})


def write_table(path: Path, table: Table) -> None:
    """The user's own rows, all of them, so that the folder stands alone."""
    more = {"names": table.names, "labels": table.labels}
    files.write_arrays(path, {"values": table.values, **{k: np.array(v) for k, v in more.items() if v is not None}})


def read_table(path: Path) -> Table:
    held = files.read_arrays(path)
    names = tuple(map(str, held["names"])) if "names" in held else None
    return Table(held["values"], names, labels=held.get("labels"))


@files.reads_folder
def resume(folder: Path, source: Any = None, eager: bool = False, device: str | None = None,
           steps: int | None = None) -> Training:
    """The run in ``folder`` at its last checkpoint. ``source``: only for a sampler given from Python.

    device: where to go on, if elsewhere: a checkpoint knows no device. steps: how many there shall be in all, if
    another number than at first; from now on the folder's own. With constant schedules the bits are those of a run
    that had so many from the start; others fall over all of the steps, the new number, and so rise again at first.
    """
    config, _ = read_config(folder)
    checkpoint = files.read_checkpoint(folder)
    taken = int(checkpoint["step"])
    if steps is not None and steps < taken:
        raise RunError(f"{folder} has taken {taken} steps already: --steps must be at least that, got {steps}")
    config = replace(config, steps=config.steps if steps is None else steps)
    placed = config if device is None else replace(config, device=device)
    if (folder / "data.npz").exists():
        source = read_table(folder / "data.npz")
    data = load_data(config, config.data if source is None else source)
    data = replace(data, name=config.data, scaling=load_model(folder).scaling)  # which a warm start has kept
    training = Training(placed, data, eager)
    training.restore(checkpoint)
    if steps is not None:
        write_config(folder, config, data)
    return training


@files.reads_folder
def read_config(folder: Path) -> tuple[Config, dict[str, Any]]:
    """The configuration of a run folder, and what it knows of the data's columns: names, shift, scale."""
    values = files.read_toml(folder / "config.toml")
    columns = values.pop("columns", None)
    if columns is None:
        raise RunError(f"{folder / 'config.toml'} has no table [columns]")
    if str(values.get("recipe")) not in RECIPES:
        raise RunError(f"{folder} holds a run of the recipe {values.get('recipe')!r}, which is not known here: "
                       "run the code that registers it (minigan.gans.register) before this")
    return from_dict(values), columns


@files.reads_folder
def load_model(folder: Path) -> Model:
    """The players of a run folder at its last checkpoint."""
    config, columns = read_config(folder)
    state = files.read_checkpoint(folder)
    known = {name: state[f"state.{name}"] for name in EVALUATED if f"state.{name}" in state}
    shift, scale = np.array([columns["shift"], columns["scale"]], float)
    names = tuple(columns["names"])
    if not known.keys() >= {"theta", "w"} or len(names) not in (0, len(shift)):
        raise RunError(f"{folder} is damaged: it lacks a player, or the name of a column")
    return Model(config, Scaling(config.standardize, shift, scale), known, names)


def save(training: Training, folder: Path) -> None:
    """Write the checkpoint and the history: the run so far."""
    write_checkpoint(folder, training.checkpoint())


def write_checkpoint(folder: Path, checkpoint: dict[str, np.ndarray]) -> None:
    """What ``Training.checkpoint`` gives, and its history as a table."""
    files.write_arrays(folder / "checkpoint.npz", checkpoint)
    files.write_table(folder / "history.csv", COLUMNS, checkpoint["history"][0].tolist())


def finish(training: Training, folder: Path) -> Report:
    """Write the samples, the scores and the picture of a finished run; what the picture says in words, too."""
    from minigan.lab.picture import draw_report, save_picture

    report = final_report(training)
    files.write_arrays(folder / "samples.npz", {"samples": report.samples})
    files.write_table(folder / "scores.csv", report.columns,
                      [[row.get(name, np.nan) for name in report.columns] for row in report.table])
    figure = draw_report(training.model, training.data, report.samples, training.history, COLUMNS, report)
    save_picture(figure, folder / "report.png")
    return report


def drive(training: Training, folder: Path | None = None, watch: Callable[[Training], None] | None = None) -> bool:
    """Train to the end, saving at each measurement; False if Ctrl-C stopped it, cleanly, after a step.

    watch: called after each step. On TrainingError the last good checkpoint stays in the folder.
    """
    with interruptible() as stopped:
        for _ in training.run():
            last = stopped()  # asked once a step: what comes later ends the next one, which is saved
            if folder is not None and (training.due() or last):
                if not training.due():
                    training.check_health()
                save(training, folder)
            if watch is not None:
                watch(training)
            if last:
                return training.step == training.config.steps
    return True


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Within, the first Ctrl-C is only noted (the yielded function tells), the second one raises.

    A KeyboardInterrupt in the middle of a step would leave its state half updated.
    """
    pressed: list[int] = []

    def note(number: int, frame: Any) -> None:
        pressed.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)

