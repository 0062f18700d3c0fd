"""What every comparator is: a fit on training rows, then a risk for each row."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.design import Design
from models.training.table import Table

Floats = NDArray[np.float64]

INNER_FOLDS = 5
"""Folds of stays inside the training rows, in which everything is tuned."""


class Fitted(Protocol):
    """A comparator after its training."""

    def risks(self, table: Table) -> Floats:
        """P(END by 168 h after arrival | the row) of each row [B]."""


Comparator = Callable[[Table, Design, int], Fitted]
"""How a comparator is trained: rows, their design and a seed give a fit; ``ValueError`` where one outcome is all."""


def known(train: Table) -> tuple[Table, Floats]:
    """The rows whose outcome is known, and the outcomes; censored rows say nothing here."""
    outcome = train.outcomes()
    kept = ~np.isnan(outcome)
    if len(set(outcome[kept].tolist())) < 2:
        raise ValueError("a comparator needs rows with END and rows without")
    return train.where(kept.tolist()), outcome[kept]
