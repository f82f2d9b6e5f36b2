"""How the laboratory's pictures look: one colour for each actor, and a line style.

Grey print tells them apart too: the data black and grey, the generator blue, the critic vermilion (of
Okabe & Ito's palette, which colour-blind eyes can tell). Matplotlib is imported when a picture is made.
"""

import os
import sys
from contextlib import AbstractContextManager, suppress
from typing import Any

DATA, FAINT, GENERATOR, CRITIC, MODES = "black", "#b8b8b8", "#0072B2", "#D55E00", "#00734F"
SURFACE = ("#ffffff", "#fdf0d5", "#f7d595", "#e69f00")  # light at either end: dark arrows stay legible
STYLE = {
    "font.size": 10.5, "axes.titlesize": 12.5, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.titlepad": 22, "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True,
    "legend.framealpha": 0.9, "legend.edgecolor": "none", "legend.fontsize": 10, "legend.borderpad": 0.2,
    "legend.columnspacing": 1, "legend.handlelength": 1.7, "legend.handletextpad": 0.5,
    "grid.color": "#e6e6e6", "grid.linewidth": 0.8,
}
DPI = 130


def find_matplotlib() -> None:
    """Import matplotlib, whatever MPLBACKEND says: a Figure needs no backend, and that of a notebook may be missing."""
    if "matplotlib" in sys.modules:
        return
    backend = os.environ.pop("MPLBACKEND", None)
    try:
        import matplotlib
    finally:
        os.environ |= {} if backend is None else {"MPLBACKEND": backend}
    with suppress(ValueError):  # pyplot, if somebody uses that, is to have what was asked for
        matplotlib.rcParams |= {} if backend is None else {"backend": backend}


def new_figure(**options: Any) -> Any:
    """A matplotlib Figure."""
    find_matplotlib()
    from matplotlib.figure import Figure

    return Figure(**options)


def style() -> AbstractContextManager:
    """Within: matplotlib's own defaults and STYLE, whatever the reader's matplotlibrc says."""
    find_matplotlib()
    from matplotlib import style as sheets

    return sheets.context(["default", STYLE])


def use() -> None:
    """The same for the rest of the program: for scripts, which draw with pyplot."""
    find_matplotlib()
    from matplotlib import style as sheets

    sheets.use(["default", STYLE])


def title(ax: Any, text: str, about: str) -> None:
    """A panel's title, and a line below it."""
    ax.set_title(text)
    for axis in (ax.xaxis, ax.yaxis):  # no power of ten over the axis, where the text stands
        axis.set_major_formatter("{x:.7g}")
    ax.annotate(about, (0, 1), xytext=(0, 6), xycoords="axes fraction", textcoords="offset points", color="#444444")


def plural(n: int, noun: str) -> str:
    """1 seed, 2 seeds, 3,000 steps."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def legend_above(ax: Any, **options: Any) -> None:
    """A legend beside the title, where it hides nothing."""
    from matplotlib.transforms import offset_copy

    above = offset_copy(ax.transAxes, ax.figure, y=18, units="points")
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), bbox_transform=above, ncols=2, frameon=False, borderaxespad=0,
              **options)
