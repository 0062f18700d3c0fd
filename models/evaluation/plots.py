"""Points with intervals: models by hour, the leading model by subgroup, and its differences from the others."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from models.evaluation.refuse import Figure as Value
from models.evaluation.svg import FIRST, INK, QUIET, SECOND, svg_of

Document = Mapping[str, Any]
ROW, HEAD = 0.26, 0.95
"""Inches of a row, and of what stands around the rows."""
DIFFERENCES = {
    "auc": "AUC (right: better)",
    "auprc": "Average precision (right: better)",
    "brier": "Brier (left: better)",
}


def leading(document: Document) -> str:
    """The model that the others are compared with: the first."""
    return str(next(iter(document["models"])))


def auc_by_hour(document: Document) -> str:
    """The AUC of every model at each landmark."""
    models = list(document["models"])
    hours = list(document["models"][leading(document)]["landmarks"])
    colors = [FIRST] + [SECOND] * (len(models) - 1)

    def draw(figure: Figure) -> None:
        axes = figure.subplots(1, len(hours), sharex=True, sharey=True, squeeze=False)[0]
        for one, hour in zip(axes, hours, strict=True):
            one.set_title(f"{hour} h")
            _points(one, [document["models"][name]["landmarks"][hour]["auc"] for name in models], colors)
            _names(one, models)
        figure.supxlabel("AUC with 95 % interval", fontsize=8.5)

    label = "AUC of each model by hour of the call, with intervals"
    return svg_of(draw, "auc_by_hour", label, HEAD + ROW * len(models))


def subgroups(document: Document) -> str:
    """AUC and observed to expected of the leading model in each schedule and subgroup."""
    held = document["models"][leading(document)]
    names = {f"schedule: {name}": figures for name, figures in held["schedules"].items()} | held["subgroups"]
    families = [name.partition(": ")[0] for name in names]
    colors = [(SECOND, FIRST)[list(dict.fromkeys(families)).index(family) % 2] for family in families]

    def draw(figure: Figure) -> None:
        axes = figure.subplots(1, 2, sharey=True)
        columns = (("auc", "AUC"), ("observed_to_expected", "Observed to expected"))
        for one, (metric, title) in zip(axes, columns, strict=True):
            one.set_title(title)
            _points(one, [figures[metric] for figures in names.values()], colors)
            _names(one, [f"{name}   ({held['auc']['events']} of {held['auc']['n']})" for name, held in names.items()])
        axes[1].axvline(1, color=QUIET, linestyle=":", linewidth=1)

    label = f"AUC and observed to expected of {leading(document)} by schedule and subgroup, with intervals"
    return svg_of(draw, "subgroups", label, HEAD + ROW * len(names))


def paired(document: Document) -> str:
    """How far the leading model is from each of the others at the primary landmark."""
    lead, hour = leading(document), f"{document['plan']['primary_h']:g}"
    pairs = [one for one in document["paired"] if one["model"] == lead and one["rows"] == hour]
    others = list(dict.fromkeys(one["other"] for one in pairs))

    def draw(figure: Figure) -> None:
        for one, (metric, title) in zip(figure.subplots(1, 3, sharey=True), DIFFERENCES.items(), strict=True):
            one.set_title(title)
            _points(one, [pair for pair in pairs if pair["metric"] == metric], [SECOND] * len(others))
            one.axvline(0, color=QUIET, linestyle=":", linewidth=1)
            _names(one, others)

    label = f"Differences of {lead} from each other model at {hour} h, with intervals"
    return svg_of(draw, "paired", label, HEAD + ROW * len(others))


def _points(axes: Axes, values: Sequence[Value], colors: Sequence[str]) -> None:
    """A point and its interval in each line, from the top; a refused one is said."""
    for place, (one, color) in enumerate(zip(values, colors, strict=True)):
        if one["value"] is None:
            where = axes.get_yaxis_transform()
            axes.text(0.5, place, "not given", transform=where, ha="center", va="center", color=QUIET, fontsize=7.5)
            continue
        if one["low"] is not None:
            axes.plot([one["low"], one["high"]], [place, place], color=color)
        axes.plot(one["value"], place, "o", markersize=4, color=color)
    axes.set_ylim(len(values) - 0.4, -0.6)
    axes.margins(x=0.08)
    axes.xaxis.set_major_locator(MaxNLocator(4))


def _names(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), list(names), color=INK)
    axes.grid(visible=False, axis="y")
