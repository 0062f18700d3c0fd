"""95 % intervals from draws of whole clusters: a stay's rows (a hospital's stays) are drawn together or not at all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.evaluation.rows import Floats, Places

LEVEL = (0.025, 0.975)
ENOUGH = 0.9
"""An interval stands where at least this share of the draws has a value (assumption)."""


@dataclass(frozen=True)
class Draws:
    """How often each of C clusters was drawn [C, 1 + draws], the first column once each; rows' clusters [B]."""

    times: Floats
    place: Places


def draws_of(clusters: Sequence[str], draws: int, seed: int) -> Draws:
    """Whole clusters drawn again with replacement, as many as there are."""
    names, place = np.unique(np.asarray(clusters), return_inverse=True)
    size, rng = len(names), np.random.default_rng(seed)
    drawn = [np.bincount(rng.integers(0, size, size), minlength=size) for _ in range(draws)]
    return Draws(np.stack([np.ones(size), *drawn], axis=1).astype(np.float64), place)


def interval_of(values: Floats) -> tuple[float, float] | None:
    """Where the middle 95 % of the draws lie; None where too many of them have no value."""
    held = values[np.isfinite(values)]
    if len(held) == 0 or len(held) < ENOUGH * len(values):
        return None
    low, high = np.quantile(held, LEVEL)
    return float(low), float(high)


def bootstrap(
    statistic: Callable[[Places], float | None], stays: Sequence[str], *, draws: int = 200, seed: int = 0
) -> tuple[float, float] | None:
    """The interval of any statistic of row places, computed draw by draw: slow, for what has no `Counted` form."""
    drawn = draws_of(stays, draws, seed)
    places = np.arange(len(drawn.place))
    values = [statistic(np.repeat(places, times[drawn.place])) for times in drawn.times.T[1:].astype(np.intp)]
    return interval_of(np.array([np.nan if value is None else value for value in values]))
