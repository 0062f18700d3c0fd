"""The published linear predictor of Gong 2020, its intercept fitted to the training rows.

The intercept was not published, so only the ranking is Gong's. A value that a row lacks counts as
the median of the training rows (a diagnosis or drug as absent): the publication says nothing of gaps.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from models.comparators.columns import feature_column
from models.comparators.fitted import Floats, known
from models.design import Design
from models.scores.gong import linear_predictor
from models.training.table import Table

_FEATURES = {
    "age": "age", "diabetes": "diabetes", "af": "atrial_fibrillation", "antiplatelet": "antiplatelet",
    "crp_mg_l": "crp", "nihss": "nihss_baseline",
}  # fmt: skip


@dataclass(frozen=True)
class FittedGong:
    """The predictor with its intercept and what stands in for gaps."""

    design: Design
    stand_in: Mapping[str, float]
    intercept: float

    def risks(self, table: Table) -> Floats:
        """The probability with the fitted intercept."""
        return np.asarray(expit(self.intercept + self.predictor(table)), dtype=np.float64)

    def predictor(self, table: Table) -> Floats:
        """The published linear predictor of each row [B]."""
        held = {name: feature_column(table, self.design, feature) for name, feature in _FEATURES.items()}
        filled = {name: np.where(np.isnan(column), self.stand_in[name], column) for name, column in held.items()}
        return np.asarray(linear_predictor(**filled), dtype=np.float64)


def gong_linear_predictor(train: Table, design: Design, _seed: int) -> FittedGong:
    """The predictor whose mean probability is the share of END among the training rows."""
    rows, outcome = known(train)
    stand_in = {name: _median(feature_column(rows, design, feature), feature in design.flags)
                for name, feature in _FEATURES.items()}  # fmt: skip
    predictor = FittedGong(design, stand_in, 0.0).predictor(rows)
    low, high = -50.0 - float(predictor.max()), 50.0 - float(predictor.min())
    intercept = brentq(lambda shift: float(expit(predictor + shift).mean() - outcome.mean()), low, high)
    return FittedGong(design, stand_in, float(intercept))


def _median(column: Floats, is_flag: bool) -> float:
    return 0.0 if is_flag or np.isnan(column).all() else float(np.nanmedian(column))
