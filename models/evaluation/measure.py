"""Every metric of one model on one slice, and the differences between two models on the same draws."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from models.evaluation.calibration import ici_in
from models.evaluation.counted import counted_in, counted_once
from models.evaluation.intervals import Draws
from models.evaluation.metrics import CALIBRATION, RANKING, flagging
from models.evaluation.ranking import FLAGGING, Metric
from models.evaluation.refuse import NO_PROBABILITY, NO_THRESHOLD, Figure, figure_of, refused, too_few
from models.evaluation.rows import Floats, Scored
from models.evaluation.slices import Slice

PAIRED = ("auc", "auprc", "brier")


@dataclass(frozen=True)
class Measured:
    """A metric's value on the rows, and in every draw of them."""

    value: float
    draws: Floats


@dataclass(frozen=True)
class Answer:
    """What a model's metrics are on a slice; where one is refused, why."""

    chosen: Slice
    measured: Mapping[str, Measured]
    why_not: Mapping[str, str]

    def figures(self) -> dict[str, Figure]:
        """The metrics as they are written down."""
        n, events = self.chosen.n, self.chosen.events
        held = {name: figure_of(one.value, one.draws, n, events) for name, one in self.measured.items()}
        return held | {name: refused(why, n, events) for name, why in self.why_not.items()}


def answer(draws: Draws, chosen: Slice, model: Scored, fewest: int) -> Answer:
    """Every metric that the model and the slice allow.

    Values are exact; draws are computed on `counted.MOST_GROUPS` groups of risk and moved by what the
    grouping changes in the value itself (the loess of the ICI is on these groups throughout).
    """
    wanted, why_not = _wanted(chosen, model)
    if why := too_few(chosen.having, chosen.free, fewest):
        asked = () if chosen.ranking_only else FLAGGING
        return Answer(chosen, {}, dict.fromkeys([*wanted, *asked, *why_not], why))
    risk = model.risks[chosen.rows]
    exact = counted_once(chosen.outcome, risk)
    grouped = counted_in(draws, chosen.rows, chosen.outcome, risk)
    found: dict[str, Measured] = {}
    for name, metric in wanted.items():
        drawn = metric(grouped)
        value = float(drawn[0]) if metric is ici_in else float(metric(exact)[0])
        found[name] = Measured(value, drawn[1:] + (value - drawn[0]))
    return Answer(chosen, found | _flagging(draws, chosen, model, why_not), why_not)


def _flagging(draws: Draws, chosen: Slice, model: Scored, why_not: Mapping[str, str]) -> dict[str, Measured]:
    """The figures of flagging: each row counts as flagged or not, by its own threshold."""
    flagged = model.flagged()
    if flagged is None or chosen.ranking_only or not FLAGGING.keys().isdisjoint(why_not):
        return {}
    counted = counted_in(draws, chosen.rows, chosen.outcome, flagged[chosen.rows].astype(np.float64), (0.5,))
    found = {name: metric(counted) for name, metric in flagging(0.5).items()}
    return {name: Measured(float(drawn[0]), drawn[1:]) for name, drawn in found.items()}


def _wanted(chosen: Slice, model: Scored) -> tuple[dict[str, Metric], dict[str, str]]:
    """The metrics to compute, and those that this model cannot have, with the reason."""
    wanted = dict(RANKING)
    why_not: dict[str, str] = {}
    if not chosen.ranking_only:
        if model.probability:
            wanted |= CALIBRATION
        else:
            why_not |= dict.fromkeys(CALIBRATION, NO_PROBABILITY)
        if model.thresholds is None:
            why_not |= dict.fromkeys(FLAGGING, NO_THRESHOLD)
    return wanted, why_not


def differences(answers: Mapping[str, Mapping[str, Answer]]) -> list[dict[str, Any]]:
    """Each model against each one after it, by slice: ``answers`` holds, for each model, its answers by slice."""
    found: list[dict[str, Any]] = []
    for (model, by_slice), (other, by_slice_of_other) in combinations(answers.items(), 2):
        for rows, one in by_slice.items():
            named = {"model": model, "other": other, "rows": rows}
            found += _difference(named, one, by_slice_of_other[rows])
    return found


def _difference(named: Mapping[str, str], one: Answer, other: Answer) -> list[dict[str, Any]]:
    n, events = one.chosen.n, one.chosen.events
    found: list[dict[str, Any]] = []
    for metric in PAIRED:
        why = one.why_not.get(metric) or other.why_not.get(metric)
        if why:
            figure = refused(why, n, events)
        else:
            left, right = one.measured[metric], other.measured[metric]
            figure = figure_of(left.value - right.value, left.draws - right.draws, n, events)
        found.append({**named, "metric": metric, **figure})
    return found
