"""Every equation of the notes as an executable claim: a file per chapter.

``claim.py`` what a claim is · ``routes.py`` other routes to a value · ``divergences.py`` D1– · ``game.py``,
``gradients.py``, ``dynamics.py``, ``systems.py``, ``collapse.py``, ``stabilizers.py`` G1– · ``transport.py`` W1– ·
``errata.py`` E1–: where the notes are wrong, or disagree. ``minigan verify`` runs them all.
"""

from minigan.claims import collapse, divergences, dynamics, errata, game, gradients, stabilizers, systems, transport
from minigan.claims.claim import CLAIMS, Check, Claim, Verdict, select, self_test, verify
from minigan.claims.page import markdown

__all__ = ["CLAIMS", "Check", "Claim", "Verdict", "collapse", "divergences", "dynamics", "errata", "game", "gradients",
           "markdown", "select", "self_test", "stabilizers", "systems", "transport", "verify"]
