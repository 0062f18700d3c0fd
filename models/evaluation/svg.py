"""Plots as SVG inside a page: no files, no state left behind, colors from the page's own variables."""

import re
from collections.abc import Callable, Sequence
from html import escape
from io import StringIO
from textwrap import fill
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, QUIET, LINE = "#1b2430", "#5d6875", "#d4dae1"
FIRST, SECOND = "#c04a00", "#0072b2"
"""Vermilion and blue after Okabe and Ito: told apart in every common form of color blindness, and by their dashes."""

VARIABLES = {INK: "--ink", QUIET: "--quiet", LINE: "--line", FIRST: "--first", SECOND: "--second"}
"""What each color is called in the page, where a dark page has light ink."""

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none", "text.parse_math": False, "font.family": "DejaVu Sans", "font.size": 8.5,
    "axes.titlesize": 9, "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.labelsize": 8.5,
    "text.color": INK, "axes.labelcolor": INK, "axes.titlecolor": INK, "axes.edgecolor": QUIET,
    "xtick.color": QUIET, "ytick.color": QUIET, "xtick.labelcolor": INK, "ytick.labelcolor": INK,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": LINE,
    "grid.linewidth": 0.6, "axes.axisbelow": True, "lines.linewidth": 1.6, "legend.frameon": False,
    "figure.constrained_layout.h_pad": 0.09,
}  # fmt: skip
NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))

WIDTH = 10.0
"""Inches; with the page's own width this makes the letters about 12 pixels high."""
MOST_COLUMNS = 4


def svg_of(draw: Callable[[Figure], None], name: str, label: str, height: float) -> str:
    """What ``draw`` puts on a figure, as an ``svg`` element; ``label`` is read out instead of it.

    ``name`` keeps the ids of several plots in a page apart.
    """
    with rc_context(STYLE | {"svg.hashsalt": name}):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        draw(figure)
        held = StringIO()
        figure.savefig(held, format="svg", transparent=True, metadata=NO_METADATA)
    return _inline(held.getvalue(), label)


def panels(figure: Figure, names: Sequence[str], **shared: Any) -> list[Axes]:
    """One titled pair of axes a name, up to four abreast."""
    columns = min(len(names), MOST_COLUMNS)
    rows = -(-len(names) // columns)
    axes: list[Axes] = list(figure.subplots(rows, columns, squeeze=False, **shared).flat)
    for one, name in zip(axes, names, strict=False):
        one.set_title(fill(name, 32))
        one.tick_params(labelbottom=True)
    for empty in axes[len(names) :]:
        empty.remove()
    return axes[: len(names)]


def panel_rows(names: Sequence[str]) -> int:
    """How many rows of panels so many names need."""
    return -(-len(names) // MOST_COLUMNS)


def say_refused(axes: Axes, why: str) -> None:
    """The reason in place of a plot."""
    axes.text(0.5, 0.5, fill(f"Not given: {why}", 28), transform=axes.transAxes, ha="center", va="center", color=QUIET)


def _inline(svg: str, label: str) -> str:
    """The element alone: no address, no size, no style of its own for the page, no id that nothing refers to."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r'\sxmlns(:\w+)?="[^"]*"|\sid="(?![mp][0-9a-f]{10}")[^"]*"|<style.*?</style>', "", body)
    body = re.sub(r'\s(width|height)="[^"]*pt"', "", body, count=2)
    for color, variable in VARIABLES.items():
        body = body.replace(color, f"var({variable})")
    return body.replace("<svg", f'<svg class="plot" role="img" aria-label="{escape(label)}"', 1)
