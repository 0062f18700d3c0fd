"""How well risks rank and flag, for many draws at once: each function gives one value a draw [D], or NaN.

References: rank form of the AUC (Mann-Whitney); average precision as the sum of steps; net benefit
(Vickers and Elkin 2006).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.evaluation.counted import Counted
from models.evaluation.rows import Floats

Metric = Callable[[Counted], Floats]


@dataclass(frozen=True)
class Confusion:
    """Rows by what was flagged and what happened, each [D]."""

    hit: Floats  # flagged, END
    false: Floats  # flagged, no END
    missed: Floats
    clear: Floats

    def rows(self) -> Floats:
        """All of them."""
        return self.hit + self.false + self.missed + self.clear


def ratio(above: Floats, below: Floats) -> Floats:
    """Their ratio, NaN where there is nothing below."""
    found = np.full(np.shape(below), np.nan)
    np.divide(above, below, out=found, where=np.asarray(below) != 0)
    return found


def auc_in(counted: Counted) -> Floats:
    """The chance that a row with END has the higher risk than one without, ties counting half."""
    below = np.cumsum(counted.free, axis=0) - counted.free / 2
    return ratio((counted.event * below).sum(0), counted.event.sum(0) * counted.free.sum(0))


def auprc_in(counted: Counted) -> Floats:
    """Average precision: the precision at each risk, weighted by the recall gained there."""
    found = np.cumsum(counted.event[::-1], axis=0)
    flagged = np.cumsum(counted.rows[::-1], axis=0)
    precision = np.divide(found, flagged, out=np.zeros_like(found), where=flagged > 0)
    return ratio((precision * counted.event[::-1]).sum(0), found[-1])


def confusion(counted: Counted, threshold: float) -> Confusion:
    """What flagging from ``threshold`` up does; no group of the counts may lie across it."""
    flagged = counted.lowest >= threshold
    hit, false = counted.event[flagged].sum(0), counted.free[flagged].sum(0)
    return Confusion(hit, false, counted.event.sum(0) - hit, counted.free.sum(0) - false)


FLAGGING: dict[str, Callable[[Confusion], Floats]] = {
    "accuracy": lambda one: ratio(one.hit + one.clear, one.rows()),
    "recall": lambda one: ratio(one.hit, one.hit + one.missed),
    "specificity": lambda one: ratio(one.clear, one.clear + one.false),
    "precision": lambda one: ratio(one.hit, one.hit + one.false),
    "f1": lambda one: ratio(2 * one.hit, 2 * one.hit + one.false + one.missed),
    "flagged": lambda one: ratio(one.hit + one.false, one.rows()),
}
"""The figures of a threshold."""


def at_threshold(threshold: float, figure: Callable[[Confusion], Floats]) -> Metric:
    """A figure of flagging from ``threshold`` up, as a metric."""
    return lambda counted: figure(confusion(counted, threshold))


def net_benefit(counted: Counted, threshold: float) -> Floats:
    """END found a row, less the needless flags, weighed by the odds of the threshold."""
    one = confusion(counted, threshold)
    return ratio(one.hit - one.false * threshold / (1 - threshold), one.rows())
