"""The shapes that an effect can have: what one unit of its log-odds is multiplied by, patient by patient."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from models.simulation.world import Effect

Column = NDArray[np.float64]
Columns = Mapping[str, Column]

_PRESENT = 0.5


def _linear(effect: Effect, columns: Columns) -> Column:
    column = columns[effect.on]
    return np.asarray((np.log(column) if effect.ln else column) / effect.per, dtype=np.float64)


def _above(effect: Effect, columns: Columns) -> Column:
    if effect.above is None:
        raise ValueError(f"The threshold effect on {effect.on} needs above.")
    return _reaches(columns[effect.on], effect.above)


def _outside(effect: Effect, columns: Columns) -> Column:
    """Distance from the band, on either side."""
    if effect.low is None or effect.high is None:
        raise ValueError(f"The u-shaped effect on {effect.on} needs low and high.")
    column = columns[effect.on]
    return np.asarray(np.maximum(0, np.maximum(effect.low - column, column - effect.high)) / effect.per)


def _together(effect: Effect, columns: Columns) -> Column:
    if effect.partner is None:
        raise ValueError(f"The interaction of {effect.on} needs a partner.")
    partner = columns[effect.partner]
    state = 1 - _reaches(partner, effect.below) if effect.below is not None else _reaches(partner, effect.above)
    return np.asarray((columns[effect.on] > _PRESENT) * state, dtype=np.float64)


def _reaches(column: Column, cut: float | None) -> Column:
    """1.0 where the value is the cut or more; without a cut, where the finding is present."""
    return (column >= (_PRESENT if cut is None else cut)).astype(np.float64)


_SHAPES: Mapping[str, Callable[[Effect, Columns], Column]] = {
    "linear": _linear,
    "above": _above,
    "u": _outside,
    "interaction": _together,
}


def unit_term(effect: Effect, columns: Columns) -> Column:
    """The effect's term for log-odds of 1; ValueError names a shape that does not exist or lacks a field."""
    if effect.kind not in _SHAPES:
        raise ValueError(f"Effect on {effect.on}: no kind {effect.kind!r}; known: {', '.join(_SHAPES)}.")
    return _SHAPES[effect.kind](effect, columns)
