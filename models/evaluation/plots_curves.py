"""A small panel a model: calibration, usefulness, incidence and NIHSS over time."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from models.evaluation.plots import Document
from models.evaluation.svg import FIRST, QUIET, SECOND, panel_rows, panels, say_refused, svg_of

PANEL = 2.35
GROUPS = {"flagged": "flagged", "not_flagged": "not flagged"}
TWO = ((FIRST, "-"), (SECOND, "--"))
ALL = "All admissions"
DAYS = range(0, 169, 48)


def calibration(document: Document) -> str:
    """Observed share against risk."""

    def panel(axes: Axes, held: Mapping[str, Any]) -> None:
        axes.plot([0, 1], [0, 1], color=QUIET, linestyle=":", linewidth=1)
        smooth = [(one["risk"], one["observed"]) for one in held["smooth"]]
        _band(axes, [risk for risk, _ in smooth], [value for _, value in smooth], SECOND, "-")
        for one in held["tenths"]:
            value = one["observed"]
            if value["value"] is not None:
                axes.plot([one["risk"]] * 2, [value["low"], value["high"]], color=FIRST, linewidth=1)
                axes.plot(one["risk"], value["value"], "o", markersize=3.5, color=FIRST)
        _bars(axes, held["histogram"])
        axes.set(xlim=(0, 1), ylim=(-0.12, 1), xlabel="risk", ylabel="share with END")

    return _by_model(document["calibration_curve"], panel, "calibration", "Share with END against risk")


def decision(document: Document) -> str:
    """Net benefit against threshold, beside flagging everybody and nobody."""
    held = document["decision_curve"]
    at, every = held["thresholds"], held["flag_all"]
    curves = [one for one in held["models"].values() if isinstance(one, list)]
    top = max((value["high"] or value["value"] for one in curves for value in one), default=0.1)

    def panel(axes: Axes, curve: Sequence[Mapping[str, Any]]) -> None:
        for other in curves:
            axes.plot(at, [one["value"] for one in other], color=QUIET, linewidth=0.7, alpha=0.45)
        _band(axes, at, every, QUIET, "--", band=False)
        axes.axhline(0, color=QUIET, linestyle=":", linewidth=1)
        _band(axes, at, curve, FIRST, "-")
        axes.set(ylim=(-0.03, top * 1.05), xlabel="threshold", ylabel="net benefit")

    return _by_model(held, panel, "decision", "Net benefit against threshold")


def incidence(document: Document) -> str:
    """Cumulative incidence of END with what competes, then of END among flagged and not flagged admissions."""
    held = document["cumulative_incidence"]
    every = {ALL: {"END": held["all"]["end"], "competing": held["all"]["competing"]}}
    groups = {name: _ends(model) for name, model in held["models"].items()}

    def panel(axes: Axes, curves: Mapping[str, Any]) -> None:
        for (name, curve), (color, dash) in zip(curves.items(), TWO, strict=True):
            if isinstance(curve, list):
                _band(axes, held["hours"], curve, color, dash, label=name)
        axes.set(ylim=(0, 1), xlabel="hours after arrival", ylabel="share by then", xticks=DAYS)
        _legend(axes, "upper left")

    return _by_model(held | {"models": every | groups}, panel, "incidence", "Cumulative incidence of END")


def _ends(model: Mapping[str, Any]) -> Mapping[str, Any]:
    return model if "refused" in model else {GROUPS[name]: model[name]["end"] for name in GROUPS}


def trajectories(document: Document) -> str:
    """Mean NIHSS over time of flagged and not flagged admissions."""

    def panel(axes: Axes, held: Mapping[str, Any]) -> None:
        for (group, name), (color, dash) in zip(GROUPS.items(), TWO, strict=True):
            given = [one for one in held[group] if one["nihss"]["value"] is not None]
            _band(axes, [one["until_h"] for one in given], [one["nihss"] for one in given], color, dash, label=name)
        axes.set(xlabel="hours after arrival", ylabel="mean NIHSS", xticks=DAYS)
        axes.set_ylim(bottom=0)
        _legend(axes, "lower left")

    return _by_model(document["trajectories"], panel, "trajectories", "Mean NIHSS over time")


def _by_model(held: Mapping[str, Any], panel: Callable[[Axes, Any], None], name: str, label: str) -> str:
    """One panel a model; where a model has nothing to show, the reason."""
    models = held["models"]

    def draw(figure: Figure) -> None:
        for axes, one in zip(panels(figure, list(models), sharex=True, sharey=True), models.values(), strict=True):
            if isinstance(one, Mapping) and "refused" in one:
                say_refused(axes, one["refused"])
            else:
                panel(axes, one)

    return svg_of(draw, name, f"{label}, one panel a model, at {held['hour']:g} h", PANEL * panel_rows(list(models)))


def _band(  # a curve with the interval around it
    axes: Axes, at: Sequence[float], values: Sequence[Mapping[str, Any]], color: str, dash: str,
    *, band: bool = True, label: str | None = None,
) -> None:  # fmt: skip
    axes.plot(at, [one["value"] for one in values], color=color, linestyle=dash, label=label)
    low, high = ([one[end] for one in values] for end in ("low", "high"))
    if band and None not in low:
        axes.fill_between(at, low, high, color=color, alpha=0.2, linewidth=0)


def _legend(axes: Axes, place: Literal["upper left", "lower left"]) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc=place)
    else:
        say_refused(axes, "too few admissions in each group")


def _bars(axes: Axes, held: Mapping[str, Sequence[float]]) -> None:
    """How many rows have which risk, below the axis."""
    edges, rows = held["edges"], held["rows"]
    scale = 0.1 / max(rows)
    width = edges[1] - edges[0]
    axes.bar(edges[:-1], [scale * one for one in rows], width, bottom=-0.12, align="edge", color=QUIET, alpha=0.5)
