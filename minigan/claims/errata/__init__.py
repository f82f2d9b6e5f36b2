"""E: where the notes are wrong, or disagree. Each has a counterexample in numbers, and what is true.

A claim's statement says what the note says (in our words), its ``truth`` what is so; its checks are the
counterexample. ``minigan verify errata --markdown docs/errata.md`` writes them as a page.

``divergences.py`` E1, E6, E7, E9, E17, E20 · ``game.py`` E2, E3, E8, E11, E12, E16, E21 · ``transport.py`` E4, E5,
E10, E13–E15, E18, E19, E22.
"""

from minigan.claims.errata import divergences, game, transport

__all__ = ["divergences", "game", "transport"]
