"""``GAN``: the whole laboratory as one estimator, in the manner of scikit-learn's density estimators."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from minigan.arrays import to_host
from minigan.lab import run
from minigan.lab.config import Config, configure, read_settings
from minigan.lab.history import COLUMNS
from minigan.lab.model import Model
from minigan.lab.state import sampling_stream
from minigan.lab.train import Training


class NotFittedError(ValueError, AttributeError):
    """The estimator has been asked for what only ``fit`` (or ``load``) gives it."""


class GAN:
    """A generative adversarial network: ``GAN("wgan-gp", seed=0).fit(x).sample(1000)``.

    recipe: a name of ``gans.RECIPES``; settings: those of ``lab.config.Config``, by keyword, e.g.
    ``steps=5000, generator=(128, 128)``. Raises ValueError for a setting that is unknown or out of range.

    After ``fit`` or ``load``: ``config_`` the settings used, ``model_`` the players, and after ``fit``
    ``history_`` the measurements, a dictionary of arrays by column.
    """

    def __init__(self, recipe: str = "wgan-gp", *, seed: int = 0, **settings: Any):
        self.recipe, self.seed, self.settings = recipe, seed, settings
        self._configure()

    def _configure(self) -> Config:
        return configure(self.recipe, seed=self.seed, **self.settings)

    def fit(self, x: Any, y: Any = None, *, folder: str | Path | None = None, eager: bool = False) -> GAN:
        """Train on x: points (n, d), a toy's name, a file's path, or a sampler (rng, n) → (n, d).

        y: classes 0, 1, ... of the points, −1 where unknown, for a recipe with a critic of K classes; else ignored.

        folder: also leave a run folder there, as ``minigan train`` does. Raises ValueError for data that cannot
        be learned from, TrainingError when a loss or a parameter stops being finite. After Ctrl-C the
        estimator keeps what it has learned, and KeyboardInterrupt is raised.
        """
        config = self._configure()
        where = None if folder is None else Path(folder)
        labels = y if config.loss.head.name == "classes" else None
        if where is None:
            training = Training(config, run.load_data(config, x, labels), eager)
        else:
            training = run.start(config, x, where, eager, labels)
        done = run.drive(training, where)
        self._fitted(training.config, training.model)
        self.history_ = dict(zip(COLUMNS, np.array(training.history).reshape(-1, len(COLUMNS)).T, strict=True))
        if not done:
            raise KeyboardInterrupt
        if where is not None:
            run.finish(training, where)
        return self

    def _fitted(self, config: Config, model: Model) -> None:
        self.config_, self.model_ = config, model
        self._rng = sampling_stream(config.seed)

    def _model(self) -> Model:
        if not hasattr(self, "model_"):
            raise NotFittedError("this GAN has not been trained yet: call fit(x), or GAN.load(folder)")
        return self.model_

    def sample(self, n: int = 1, seed: int | None = None) -> np.ndarray:
        """n draws from the generator, (n, d) in data units; with a seed, always the same ones."""
        return self._model().sample(self._rng if seed is None else sampling_stream(seed), n)

    def critic(self, x: Any) -> np.ndarray:
        """The critic's scores of points (n, d): its potential in units of x, or a discriminator's logits. (n,)."""
        return self._model().critic(to_host(x))[0]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's arguments, as scikit-learn's tools want them."""
        return {"recipe": self.recipe, "seed": self.seed, **self.settings}

    def set_params(self, **params: Any) -> GAN:
        self.recipe, self.seed = params.pop("recipe", self.recipe), params.pop("seed", self.seed)
        self.settings = self.settings | params
        self._configure()
        return self

    @classmethod
    def load(cls, folder: str | Path) -> GAN:
        """The estimator of a run folder, at its last checkpoint. RunError if it is not one."""
        model = run.load_model(Path(folder))
        gan = cls(**{name: value for name, value in read_settings(model.config).items() if name != "data"})
        gan._fitted(model.config, model)
        return gan

    def __repr__(self) -> str:
        return f"GAN({', '.join(f'{k}={v!r}' for k, v in self.get_params().items())})"
