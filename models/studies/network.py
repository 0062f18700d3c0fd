"""The fusion network, trained and calibrated on the same rows as its opponents."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from models.calibrate import Calibration
from models.comparators.fitted import Comparator, Floats
from models.design import Design
from models.training.bands import thresholds_of
from models.training.calibrated import trained_and_calibrated
from models.training.figures import risks_of
from models.training.fit import Fit, FitSettings
from models.training.table import Table

APART = range(8, 10)
"""Which tenths of the training stays calibrate, where there are enough of them (assumption)."""


@dataclass(frozen=True)
class FittedNetwork:
    """A trained and recalibrated network with its own thresholds."""

    fit: Fit
    calibration: Calibration

    def risks(self, table: Table) -> Floats:
        """The remaining risk of each row, as a call would give it."""
        return risks_of(self.fit.net, self.calibration.stages, table if self.fit.reports else table.without_reports())

    def thresholds(self, table: Table) -> Floats:
        """The risk from which each row is flagged."""
        return thresholds_of(self.calibration.thresholds, table.targets.start.double().numpy())


def network(settings: FitSettings, budget: float, *, reports: bool = True) -> Comparator:
    """The network as one of the methods that are compared; without ``reports`` it reads numbers alone."""

    def trained(train: Table, design: Design, seed: int) -> FittedNetwork:
        is_apart = _in(APART, seed)
        keep = [is_apart(stay) for stay in train.stays]
        fit, calibration = trained_and_calibrated(
            train.where([not one for one in keep]), train.where(keep), design.terms, replace(settings, seed=seed),
            budget, reports=reports,
        )  # fmt: skip
        return FittedNetwork(fit, calibration)

    return trained


def _in(tenths: range, seed: int) -> Callable[[str], bool]:
    return lambda stay: hashlib.sha256(f"{seed}/{stay}".encode()).digest()[0] * 10 // 256 in tenths
