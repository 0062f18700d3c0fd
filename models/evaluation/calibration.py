"""How far risks are from what happened, for many draws at once: one value a draw [D], NaN where there is none.

References: logistic recalibration (Cox 1958); integrated calibration index (Austin and Steyerberg 2019),
the mean distance between the risks and a loess of the outcomes on them.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from models.evaluation.counted import Counted, log_odds
from models.evaluation.ranking import ratio
from models.evaluation.rows import Floats

NEWTON_STEPS = 50
FLAT = 1e-8
"""Curvature below this share of its bound is rounding."""
SPAN = 0.75
"""The share of rows in each local fit: the usual default of loess."""
GRID = 128
"""Where the loess is fitted; straight lines join the fits."""


def brier_in(counted: Counted) -> Floats:
    """The mean squared difference between risk and outcome."""
    lost = (1 - counted.risk) ** 2 @ counted.event + counted.risk**2 @ counted.free
    return ratio(lost, counted.rows.sum(0))


def observed_to_expected(counted: Counted) -> Floats:
    """How many had END over how many were expected to; 1 is perfect."""
    return ratio(counted.event.sum(0), counted.risk @ counted.rows)


def line_in(counted: Counted) -> tuple[Floats, Floats]:
    """Intercept and slope of the outcome's log-odds on the risk's: 0 and 1 are perfect. Newton's method."""
    rows, x = counted.rows, counted.logit
    a, b = log_odds(ratio(counted.event.sum(0), rows.sum(0))), np.zeros(rows.shape[1])
    for _ in range(NEWTON_STEPS):
        fitted = expit(a + x[:, None] * b)
        left, weight = counted.event - rows * fitted, rows * fitted * (1 - fitted)
        one, two, three = weight.sum(0), x @ weight, (x * x) @ weight
        up, along, curved = left.sum(0), x @ left, one * three - two * two
        curved[curved < FLAT * one * three] = 0  # one risk for all: no slope
        step_a, step_b = ratio(three * up - two * along, curved), ratio(one * along - two * up, curved)
        a, b = a + np.clip(step_a, -2, 2), b + np.clip(step_b, -2, 2)
        found = np.maximum(np.abs(step_a), np.abs(step_b)) < 1e-8
        if found.all():
            break
    found &= counted.both_kinds
    return np.where(found, a, np.nan), np.where(found, b, np.nan)  # separable: there is no finite line


def slope_in(counted: Counted) -> Floats:
    """The slope of `line_in`: below 1 where risks are too extreme."""
    return line_in(counted)[1]


def in_the_large(counted: Counted) -> Floats:
    """The intercept with the slope held at 1: above 0 where risks are too low."""
    rows, events = counted.rows, counted.event.sum(0)
    a = np.zeros(rows.shape[1])
    for _ in range(NEWTON_STEPS):
        fitted = expit(a + counted.logit[:, None])
        step = ratio(events - (rows * fitted).sum(0), (rows * fitted * (1 - fitted)).sum(0))
        a = a + np.clip(step, -2, 2)
        if not (np.abs(step) > 1e-8).any():
            break
    return np.where(counted.both_kinds, a, np.nan)


@dataclass(frozen=True)
class Loess:
    """Local straight lines, tricube weights: a function of the events and rows of each draw."""

    grid: Floats  # [G]
    kernel: Floats  # [G, M]
    away: Floats  # [G, M] risk less grid

    def __call__(self, counted: Counted) -> Floats:
        """The share with END around each point of the grid [G, D]."""
        rows, event, tilted = counted.rows, counted.event, self.kernel * self.away
        s0, s1, s2 = self.kernel @ rows, tilted @ rows, (tilted * self.away) @ rows
        t0, t1 = self.kernel @ event, tilted @ event
        flat = s0 * s2 - s1 * s1
        straight = flat > 1e-10 * s0 * s0  # else all rows are at one place
        level = np.divide(t0, s0, out=np.full_like(s0, np.nan), where=s0 > 0)
        return np.asarray(np.divide(s2 * t0 - s1 * t1, flat, out=level, where=straight))


def loess_of(counted: Counted) -> Loess:
    """The loess whose neighborhoods hold `SPAN` of the first draw's rows; all draws share them."""
    risk, rows = counted.risk, counted.rows[:, 0]
    even = risk[np.linspace(0, len(risk) - 1, GRID // 2).astype(int)]
    grid = np.unique(np.concatenate([even, np.linspace(risk[0], risk[-1], GRID // 2)]))
    away = risk - grid[:, None]
    order = np.argsort(np.abs(away), axis=1)
    reached = np.cumsum(rows[order], axis=1) >= np.floor(SPAN * rows.sum() + 1e-10)
    last = np.take_along_axis(order, reached.argmax(1)[:, None], axis=1)
    radius = np.maximum(np.abs(np.take_along_axis(away, last, axis=1)), 1e-9)
    kernel = np.clip(1 - (np.abs(away) / radius) ** 3, 0, 1) ** 3
    return Loess(grid, kernel, away)


def ici_in(counted: Counted) -> Floats:
    """The mean distance between the risks and the loess of the outcomes on them; 0 is perfect."""
    loess = loess_of(counted)
    smooth = _joined(loess.grid, loess(counted), counted.risk)
    rows = counted.rows
    return ratio((np.abs(smooth - counted.risk[:, None]) * rows).sum(0), rows.sum(0))


def _joined(grid: Floats, fits: Floats, at: Floats) -> Floats:
    """The fits [G, D] at other places [M, D], along straight lines."""
    right = np.clip(np.searchsorted(grid, at), 1, max(len(grid) - 1, 1)) if len(grid) > 1 else np.zeros(len(at), int)
    left = np.maximum(right - 1, 0)
    width = np.where(right > left, grid[right] - grid[left], 1.0)
    share = np.where(right > left, (at - grid[left]) / width, 0.0)[:, None]
    return np.asarray(fits[left] * (1 - share) + fits[right] * share)
