"""How far from the training rows the network is still asked."""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.design import Design
from models.net import Batch, FusionNet

SD_LIMIT = 6.0
"""Standard deviations from the training mean beyond which one measurement is too far (assumption)."""

SPREAD_QUANTILE = 0.995
"""Share of the training rows whose heads agree at least as well as the limit asks (assumption)."""


@dataclass(frozen=True)
class Reach:
    """The limits of an artifact (assumption).

    ``sd``: no observed measurement may lie further from the training mean; ``spread``: nor may the heads
    differ by more, in SDs of their log-odds, about what is there. What is missing never counts.
    """

    sd: float
    spread: float


def measured_z(net: FusionNet, design: Design, batch: Batch) -> Tensor:
    """Standardized measurements [B, F]; 0 for flags and for what was not observed."""
    measured = torch.tensor([float(name not in design.flags) for name in design.features])
    return net.standardized(batch) * measured


def reach_of(net: FusionNet, batch: Batch) -> Reach:
    """The limits that these training rows set."""
    with torch.no_grad():
        return Reach(SD_LIMIT, float(torch.quantile(net.spread(batch)[:100_000], SPREAD_QUANTILE)))


def too_far(net: FusionNet, design: Design, batch: Batch, reach: Reach) -> str | None:
    """Why a row is too far from the training rows, or None; where only the heads tell, its oddest measurement."""
    z = measured_z(net, design, batch)[0]
    place = int(z.abs().argmax())
    if abs(float(z[place])) > reach.sd:
        return f"{design.labels[place]} is more than {reach.sd:g} SD from the training patients' mean"
    if float(net.spread(batch)[0]) > reach.spread:
        return (
            "the models of the ensemble differ too much about these values; furthest from the training patients: "
            f"{design.labels[place]}"
        )
    return None
