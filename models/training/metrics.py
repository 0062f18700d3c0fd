"""Discrimination and calibration of risks, with intervals that keep a stay's rows together.

Risks are probabilities, outcomes 0 or 1; both checked. References: rank form of the AUC
(Mann-Whitney), logistic recalibration (Cox 1958).
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.intp]


def checked(outcome: Floats, risk: Floats) -> None:
    """Nothing; ``ValueError`` where an outcome is not 0 or 1, a risk no probability, or lengths differ."""
    if outcome.shape != risk.shape:
        raise ValueError(f"{len(outcome)} outcomes for {len(risk)} risks")
    if odd := [value for value in outcome.tolist() if value not in (0.0, 1.0)]:
        raise ValueError(f"an outcome must be 0 or 1, not {odd[0]}")
    if odd := [value for value in risk.tolist() if not 0 <= value <= 1]:
        raise ValueError(f"a risk must be a probability, not {odd[0]}")


def auc(outcome: Floats, risk: Floats) -> float | None:
    """The chance that a row with END has the higher risk, ties counting half; None without both kinds."""
    checked(outcome, risk)
    events, free = int(outcome.sum()), int((1 - outcome).sum())
    if not events or not free:
        return None
    _, place, count = np.unique(risk, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    return float((rank[outcome == 1].sum() - events * (events + 1) / 2) / (events * free))


def brier(outcome: Floats, risk: Floats) -> float | None:
    """The mean squared difference; None without rows."""
    checked(outcome, risk)
    return float(np.mean((outcome - risk) ** 2)) if len(risk) else None


def calibration_line(outcome: Floats, risk: Floats) -> tuple[float, float] | None:
    """Intercept and slope of the outcome's log-odds on the risk's; 0 and 1 are perfect; None if unfit."""
    checked(outcome, risk)
    if auc(outcome, risk) is None:
        return None
    clipped = np.clip(risk, 1e-6, 1 - 1e-6)
    columns = np.stack([np.ones_like(risk), np.log(clipped / (1 - clipped))], axis=1)
    line = np.array([0.0, 1.0])
    for _ in range(50):  # Newton's method
        fitted = 1 / (1 + np.exp(-columns @ line))
        curvature = columns.T @ (columns * (fitted * (1 - fitted))[:, None]) + 1e-9 * np.eye(2)
        step = np.linalg.solve(curvature, columns.T @ (outcome - fitted))
        line = line + np.clip(step, -2, 2)
        if float(np.abs(step).max()) < 1e-8:
            return float(line[0]), float(line[1])
    return None  # separable: there is no finite slope


def calibration_intercept(outcome: Floats, risk: Floats) -> float | None:
    """The intercept of `calibration_line`."""
    line = calibration_line(outcome, risk)
    return None if line is None else line[0]


def calibration_slope(outcome: Floats, risk: Floats) -> float | None:
    """The slope of `calibration_line`."""
    line = calibration_line(outcome, risk)
    return None if line is None else line[1]


def bootstrap(
    statistic: Callable[[Places], float | None], stays: Sequence[str], *, draws: int = 200, seed: int = 0
) -> tuple[float, float] | None:
    """The 95 % interval of a statistic of row places when whole stays are drawn again.

    None where fewer than half the draws have a value.
    """
    rng = np.random.default_rng(seed)
    names, place = np.unique(np.asarray(stays), return_inverse=True)
    rows = np.split(np.argsort(place, kind="stable"), np.cumsum(np.bincount(place))[:-1])
    drawn = (rng.integers(0, len(names), len(names)) for _ in range(draws))
    values = (statistic(np.concatenate([rows[stay] for stay in chosen])) for chosen in drawn)
    held = [value for value in values if value is not None]
    if len(held) < draws / 2:
        return None
    low, high = np.quantile(held, [0.025, 0.975])
    return float(low), float(high)


def auc_gain(outcome: Floats, risk: Floats, other: Floats) -> float | None:
    """How much higher the AUC of ``risk`` is than that of ``other`` on the same rows."""
    one, two = auc(outcome, risk), auc(outcome, other)
    return None if one is None or two is None else one - two
