"""Every equation of the notes as an executable claim: a folder per chapter, a file per subject.

``claim.py`` what a claim is · ``faults.py`` mistakes that it must notice · ``routes.py`` other routes to a value ·
``divergences/`` D1– · ``game/`` G1– · ``transport/`` W1– · ``errata/`` E1–, where the notes are wrong or disagree.
``minigan verify`` runs them all.
"""

from minigan.claims import divergences, errata, game, transport
from minigan.claims.claim import CLAIMS, Check, Claim, Verdict, select, self_test, verify
from minigan.claims.page import comparison, markdown

__all__ = ["CLAIMS", "Check", "Claim", "Verdict", "comparison", "divergences", "errata", "game", "markdown", "select",
           "self_test", "transport", "verify"]
