"""The deep part, trained on what the additive part leaves over, as long as held-out stays gain from it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.training.additive import Problem


@dataclass(frozen=True)
class DeepSettings:
    """The loop's numbers (assumptions)."""

    hidden: int = 16
    epochs: int = 12
    rate: float = 3e-3
    decay: float = 0.1
    batch: int = 512


@dataclass(frozen=True)
class Deep:
    """Weights of one head as `models.net.FusionNet` holds them: [I, D], [1, D], [D, 1]."""

    inward: Tensor
    bias: Tensor
    outward: Tensor

    def __call__(self, inputs: Tensor) -> Tensor:
        """What rows [B, I] gain [B]."""
        return (torch.tanh(inputs @ self.inward + self.bias) @ self.outward)[:, 0]


@dataclass(frozen=True)
class Rows:
    """Rows for the deep part: its inputs [B, I], what happened, the additive part's answer [B] and intervals [5]."""

    inputs: Tensor
    problem: Problem
    eta: Tensor
    interval: Tensor

    def loss(self, deep: Deep) -> Tensor:
        """-log likelihood of each row [B]."""
        return self.problem.loss(self.interval, self.eta + deep(self.inputs).double())


def train_deep(
    rows: Rows, settings: DeepSettings, seed: int, held_out: Rows | None = None
) -> tuple[Deep, list[Tensor]]:
    """The part after the last epoch, and the loss of each held-out row [B] before the first and after each epoch."""
    drawn = torch.Generator().manual_seed(seed)
    width = rows.inputs.shape[1]
    deep = Deep(
        torch.randn(width, settings.hidden, generator=drawn) / width**0.5,
        torch.zeros(1, settings.hidden), torch.zeros(settings.hidden, 1),
    )  # fmt: skip
    learned = [deep.inward.requires_grad_(True), deep.bias.requires_grad_(True), deep.outward.requires_grad_(True)]
    solver = torch.optim.AdamW(learned, lr=settings.rate, weight_decay=settings.decay)
    curve = [] if held_out is None else [_held(deep, held_out)]
    for _ in range(settings.epochs):
        for places in torch.split(torch.randperm(len(rows.inputs), generator=drawn), settings.batch):
            part = Rows(rows.inputs[places], rows.problem.where(places), rows.eta[places], rows.interval)
            solver.zero_grad()
            loss = (part.problem.counts * part.loss(deep)).sum() / part.problem.counts.sum()
            loss.backward()  # type: ignore[no-untyped-call]
            solver.step()
        curve += [] if held_out is None else [_held(deep, held_out)]
    return Deep(*(one.detach() for one in learned)), curve


def _held(deep: Deep, rows: Rows) -> Tensor:
    with torch.inference_mode():
        return rows.loss(deep)
