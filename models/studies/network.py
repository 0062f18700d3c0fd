"""The fusion network, trained and calibrated on the same rows as its opponents."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from models.calibrate import threshold_for
from models.comparators.fitted import Comparator, Floats
from models.design import Design
from models.net import FusionNet
from models.training.figures import risks_of
from models.training.fit import FitSettings, fit
from models.training.table import Table
from models.training.train import calibrated

TENTHS = {"train": range(7), "validation": range(7, 8), "calibration": range(8, 10)}
"""Which tenths of the training stays learn, stop the learning, and calibrate (assumption)."""


@dataclass(frozen=True)
class FittedNetwork:
    """A trained and recalibrated network with its own threshold."""

    net: FusionNet
    threshold: float

    def risks(self, table: Table) -> Floats:
        """The remaining risk of each row, as a call would give it."""
        return risks_of(self.net, table)


def network(settings: FitSettings, budget: float) -> Comparator:
    """The network as one of the methods that are compared."""

    def trained(train: Table, _design: Design, seed: int) -> FittedNetwork:
        parts = {name: _tenths(train, tenths, seed) for name, tenths in TENTHS.items()}
        net = fit(parts["train"], parts["validation"], replace(settings, seed=seed))
        calibrated(net, parts["train"], parts["calibration"], budget)
        return FittedNetwork(net, threshold_for(risks_of(net, parts["calibration"]).tolist(), budget))

    return trained


def _tenths(table: Table, tenths: range, seed: int) -> Table:
    keep = _in(tenths, seed)
    return table.where([keep(stay) for stay in table.stays])


def _in(tenths: range, seed: int) -> Callable[[str], bool]:
    return lambda stay: hashlib.sha256(f"{seed}/{stay}".encode()).digest()[0] * 10 // 256 in tenths
