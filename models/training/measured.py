"""What is measured on the training rows and then fixed: scaling, knots, modalities, the text's axes, averages."""

import torch
from torch import Tensor

from models.net import FusionNet, Shape
from models.training.table import Table

KNOTS = (0.2, 0.5, 0.8)
"""Quantiles of the observed values at which an effect may bend (assumption)."""

FEWEST_VALUES = 20
"""A feature with fewer observed values does not bend (assumption)."""

NEVER = 1e6
"""A knot beyond every value: no bend."""


def measured_net(table: Table, axes: int, heads: int, hidden: int) -> FusionNet:
    """An untrained network for these rows; text axes only where there are notes enough for them."""
    notes = table.note[table.has_note > 0]
    axes = axes if len(notes) > axes and table.note.shape[1] else 0
    net = FusionNet(
        Shape(
            table.values.shape[1], table.joined.shape[1], len(table.modalities), len(KNOTS), table.note.shape[1],
            axes, hidden, heads,
        )
    )  # fmt: skip
    center, scale = _scaling(table)
    net.center.copy_(center)
    net.scale.copy_(scale)
    net.knots.copy_(_knots((table.values - center) / scale, table))
    net.members.copy_(table.modalities)
    if axes:
        mean, directions = _text_axes(notes, axes)
        net.text_mean.copy_(mean)
        net.text_axes.copy_(directions)
    with torch.inference_mode():
        net.average.copy_(net.base(table.batch()).mean(0))
    return net


def _scaling(table: Table) -> tuple[Tensor, Tensor]:
    """Mean and SD of the observed values; flags and constants keep a scale of 1."""
    count = table.observed.sum(0).clamp_min(1)
    center = (table.values * table.observed).sum(0) / count
    spread = (((table.values - center) * table.observed) ** 2).sum(0) / count
    scale = torch.where(table.is_flag | (spread < 1e-8), torch.ones_like(spread), spread.sqrt())
    return center, scale


def _knots(z: Tensor, table: Table) -> Tensor:
    """The knots of each feature in SDs [F, K]; flags and rarely observed features have none."""
    knots = torch.full((z.shape[1], len(KNOTS)), NEVER)
    for feature in range(z.shape[1]):
        held = z[table.observed[:, feature] > 0, feature]
        if not table.is_flag[feature] and len(held) >= FEWEST_VALUES:
            knots[feature] = torch.quantile(held, torch.tensor(KNOTS))
    return knots


def _text_axes(notes: Tensor, axes: int) -> tuple[Tensor, Tensor]:
    """Mean [384] and principal axes [384, A] of the notes, divided by the SD along each."""
    mean = notes.mean(0)
    variance, vectors = torch.linalg.eigh(torch.cov((notes - mean).T.double()))
    top = vectors[:, -axes:].flip(1)
    top = top * torch.sign(top[top.abs().argmax(0), torch.arange(axes)])  # eigenvectors have no sign of their own
    return mean, (top / variance[-axes:].flip(0).clamp_min(1e-12).sqrt()).float()
