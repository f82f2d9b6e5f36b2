"""Time per iteration against the size of the problem: WGAN-GP with ReLU, each contender at its best."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from minigan.lab.style import CRITIC, DATA, DPI, FAINT, GENERATOR, MODES, style
from tests.benchmarks.contenders import EAGER, FLOOR, JAX, MINIGAN
from tests.benchmarks.problem import Problem
from tests.benchmarks.table import best, size
from tests.benchmarks.timing import Result

# label -> colour, dashes, marker: the dashes and markers tell them apart in grey
LINES = {
    "HIPS autograd": ("#56B4E9", ":", "v"),
    EAGER: (CRITIC, "--", "s"),
    "PyTorch compiled": ("#CC79A7", "-.", "D"),
    JAX: (MODES, (0, (5, 1, 1, 1, 1, 1)), "^"),
    MINIGAN: (GENERATOR, "-", "o"),
    FLOOR: (DATA, (0, (1, 1)), "_"),
}


def picture(measured: Sequence[tuple[Problem, Sequence[Result]]], path: Path) -> None:
    """Lines from S to L on a logarithmic axis of milliseconds; nothing if that was not measured."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    found = [(p, results) for p, results in measured if (p.recipe, p.activation) == ("wgan-gp", "relu")]
    if not found:
        return
    with style():
        figure, ax = plt.subplots(figsize=(7, 4.6), layout="constrained")
        for label, (colour, dashes, marker) in LINES.items():
            timings = [best(results, label) for _, results in found]
            points = [(k, timing.median * 1e3) for k, timing in enumerate(timings) if timing]
            if points:
                ax.plot(*zip(*points, strict=True), color=colour, linestyle=dashes, marker=marker, label=label,
                        linewidth=2.4 if label == MINIGAN else 1.6, markersize=6, zorder=3 if label == MINIGAN else 2)
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter("{x:g}")
        ax.set_xticks(range(len(found)), [
            f"{size(p)}\n{p.depth} × {p.width}, batch {p.batch}" for p, _ in found])
        ax.margins(x=0.08)
        ax.grid(axis="y", which="major")
        ax.grid(axis="y", which="minor", color=FAINT, alpha=0.25)
        ax.set_title("One iteration of WGAN-GP (ReLU, float32), in ms", pad=10)
        ax.legend(loc="upper left", frameon=False, handlelength=3.2)
        figure.savefig(path, dpi=DPI)
        plt.close(figure)
