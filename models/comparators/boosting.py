"""Gradient boosting on values, gaps and findings; depth, pace and length are chosen in folds of stays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import GroupKFold

from models.comparators.columns import with_gaps
from models.comparators.fitted import INNER_FOLDS, Floats, known
from models.design import Design
from models.training.table import Table

DEPTHS = (1, 2, 4)
"""Depths of the trees to choose from; 1 is additive."""

LENGTHS = (25, 50, 100, 200)
"""Numbers of trees to choose from."""

FEWEST_STAYS = 20
"""A value that fewer training stays have is not read."""


@dataclass(frozen=True)
class FittedBoosting:
    """A fitted ensemble of trees and what was chosen for it."""

    model: Any
    used: NDArray[np.bool_]
    depth: int
    length: int

    def risks(self, table: Table) -> Floats:
        """The fitted probability of each row."""
        return np.asarray(self.model.predict_proba(with_gaps(table)[:, self.used])[:, 1])


def gradient_boosting(train: Table, _design: Design, seed: int) -> FittedBoosting:
    """The ensemble whose depth and length leave the likeliest held-out stays."""
    rows, outcome = known(train)
    matrix = with_gaps(rows)
    used = _is_charted(matrix, rows.stays)
    depth, length = _best(matrix[:, used], outcome, rows.stays, seed)
    return FittedBoosting(_trees(depth, length, seed).fit(matrix[:, used], outcome), used, depth, length)


def _is_charted(matrix: Floats, stays: Sequence[str]) -> NDArray[np.bool_]:
    """Which columns enough stays have a value in: the trees cannot be grown on a column without any."""
    _, first = np.unique(np.asarray(stays), return_index=True)
    return np.asarray((~np.isnan(matrix[first])).sum(0) >= FEWEST_STAYS)


def _trees(depth: int, length: int, seed: int) -> Any:
    return HistGradientBoostingClassifier(
        learning_rate=0.05, max_iter=length, max_depth=depth, min_samples_leaf=20, l2_regularization=5.0,
        early_stopping=False, random_state=seed,
    )  # fmt: skip


def _best(matrix: Floats, outcome: Floats, stays: Sequence[str], seed: int) -> tuple[int, int]:
    """One pass a depth and fold: the risks after each number of trees come from the same ensemble."""
    losses = {(depth, length): 0.0 for depth in DEPTHS for length in LENGTHS}
    folds = GroupKFold(INNER_FOLDS, shuffle=True, random_state=seed)
    for fitted_on, held_out in folds.split(matrix, outcome, stays):
        for depth in DEPTHS:
            model = _trees(depth, LENGTHS[-1], seed).fit(matrix[fitted_on], outcome[fitted_on])
            for length, risk in enumerate(model.staged_predict_proba(matrix[held_out]), 1):
                if length in LENGTHS:
                    loss = log_loss(outcome[held_out], risk[:, 1], labels=[0, 1], normalize=False)
                    losses[depth, length] += float(loss)
    return min(losses, key=lambda chosen: losses[chosen])
