"""Differences and shares of AUCs on one test set: every quantity is drawn on the same draws of admissions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from models.evaluation.document import sha256_of
from models.evaluation.intervals import Draws, draws_of, interval_of
from models.evaluation.measure import Answer, Measured, answer
from models.evaluation.plan import Plan
from models.evaluation.refuse import Figure, figure_of
from models.evaluation.rows import Flags, Scored, TestRows
from models.evaluation.slices import Slice, slice_of


@dataclass(frozen=True)
class Compared:
    """A test set on which answers are compared; ``draws`` times its admissions are drawn again, always the same."""

    rows: TestRows
    draws: int
    seed: int

    @cached_property
    def sha256(self) -> str:
        """Which test set it is."""
        return sha256_of(self.rows)

    @cached_property
    def _drawn(self) -> Draws:
        return draws_of(self.rows.stays, self.draws, self.seed)

    @cached_property
    def every(self) -> Slice:
        """All rows with a known outcome."""
        return replace(slice_of(self.rows, np.ones(len(self.rows), bool)), ranking_only=True)

    def answers(self, model: Scored, keep: Flags) -> Answer:
        """Every figure of a model on the kept rows."""
        return answer(self._drawn, slice_of(self.rows, keep), model, Plan().fewest)

    def area(self, model: Scored) -> Measured:
        """The AUC on all rows; ``ValueError`` where too few admissions had END."""
        held = answer(self._drawn, self.every, model, Plan().fewest)
        if "auc" not in held.measured:
            raise ValueError(f"{model.name}: {held.why_not['auc']}")
        return held.measured["auc"]

    def figure(self, measured: Measured) -> Figure:
        """A quantity of all rows as it is written down, with its 95 % interval."""
        return figure_of(measured.value, measured.draws, self.every.n, self.every.events)


def less(one: Measured, other: Measured) -> Measured:
    """One quantity less another, draw by draw."""
    return Measured(one.value - other.value, one.draws - other.draws)


def share(part: Measured, whole: Measured) -> Measured:
    """The part over the whole, draw by draw; no value where the whole's interval reaches 0."""
    ends = interval_of(whole.draws)
    if ends is None or ends[0] <= 0:
        return Measured(np.nan, np.full_like(whole.draws, np.nan))
    return Measured(part.value / whole.value, part.draws / whole.draws)


def over_cohorts(cohorts: Sequence[Measured], overlap: float, seed: int) -> Measured:
    """The mean over K training cohorts; its draws hold the scatter between cohorts and that of the shared test set.

    Two ways at once (Owen 2007, the pigeonhole bootstrap: on the wide side): each draw of admissions has its own
    draw of cohorts. ``overlap`` is the share of stays that two cohorts have in common (rho), as they come
    from one pool: it makes them alike, so that K cohorts tell less than K. The variance of their mean is
    s^2 / K x (1 + (K - 1) rho) / (1 - rho), with s^2 that among them, and the draws are widened to it.
    The same seed draws the same cohorts for every quantity. ``ValueError`` for fewer than two.
    """
    if len(cohorts) < 2:
        raise ValueError("the scatter between cohorts needs two of them")
    drawn = np.stack([one.draws for one in cohorts])  # [K, D]
    count, rng = len(cohorts), np.random.default_rng(seed)
    times = rng.multinomial(count, np.full(count, 1 / count), drawn.shape[1]).T / count  # [K, D]
    level = drawn.mean(0)
    return Measured(
        float(np.mean([one.value for one in cohorts])),
        np.asarray(level + _widening(count, overlap) * ((drawn * times).sum(0) - level)),
    )


def _widening(count: int, overlap: float) -> float:
    """From the spread of drawn means to that of the mean of overlapping cohorts; K - 1 as in a variance."""
    return float(np.sqrt(count / (count - 1) * (1 + (count - 1) * overlap) / (1 - overlap)))


def spread(cohorts: Sequence[Measured]) -> float:
    """The standard deviation among cohorts."""
    return float(np.std([one.value for one in cohorts], ddof=1))


def common(stays: Sequence[frozenset[str]]) -> float:
    """The mean share of stays that two cohorts of one size have in common."""
    pairs: list[float] = [
        len(one & other) / len(one) for place, one in enumerate(stays) for other in stays[place + 1 :]
    ]
    return float(np.mean(pairs))
