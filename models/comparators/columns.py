"""Rows of data as plain matrices: standardized on the training rows, missingness beside the values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.comparators.fitted import Floats
from models.design import Design
from models.training.table import Table

Part = Literal["structured", "findings", "text"]

HOUR_KNOTS = (6.0, 24.0, 48.0, 72.0)
"""Bends of the effect of time, hours after arrival: the landmarks of the evaluation."""


def hours_basis(table: Table) -> Floats:
    """Piecewise-linear functions of the hour [B, 5], in days: remaining risk falls while nothing happens."""
    hours = _plain(table.targets.start)
    bends = [np.maximum(hours - knot, 0.0) for knot in HOUR_KNOTS]
    return np.stack([hours, *bends], axis=1) / 24.0


@dataclass(frozen=True)
class Columns:
    """Which parts of a row are read, and how the training rows scale them."""

    parts: tuple[Part, ...]
    center: Floats  # [F]
    scale: Floats  # [F]

    def of(self, table: Table) -> Floats:
        """The matrix of the rows [B, K]: time, then the parts; a missing value is 0 beside its indicator."""
        return np.concatenate([hours_basis(table), *(self._part(part, table) for part in self.parts)], axis=1)

    def _part(self, part: Part, table: Table) -> Floats:
        if part == "findings":
            return _plain(table.findings)
        if part == "text":
            return np.concatenate([_plain(table.pooled), _plain(table.has_note)[:, None]], axis=1)
        observed = _plain(table.observed)
        return np.concatenate([(_plain(table.values) - self.center) / self.scale * observed, 1 - observed], axis=1)


def columns_of(train: Table, parts: Sequence[Part]) -> Columns:
    """The columns as the training rows scale them: mean and SD of observed values, 1 where constant."""
    values, observed = _plain(train.values), _plain(train.observed)
    count = np.maximum(observed.sum(0), 1.0)
    center = (values * observed).sum(0) / count
    spread = np.sqrt((((values - center) * observed) ** 2).sum(0) / count)
    return Columns(tuple(parts), center, np.where(spread < 1e-6, 1.0, spread))


def with_gaps(table: Table) -> Floats:
    """Time, values (NaN where unobserved) and findings [B, 1 + F + T], for trees that know gaps."""
    values = np.where(_plain(table.observed) > 0, _plain(table.values), np.nan)
    return np.concatenate([_plain(table.targets.start)[:, None], values, _plain(table.findings)], axis=1)


def feature_column(table: Table, design: Design, feature: str) -> Floats:
    """One feature in its own unit [B], NaN where unobserved."""
    place = design.features.index(feature)
    values = table.values[:, place].double().numpy()
    values = np.expm1(values) if feature in design.log else values
    return np.where(table.observed[:, place].numpy() > 0, values, np.nan)


def _plain(tensor: object) -> Floats:
    return np.asarray(tensor, dtype=np.float64)
