"""``GAN``: the whole laboratory as one estimator, in the manner of scikit-learn's density estimators.

scikit-learn is no dependency: its tools go by the names of methods, and by ``__sklearn_clone__`` and
``__sklearn_tags__``, which alone imports it.
"""

from __future__ import annotations

import copy
import operator
import warnings
from dataclasses import replace
from inspect import Parameter, Signature
from pathlib import Path
from typing import Any

import numpy as np

from minigan.lab import checkpoint as files
from minigan.lab import run
from minigan.lab.checkpoint import RunError
from minigan.lab.config import NAMES, Config, configure, read_settings
from minigan.lab.history import COLUMNS
from minigan.lab.metrics import W1_SAMPLES, wasserstein_1
from minigan.lab.model import Model
from minigan.lab.state import STREAMS, sampling_stream
from minigan.lab.table import Table, same_columns
from minigan.lab.train import Training
from minigan.registry import choose

# what the constructor takes, and the defaults, where a recipe has no other
PARAMETERS: dict[str, Any] = {"recipe": Config.recipe, "seed": Config.seed, "warm_start": False} | {
    name: getattr(configure(), name) for name in NAMES if name != "data"}


class NotFittedError(ValueError, AttributeError):
    """The estimator has been asked for what only ``fit`` (or ``load``) gives it."""


class GAN:
    """A generative adversarial network: ``GAN("wgan-gp", seed=0).fit(x).sample(1000)``.

    recipe: a name of ``gans.RECIPES``; settings: those of ``lab.config.Config``, by keyword, e.g.
    ``steps=5000, generator=(128, 128)``. A setting that is not given is the recipe's, whichever ``set_params`` or a
    grid may choose; ``get_params`` shows them all. warm_start: ``fit`` goes on from where the last one stopped.

    Raises ValueError for a setting that is unknown, out of range or against another, here and in ``set_params``, which
    then changes nothing: before the data are read, and not hours later.

    After ``fit`` or ``load``: ``config_`` the settings used, ``model_`` the players, ``history_`` the measurements, a
    dictionary of arrays by column, ``n_features_in_``, and ``feature_names_in_`` if the columns have names. After
    ``fit``: ``notes_``, what was read, how many rows are held out, the unit of distances; ``warnings_``, the signs that
    the run showed of going wrong.
    """

    def __init__(self, recipe: str = "wgan-gp", *, seed: int = 0, warm_start: bool = False, **settings: Any):
        for name in settings:
            if name == "data":
                raise ValueError("data is no setting of the estimator: give the data to fit(x)")
            choose(name, PARAMETERS, "setting")
        if not isinstance(warm_start, bool):
            raise ValueError(f"warm_start must be True or False, got {warm_start!r}")
        configure(recipe, seed=seed, **settings)  # refuses what is wrong
        self.recipe, self.seed, self.warm_start, self._settings = recipe, seed, warm_start, settings

    # what inspect and scikit-learn see, who do not know the table of settings
    __init__.__signature__ = Signature([  # type: ignore[attr-defined]
        Parameter("self", Parameter.POSITIONAL_OR_KEYWORD),
        *(Parameter(name, Parameter.POSITIONAL_OR_KEYWORD if name == "recipe" else Parameter.KEYWORD_ONLY,
                    default=default) for name, default in PARAMETERS.items())])

    # -- its parameters ------------------------------------------------------------------------
    @property
    def _given(self) -> dict[str, Any]:
        """What the constructor was given: what is not here is the recipe's."""
        return {"recipe": self.recipe, "seed": self.seed, "warm_start": self.warm_start, **self._settings}

    def _configure(self) -> Config:
        return configure(self.recipe, seed=self.seed, **self._settings)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Every parameter of the constructor with its value: as given, else the recipe's own, else the default."""
        config = self._configure()
        return {name: getattr(config, name, None) for name in PARAMETERS} | self._given

    def set_params(self, **params: Any) -> GAN:
        """Give these parameters too. ValueError if they are refused; then nothing has changed."""
        vars(self).update(vars(type(self)(**(self._given | params))))
        return self

    def __repr__(self) -> str:
        given = {name: value for name, value in self._given.items() if name != "warm_start" or value}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in given.items())})"

    def __sklearn_clone__(self) -> GAN:
        """Unfitted, and given no more than this one: what is the recipe's goes on to follow the recipe."""
        return type(self)(**copy.deepcopy(self._given))

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import Tags, TargetTags

        return Tags(estimator_type="density_estimator", target_tags=TargetTags(required=False))

    # -- training ------------------------------------------------------------------------------
    def fit(self, x: Any, y: Any = None, *, folder: str | Path | None = None, eager: bool = False) -> GAN:
        """Train on x: points (n, d), a toy's name, a file's path, or a sampler (rng, n) → (n, d).

        y: classes 0, 1, ... of the points, −1 where unknown, for a recipe with a critic of K classes; else ignored.

        folder: also leave a run folder there, as ``minigan train`` does. Warns of columns with far entries, or that
        count the rows. Raises ValueError for data that cannot be learned from, TrainingError when a loss or a
        parameter stops being finite, and then keeps what an earlier fit has learned. After Ctrl-C the estimator keeps
        what it has learned, and KeyboardInterrupt is raised.

        With ``warm_start``, a second fit takes the same players, their optimisers, random streams and scaling on to
        ``steps`` in all, which must have grown. With ``schedule="constant"`` these are the bits of one long fit; a
        linear schedule falls over all of ``steps``, so that its learning rate, 0 at the end of the first fit, rises
        again to where it stands in a fit of that length.
        """
        config, where = self._configure(), None if folder is None else Path(folder)
        if where is not None:
            run.refuse_taken(where)
        data = run.load_data(config, x, y if config.loss.head.name == "classes" else None)
        for doubt in () if data.table is None else data.table.doubts:
            warnings.warn(doubt, stacklevel=2)
        warm = self.warm_start and hasattr(self, "model_")
        if warm:
            self._points(data.table or Table(np.zeros((1, data.dim))))  # refuses other columns
            data = replace(data, scaling=self.model_.scaling)
        training = Training(replace(config, data=data.name), data, eager)
        if warm:
            self._go_on(training)
        if where is not None:
            run.begin(training, where)
        done = run.drive(training, where)
        self._fitted(training.model, training.checkpoint())
        self.notes_, self.warnings_ = data.notes, training.warnings
        if not done:
            raise KeyboardInterrupt
        if where is not None:
            run.finish(training, where)
        return self

    def _go_on(self, training: Training) -> None:
        """Put a training where the last fit stopped."""
        held = {f"state.{name}": value.shape for name, value in training.state.items()}
        if held != {name: x.shape for name, x in self._checkpoint.items() if name.startswith("state.")}:
            changed = [name for name in NAMES if getattr(training.config, name) != getattr(self.config_, name)]
            raise ValueError("warm_start goes on with the players of the last fit and their optimisers, which do not "
                             f"fit these settings (changed: {', '.join(changed)}): warm_start=False trains new ones")
        taken = int(self._checkpoint["step"])
        if training.config.steps <= taken:
            raise ValueError(f"warm_start goes on after {taken} steps: steps, of all fits together, must have grown; "
                             f"got {training.config.steps}")
        training.restore(self._checkpoint)

    def _fitted(self, model: Model, checkpoint: dict[str, np.ndarray]) -> None:
        self.config_, self.model_ = model.config, model
        self.history_ = {name: checkpoint["history"][0, :, k].copy() for k, name in enumerate(COLUMNS)}
        self._checkpoint, self._rng = checkpoint, sampling_stream(model.config.seed)

    # -- what it has learned -------------------------------------------------------------------
    def sample(self, n: int = 1, seed: int | None = None) -> np.ndarray:
        """n draws from the generator, (n, d) in data units; with a seed, always the same ones."""
        model, n = self._model(), _whole("n", n, 1)
        return model.sample(self._rng if seed is None else sampling_stream(_whole("seed", seed, 0)), n)

    def critic(self, x: Any) -> np.ndarray:
        """The critic's scores of points (n, d), (n,): its potential in ``model_.scaling.unit``, or logits."""
        return self._model().critic(self._points(x))[0]

    def score(self, x: Any, y: Any = None) -> float:
        """−W₁ between points x (n, d) and as many samples, of at most 1,024 each: higher is better, never above 0.

        In ``model_.scaling.unit``: the data's own, or, where columns were scaled apart, their standard deviations in
        the data of the fit. Of equal laws it is not 0 but what two samples of n points are apart. The same samples
        (and rows, of more than 1,024) at each call; y is ignored.
        """
        model, points = self._model(), self._points(x)
        rng = np.random.default_rng([model.config.seed, len(STREAMS) + 2])
        real = rng.choice(points, min(len(points), W1_SAMPLES), replace=False)
        seen = (model.scaling.to_net(x) for x in (real, model.sample(rng, len(real))))
        return -model.scaling.length * wasserstein_1(*seen)

    @property
    def n_features_in_(self) -> int:
        return len(self._model().scaling.shift)

    @property
    def feature_names_in_(self) -> np.ndarray:
        if not self._model().names:
            raise AttributeError("the columns of the data had no names")
        return np.array(self.model_.names, dtype=object)

    def _model(self) -> Model:
        if not hasattr(self, "model_"):
            raise NotFittedError("this GAN has not been trained yet: call fit(x), or GAN.load(folder)")
        return self.model_

    def _points(self, x: Any) -> np.ndarray:
        """Points of the same columns as those of the fit, (n, d) in float64."""
        return same_columns(x, self._model().names, self.n_features_in_)

    # -- to a folder and back ------------------------------------------------------------------
    def save(self, folder: str | Path) -> None:
        """Leave the estimator in a folder, fitted or not, for ``load``: no pickles, and all bits come back.

        The settings are in ``estimator.toml``; once fitted, ``minigan sample`` takes the folder as a run. The data
        are not saved. RunError if the folder holds a run already that is not such a saved estimator.
        """
        folder, own = Path(folder), Path(folder) / "estimator.toml"
        if not own.exists():
            run.refuse_taken(folder)
        run.make_folder(folder)
        saved: dict[str, Any] = {"parameters": {name: np.asarray(v).tolist() for name, v in self._given.items()}}
        if hasattr(self, "model_"):
            saved["stream"] = str(files.pack_streams([{"samples": self._rng}]))
            run.write_config(folder, self.config_, self.model_)
            run.write_checkpoint(folder, self._checkpoint)
        else:
            (folder / "config.toml").unlink(missing_ok=True)  # of an earlier save, which had more to say
        files.write_toml(own, saved)

    @classmethod
    def load(cls, folder: str | Path) -> GAN:
        """The estimator of a run folder, at its last checkpoint, or one that was saved. RunError if it is neither."""
        folder, own = Path(folder), Path(folder) / "estimator.toml"
        saved = files.read_toml(own) if own.exists() else {}
        parameters = saved.get("parameters")
        if own.exists() and not isinstance(parameters, dict):
            raise RunError(f"{own} has no table [parameters]")
        if parameters is not None and not (folder / "config.toml").exists():  # saved before it was fitted
            return cls(**_with_tuples(parameters))
        model, checkpoint = run.load_model(folder), files.read_checkpoint(folder)
        gan = cls(**(_chosen(model.config) if parameters is None else _with_tuples(parameters)))
        gan._fitted(model, checkpoint)
        if "stream" in saved:
            files.unpack_streams(saved["stream"], [{"samples": gan._rng}])
        return gan


def _chosen(config: Config) -> dict[str, Any]:
    """The settings of a configuration that are read, and are not its recipe's own."""
    own, read = configure(config.recipe), read_settings(config)
    chosen = {name: read[name] for name in PARAMETERS if name in read and read[name] != getattr(own, name)}
    return {"recipe": config.recipe, "seed": config.seed} | chosen


def _with_tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}


def _whole(name: str, value: Any, least: int) -> int:
    """value as an int; ValueError unless it is a whole number, of any type that has such, and at least ``least``."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if isinstance(value, bool) or number < least:
        raise ValueError(f"{name} must be a whole number, at least {least}, got {value!r}")
    return number
