"""V. One run: data, training, measurements, pictures, run folders."""

from minigan.lab.config import Config, configure
from minigan.lab.data import Data, data_from
from minigan.lab.estimator import GAN
from minigan.lab.model import Model
from minigan.lab.reference import Reference, draw_reference, memorised, scores
from minigan.lab.report import critic_distance, final_samples, final_table
from minigan.lab.toys import TOYS, Toy, toy
from minigan.lab.train import Training, TrainingError

__all__ = [
    "GAN", "TOYS", "Config", "Data", "Model", "Reference", "Toy", "Training", "TrainingError", "configure",
    "critic_distance", "data_from", "draw_reference", "final_samples", "final_table", "memorised", "scores", "toy",
]
