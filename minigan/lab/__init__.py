"""V. The laboratory: data, training, measurements, pictures, run folders.

``toys.py`` distributions with known answers · ``data.py`` what to learn from · ``config.py`` every
setting · ``train.py`` the algorithms · ``model.py`` a trained pair · ``metrics.py`` how good it is · ``plots.py``
its picture · ``checkpoint.py`` files · ``run.py`` a run in a folder · ``estimator.py`` all of it as one class ·
``selfcheck.py`` does it work on this device? Every primitive of ``primitive_rows.py``, trainings, time.
"""

from minigan.lab.config import Config, configure
from minigan.lab.data import Data, data_from
from minigan.lab.estimator import GAN
from minigan.lab.model import Model
from minigan.lab.toys import TOYS, Toy, toy
from minigan.lab.train import Training, TrainingError

__all__ = [
    "GAN", "TOYS", "Config", "Data", "Model", "Toy", "Training", "TrainingError", "configure", "data_from", "toy",
]
