"""V. One run: data, training, measurements, pictures, run folders.

``toys.py`` distributions with known answers · ``data.py`` what to learn from · ``config.py`` every setting ·
``state.py`` how a run begins, ``steps.py`` its recorded steps, ``batches.py`` what they draw, ``train.py``
algorithms 1 and 2, ``history.py`` what is measured on the way · ``model.py`` a trained pair · ``metrics.py`` how
good samples are, ``reference.py`` what they are measured against, ``report.py`` what a finished run says ·
``picture.py`` its picture, ``curves.py`` the panels of its history, ``style.py`` how they look · ``run.py`` a run in
a folder, ``checkpoint.py`` its files · ``estimator.py`` all of it as one class.
"""

from minigan.lab.config import Config, configure
from minigan.lab.data import Data, data_from
from minigan.lab.estimator import GAN
from minigan.lab.metrics import scores
from minigan.lab.model import Model
from minigan.lab.reference import Reference, draw_reference
from minigan.lab.report import critic_distance, final_samples, final_table
from minigan.lab.toys import TOYS, Toy, toy
from minigan.lab.train import Training, TrainingError

__all__ = [
    "GAN", "TOYS", "Config", "Data", "Model", "Reference", "Toy", "Training", "TrainingError", "configure",
    "critic_distance", "data_from", "draw_reference", "final_samples", "final_table", "scores", "toy",
]
