"""Ridge logistic regression on any parts of a row; its penalty is chosen in folds of stays."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GroupKFold

from models.comparators.columns import Columns, Part, columns_of
from models.comparators.fitted import INNER_FOLDS, Floats, known
from models.design import Design
from models.training.table import Table

STRENGTHS = (0.001, 0.01, 0.1, 1.0)
"""Inverse penalties to choose from (scikit-learn's C; on standardized columns)."""


@dataclass(frozen=True)
class FittedRidge:
    """A ridge regression and the columns that it reads."""

    columns: Columns
    model: Any
    strength: float

    def risks(self, table: Table) -> Floats:
        """The fitted probability of each row."""
        return np.asarray(self.model.predict_proba(self.columns.of(table))[:, 1])


@dataclass(frozen=True)
class Ridge:
    """A comparator: ridge logistic regression on these parts."""

    parts: tuple[Part, ...]

    def __call__(self, train: Table, _design: Design, seed: int) -> FittedRidge:
        """The regression with the penalty that leaves the likeliest held-out stays."""
        rows, outcome = known(train)
        columns = columns_of(rows, self.parts)
        matrix = columns.of(rows)
        strength = _best(matrix, outcome, rows.stays, seed)
        return FittedRidge(columns, _fit(matrix, outcome, strength), strength)


def _fit(matrix: Floats, outcome: Floats, strength: float) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the last thousandths change no risk
        return LogisticRegression(C=strength, max_iter=300, tol=1e-5).fit(matrix, outcome)


def _best(matrix: Floats, outcome: Floats, stays: Sequence[str], seed: int) -> float:
    losses = dict.fromkeys(STRENGTHS, 0.0)
    folds = GroupKFold(INNER_FOLDS, shuffle=True, random_state=seed)
    for fitted_on, held_out in folds.split(matrix, outcome, stays):
        for strength in STRENGTHS:
            model = _fit(matrix[fitted_on], outcome[fitted_on], strength)
            risk = model.predict_proba(matrix[held_out])[:, 1]
            losses[strength] += float(log_loss(outcome[held_out], risk, labels=[0, 1], normalize=False))
    return min(losses, key=lambda strength: losses[strength])
