"""How far from the training rows the network is still asked."""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.design import Design, Numbers
from models.net import FusionNet

SD_LIMIT = 6.0
"""Standard deviations from the training mean beyond which one measurement is too far (assumption)."""


@dataclass(frozen=True)
class Reach:
    """The limits of an artifact (assumption).

    ``sd``: no observed measurement may lie further from the training mean; ``distance``: nor may
    the root of the sum of squared standardized measurements exceed the largest one in training.
    Flags and findings do not count: a rare history is not a reason to give no number.
    """

    sd: float
    distance: float


def measured_z(net: FusionNet, design: Design, values: Tensor, observed: Tensor) -> Tensor:
    """Standardized measurements [B, F]; 0 for flags and for what was not observed."""
    measured = torch.tensor([float(name not in design.flags) for name in design.features])
    return (values - net.center) / net.scale * observed * measured


def too_far(numbers: Numbers, net: FusionNet, design: Design, reach: Reach) -> str | None:
    """Why a row is too far from the training rows, or None."""
    z = measured_z(net, design, torch.from_numpy(numbers.values), torch.from_numpy(numbers.observed))
    place = int(z.abs().argmax())
    if abs(float(z[place])) > reach.sd:
        return f"{design.labels[place]} is more than {reach.sd:g} SD from the training patients' mean"
    if float(z.norm()) > reach.distance:
        return "the measurements together are further from the training patients than any of theirs"
    return None
