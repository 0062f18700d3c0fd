"""Curves at one landmark, where each admission counts once: usefulness by threshold, and risk against outcome."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.evaluation.calibration import loess_of
from models.evaluation.counted import Counted, counted_in
from models.evaluation.intervals import Draws
from models.evaluation.ranking import net_benefit, ratio
from models.evaluation.refuse import NO_PROBABILITY, Figure, figure_of, refused, too_few
from models.evaluation.rows import Floats, Scored
from models.evaluation.slices import Slice

TENTHS = 10
SMOOTH_POINTS = 40
SHOWN = (0.01, 0.99)
"""The smooth curve is drawn where the middle 98 % of the risks lie."""
BARS = 20


def curve_why_not(chosen: Slice, model: Scored, fewest: int) -> str | None:
    """Why a model has no curve; None where it has one."""
    return too_few(chosen.having, chosen.free, fewest) or (None if model.probability else NO_PROBABILITY)


def decision_curve(draws: Draws, chosen: Slice, risk: Floats, thresholds: Sequence[float]) -> list[Figure]:
    """The net benefit of flagging from each threshold up."""
    counted = counted_in(draws, chosen.rows, chosen.outcome, risk, thresholds)
    return [_figure(net_benefit(counted, threshold), chosen) for threshold in thresholds]


def flag_all_curve(draws: Draws, chosen: Slice, thresholds: Sequence[float]) -> list[Figure]:
    """The net benefit of flagging everybody; that of flagging nobody is 0."""
    return decision_curve(draws, chosen, np.ones(chosen.n), thresholds)


def calibration_curve(draws: Draws, chosen: Slice, risk: Floats, fewest: int) -> dict[str, Any]:
    """Share with END by tenths of the risk and by a loess, and how many rows have which risk."""
    counted = counted_in(draws, chosen.rows, chosen.outcome, risk)
    bars, edges = np.histogram(risk, BARS, (0.0, 1.0))
    return {
        "tenths": _tenths(counted, fewest),
        "smooth": _smooth(counted, chosen),
        "histogram": {"edges": np.round(edges, 4).tolist(), "rows": bars.tolist()},
    }


def _tenths(counted: Counted, fewest: int) -> list[dict[str, Any]]:
    """Ten groups of about equal size, lowest risk first; equal risks stay together."""
    rows = counted.rows
    before = np.cumsum(rows[:, 0]) - rows[:, 0] / 2
    tenth = np.minimum((TENTHS * before / rows[:, 0].sum()).astype(int), TENTHS - 1)
    found = []
    for place in np.unique(tenth):
        inside = tenth == place
        event, both = counted.event[inside].sum(0), rows[inside].sum(0)
        n, events = int(both[0]), int(event[0])
        share = ratio(event, both)
        why = too_few(events, n - events, fewest)
        observed = refused(why, n, events) if why else figure_of(share[0], share[1:], n, events)
        found.append({"risk": round(float(counted.risk[inside] @ rows[inside, 0] / n), 6), "observed": observed})
    return found


def _smooth(counted: Counted, chosen: Slice) -> list[dict[str, Any]]:
    loess = loess_of(counted)
    fits, share = loess(counted), np.cumsum(counted.rows[:, 0]) / chosen.n
    low, high = (counted.risk[min(int(np.searchsorted(share, end)), len(share) - 1)] for end in SHOWN)
    inside = np.flatnonzero((loess.grid >= low) & (loess.grid <= high))
    picked = inside[np.unique(np.linspace(0, len(inside) - 1, SMOOTH_POINTS).astype(int))]
    return [{"risk": round(float(loess.grid[one]), 6), "observed": _figure(fits[one], chosen)} for one in picked]


def _figure(drawn: Floats, chosen: Slice) -> Figure:
    return figure_of(float(drawn[0]), drawn[1:], chosen.n, chosen.events)
