"""Single figures of outcomes and risks, checked, and the list of those that an evaluation gives.

Risks are probabilities, outcomes 0 or 1. The figures are those of `ranking` and `calibration` with one
draw: the rows themselves.
"""

import numpy as np

from models.evaluation.calibration import brier_in, ici_in, in_the_large, line_in, observed_to_expected, slope_in
from models.evaluation.counted import Counted, counted_in, counted_once
from models.evaluation.intervals import Draws
from models.evaluation.ranking import FLAGGING, Metric, at_threshold, auc_in, auprc_in
from models.evaluation.rows import Floats

RANKING: dict[str, Metric] = {"auc": auc_in, "auprc": auprc_in}
CALIBRATION: dict[str, Metric] = {
    "brier": brier_in,
    "observed_to_expected": observed_to_expected,
    "calibration_in_the_large": in_the_large,
    "calibration_slope": slope_in,
    "ici": ici_in,
}


def checked(outcome: Floats, risk: Floats) -> Counted:
    """The rows counted; ``ValueError`` where an outcome is not 0 or 1, a risk no probability, or lengths differ."""
    if outcome.shape != risk.shape:
        raise ValueError(f"{len(outcome)} outcomes for {len(risk)} risks")
    if odd := [value for value in outcome.tolist() if value not in (0.0, 1.0)]:
        raise ValueError(f"an outcome must be 0 or 1, not {odd[0]}")
    if odd := [value for value in risk.tolist() if not 0 <= value <= 1]:
        raise ValueError(f"a risk must be a probability, not {odd[0]}")
    return counted_once(outcome, risk)


def auc(outcome: Floats, risk: Floats) -> float | None:
    """The chance that a row with END has the higher risk, ties counting half; None without both kinds."""
    return _single(auc_in(checked(outcome, risk)))


def auprc(outcome: Floats, risk: Floats) -> float | None:
    """The average precision; None without END."""
    return _single(auprc_in(checked(outcome, risk)))


def brier(outcome: Floats, risk: Floats) -> float | None:
    """The mean squared difference; None without rows."""
    return _single(brier_in(checked(outcome, risk)))


def calibration_line(outcome: Floats, risk: Floats) -> tuple[float, float] | None:
    """Intercept and slope of the outcome's log-odds on the risk's; 0 and 1 are perfect; None if unfit."""
    intercept, slope = (_single(part) for part in line_in(checked(outcome, risk)))
    return None if intercept is None or slope is None else (intercept, slope)


def calibration_intercept(outcome: Floats, risk: Floats) -> float | None:
    """The intercept of `calibration_line`."""
    return _single(line_in(checked(outcome, risk))[0])


def calibration_slope(outcome: Floats, risk: Floats) -> float | None:
    """The slope of `calibration_line`."""
    return _single(slope_in(checked(outcome, risk)))


def ici(outcome: Floats, risk: Floats) -> float | None:
    """The integrated calibration index; None without both kinds."""
    checked(outcome, risk)
    once = Draws(np.ones((1, 1)), np.zeros(len(risk), np.intp))
    if auc(outcome, risk) is None:
        return None
    return _single(ici_in(counted_in(once, np.ones(len(risk), bool), outcome, risk)))


def auc_gain(outcome: Floats, risk: Floats, other: Floats) -> float | None:
    """How much higher the AUC of ``risk`` is than that of ``other`` on the same rows."""
    one, two = auc(outcome, risk), auc(outcome, other)
    return None if one is None or two is None else one - two


def flagging(threshold: float) -> dict[str, Metric]:
    """The metrics of flagging from ``threshold`` up."""
    return {name: at_threshold(threshold, figure) for name, figure in FLAGGING.items()}


def _single(values: Floats) -> float | None:
    return float(values[0]) if np.isfinite(values[0]) else None
