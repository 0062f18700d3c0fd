"""Plain Concat-Fusion: structured values and a document embedding side by side into a small perceptron.

The shape that the paper's name suggests (doi 10.3389/fneur.2026.1787921; its layers are not
published, so width, dropout and length are ours and are tuned in folds of stays).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
import torch
from sklearn.model_selection import GroupKFold
from torch import Tensor, nn
from torch.nn import functional

from models.comparators.columns import Columns, columns_of
from models.comparators.fitted import INNER_FOLDS, Floats, known
from models.design import Design
from models.training.table import Table

WIDTHS = (16, 64)
DECAYS = (1e-3, 1e-1)
EPOCHS = (5, 10, 20, 40)
_BATCH_ROWS, _RATE, _DROPOUT = 128, 1e-3, 0.3


class Choice(NamedTuple):
    """What is tuned."""

    width: int
    decay: float
    epochs: int


@dataclass(frozen=True)
class FittedConcat:
    """The trained perceptron, the columns that it reads, and what was chosen for it."""

    columns: Columns
    net: nn.Module
    spread: Floats  # [K] SD of each column in training
    choice: Choice

    def risks(self, table: Table) -> Floats:
        """The fitted probability of each row."""
        with torch.inference_mode():
            logit = self.net(_tensor(self.columns.of(table) / self.spread))[:, 0]
        return torch.sigmoid(logit).double().numpy()


def concat_fusion(train: Table, _design: Design, seed: int) -> FittedConcat:
    """The perceptron whose width, weight decay and length leave the likeliest held-out stays."""
    rows, outcome = known(train)
    columns = columns_of(rows, ("structured", "text"))
    matrix = columns.of(rows)
    spread = np.maximum(matrix.std(0), 1e-3)
    matrix = matrix / spread
    choice = _best(matrix, outcome, rows.stays, seed)
    net, _ = _trained(matrix, outcome, choice, seed)
    return FittedConcat(columns, net, spread, choice)


def _best(matrix: Floats, outcome: Floats, stays: Sequence[str], seed: int) -> Choice:
    losses = {Choice(*chosen): 0.0 for chosen in product(WIDTHS, DECAYS, EPOCHS)}
    for fitted_on, held_out in GroupKFold(INNER_FOLDS, shuffle=True, random_state=seed).split(matrix, outcome, stays):
        held = _tensor(matrix[held_out]), _tensor(outcome[held_out])
        for width, decay in product(WIDTHS, DECAYS):
            longest = Choice(width, decay, EPOCHS[-1])
            _, curve = _trained(matrix[fitted_on], outcome[fitted_on], longest, seed, held)
            for epochs, loss in curve.items():
                losses[longest._replace(epochs=epochs)] += loss
    return min(losses, key=lambda chosen: losses[chosen])


def _trained(
    matrix: Floats, outcome: Floats, choice: Choice, seed: int, held: tuple[Tensor, Tensor] | None = None
) -> tuple[nn.Module, dict[int, float]]:
    """The net after its last epoch, and the loss on the held-out rows after each length to choose from."""
    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Linear(matrix.shape[1], choice.width), nn.ReLU(), nn.Dropout(_DROPOUT), nn.Linear(choice.width, 1)
    )
    solver = torch.optim.AdamW(net.parameters(), lr=_RATE, weight_decay=choice.decay)
    inputs, wanted, curve = _tensor(matrix), _tensor(outcome), {}
    for epoch in range(1, choice.epochs + 1):
        net.train()
        for rows in torch.split(torch.randperm(len(inputs)), _BATCH_ROWS):
            solver.zero_grad()
            loss = functional.binary_cross_entropy_with_logits(net(inputs[rows])[:, 0], wanted[rows])
            loss.backward()  # type: ignore[no-untyped-call]
            solver.step()
        if held is not None and epoch in EPOCHS:
            curve[epoch] = _loss(net, *held)
    return net.eval(), curve


def _loss(net: nn.Module, inputs: Tensor, wanted: Tensor) -> float:
    net.eval()
    with torch.inference_mode():
        return float(functional.binary_cross_entropy_with_logits(net(inputs)[:, 0], wanted, reduction="sum"))


def _tensor(matrix: Floats) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(matrix, dtype=np.float32))
