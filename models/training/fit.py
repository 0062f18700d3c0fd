"""The training loop: five heads at once, full batch, stopped by the validation stays.

Deterministic on a CPU with one thread: one seed decides the heads' first weights and which stays
each head sees how often.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.likelihood import negative_log_likelihood
from models.net import FusionNet, Shape
from models.training.table import Table


@dataclass(frozen=True)
class FitSettings:
    """The loop's numbers, from the training config; all are assumptions tuned on validation stays only."""

    seed: int
    heads: int = 5
    steps: int = 600
    rate: float = 0.02
    ridge: float = 20.0  # on weights per standard deviation, in units of one row's likelihood
    ridge_deep: float = 100.0
    patience: int = 60
    projected: int = 8
    hidden: int = 4


@dataclass(frozen=True)
class Modalities:
    """Which parts of the network may learn; the others stay at zero."""

    findings: bool = True
    text: bool = True


def new_net(table: Table, settings: FitSettings) -> FusionNet:
    """An untrained network with what is measured on the training rows: scaling, rates, text axes."""
    shape = Shape(
        table.values.shape[1], table.findings.shape[1], table.pooled.shape[1],
        settings.projected, settings.hidden, settings.heads,
    )  # fmt: skip
    torch.manual_seed(settings.seed)
    net = FusionNet(shape)
    center, scale = _scaling(table)
    net.center.copy_(center)
    net.scale.copy_(scale)
    net.missing_rate.copy_((1 - table.observed).mean(0))
    net.finding_rate.copy_(table.findings.mean(0))
    mean, axes = _text_axes(table.pooled[table.has_note > 0], settings.projected)
    net.text_mean.copy_(mean)
    net.text_axes.copy_(axes)
    return net


def fit(train: Table, validation: Table, settings: FitSettings, modalities: Modalities = Modalities()) -> FusionNet:
    """The trained network: the step at which the validation stays were likeliest."""
    net = new_net(train, settings)
    learned = _learned(net, modalities)
    weights = _head_weights(train, settings)  # [H, B]
    batch, held_out = train.batch(net), validation.batch(net)
    solver = torch.optim.Adam(learned, lr=settings.rate)
    best, best_state, best_step = float("inf"), net.state_dict(), 0
    for step in range(settings.steps):
        solver.zero_grad()
        loss = (weights * negative_log_likelihood(net.combine(batch), train.targets)).sum(1)  # [H]
        total = (loss + penalty(net, settings)).sum() / len(train)
        total.backward()  # type: ignore[no-untyped-call]
        solver.step()
        with torch.inference_mode():
            now = float(negative_log_likelihood(net.combine(held_out).mean(0), validation.targets).mean())
        if now < best - 1e-6:
            best, best_state, best_step = now, {k: v.clone() for k, v in net.state_dict().items()}, step
        elif step - best_step >= settings.patience:
            break
    net.load_state_dict(best_state)
    with torch.inference_mode():
        net.deep_mean.copy_(net.deep(batch).mean())
    return net.eval().requires_grad_(False)


def penalty(net: FusionNet, settings: FitSettings) -> Tensor:
    """The ridge of each head [H]: weights stay small unless many rows ask otherwise."""
    wide = (net.value**2).sum(1) + (net.missing**2).sum(1) + (net.finding**2).sum(1)
    deep = (net.deep_in**2).sum((1, 2)) + (net.deep_out**2).sum(1)
    return settings.ridge * wide / 2 + settings.ridge_deep * deep / 2


def _learned(net: FusionNet, modalities: Modalities) -> list[torch.nn.Parameter]:
    learned = [net.interval, net.value, net.missing]
    if modalities.findings:
        learned.append(net.finding)
    if modalities.text:
        learned += [net.deep_in, net.deep_bias, net.deep_out]
    return learned


def _scaling(table: Table) -> tuple[Tensor, Tensor]:
    """Mean and SD of the observed values; flags and constants keep a scale of 1."""
    count = table.observed.sum(0).clamp_min(1)
    center = (table.values * table.observed).sum(0) / count
    spread = (((table.values - center) * table.observed) ** 2).sum(0) / count
    scale = torch.where(table.is_flag | (spread < 1e-8), torch.ones_like(spread), spread.sqrt())
    return center, scale


def _text_axes(pooled: Tensor, axes: int) -> tuple[Tensor, Tensor]:
    """Mean [384] and principal axes [384, P] of the pooled embeddings, divided by the SD along each."""
    if not pooled.numel():  # no report in any row
        return torch.zeros(pooled.shape[1]), torch.zeros(pooled.shape[1], axes)
    mean = pooled.mean(0)
    variance, vectors = torch.linalg.eigh(torch.cov((pooled - mean).T.double()))
    top = vectors[:, -axes:].flip(1)
    top = top * torch.sign(top[top.abs().argmax(0), torch.arange(axes)])  # eigenvectors have no sign of their own
    return mean, (top / variance[-axes:].flip(0).clamp_min(1e-12).sqrt()).float()


def _head_weights(table: Table, settings: FitSettings) -> Tensor:
    """How often each head sees each row [H, B]: stays drawn as in a bootstrap, smoothly (Exp(1))."""
    rng = np.random.default_rng(settings.seed)
    _, place = np.unique(np.asarray(table.stays), return_inverse=True)
    drawn = rng.exponential(1.0, (settings.heads, int(place.max()) + 1))
    return torch.from_numpy(drawn[:, place]).float()
