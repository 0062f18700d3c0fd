"""Cumulative incidence of END with what competes with it, from one landmark on (Aalen-Johansen, scikit-survival).

Each admission counts once, so that the variance of Aalen stands without draws. END counts at the hour of
its raised score; hours are rounded up.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sksurv.nonparametric import cumulative_incidence_competing_risks, kaplan_meier_estimator

from models.evaluation.refuse import Figure, figure, refused, too_few
from models.evaluation.rows import EndKind, Flags, Floats, TestRows

CODES: Mapping[EndKind, int] = {"end": 1, "competing": 2, "censored": 0, "event_free": 0}
EVERY_H = 6.0


def incidence_hours(from_h: float, to_h: float) -> Floats:
    """Where the curves are given."""
    return np.append(np.arange(from_h, to_h, EVERY_H), to_h)


def incidence(rows: TestRows, keep: Flags, hours: Floats, fewest: int) -> dict[str, Any]:
    """The incidence of END and of competing events by each hour among the kept rows' stays."""
    ends = [rows.ends[stay] for stay, kept in zip(rows.stays, keep.tolist(), strict=True) if kept]
    kinds = np.array([CODES[kind] for kind, _ in ends], dtype=int)
    times = np.minimum(np.ceil(np.array([hour for _, hour in ends], dtype=float)), np.ceil(hours[-1]))
    n, events = len(kinds), int((kinds == 1).sum())
    if why := too_few(events, n - events, fewest):
        return {"end": refused(why, n, events), "competing": refused(why, n, events)}
    curves = _curves(kinds, times, hours)
    return {name: _figures(curve, n, events) for name, curve in zip(("end", "competing"), curves, strict=True)}


def _curves(kinds: np.ndarray[Any, np.dtype[np.int_]], times: Floats, hours: Floats) -> Sequence[Floats]:
    """Value, low and high [3, H] of END, and of competing events (zero where there are none)."""
    if (kinds == CODES["competing"]).any():
        reached, values, limits = cumulative_incidence_competing_risks(kinds, times, conf_type="log-log")
        steps = [np.stack([values[risk], *limits[risk]]) for risk in (1, 2)]
    else:  # the library wants an event of each kind; with one kind Aalen-Johansen is Kaplan-Meier
        reached, free, (low, high) = kaplan_meier_estimator(kinds == CODES["end"], times, conf_type="log-log")
        steps = [1 - np.stack([free, high, low]), np.zeros((3, len(reached)))]
    place = np.searchsorted(reached, hours, side="right")
    return [np.concatenate([np.zeros((3, 1)), step], axis=1)[:, place] for step in steps]


def _figures(curve: Floats, n: int, events: int) -> list[Figure]:
    return [figure(value, low, high, n, events) for value, low, high in curve.T.tolist()]
