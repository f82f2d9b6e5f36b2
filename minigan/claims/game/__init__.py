"""G: the best discriminator, a generator's gradients, how the play goes, what each system's losses see.

``batches.py`` laws laid out as batches · ``discriminator.py`` G1–G5, G11, G23 · ``generators.py`` G24, G25 ·
``gradients.py`` G6–G10, G22 · ``dynamics.py`` G12–G14 · ``energies.py`` G15, G16 · ``scores.py`` G26–G28: f-GAN,
hinge, relativistic · ``unrolling.py`` G17 · ``collapse.py`` G18–G20, G29, G31 · ``stabilizers.py`` G21, G30, G32,
G33.
"""

from minigan.claims.game import (
    collapse,
    discriminator,
    dynamics,
    energies,
    generators,
    gradients,
    scores,
    stabilizers,
    unrolling,
)

__all__ = ["collapse", "discriminator", "dynamics", "energies", "generators", "gradients", "scores", "stabilizers",
           "unrolling"]
