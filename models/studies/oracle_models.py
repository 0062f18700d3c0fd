"""The flexible models that an oracle is chosen from: boosted trees, a perceptron, and their mean."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss
from torch import nn
from torch.nn import functional

Floats = NDArray[np.float64]
Matrix = NDArray[np.float32]
Risks = Callable[[Matrix], Floats]
"""A fitted model: rows [B, K] with NaN for what is not there, risks [B]."""

VALIDATION_SHARE = 0.15
_EPOCHS, _BATCH, _RATE = 8, 4096, 4e-3


def boosted(matrix: Matrix, outcome: Matrix, seed: int) -> Risks:
    """Boosted trees with a slow pace and large leaves."""
    model = HistGradientBoostingClassifier(
        learning_rate=0.15, max_iter=150, max_leaf_nodes=16, min_samples_leaf=200, l2_regularization=10.0,
        max_bins=127, early_stopping=True, validation_fraction=0.05, n_iter_no_change=10, random_state=seed,
    ).fit(matrix, outcome)  # fmt: skip
    return lambda rows: np.asarray(model.predict_proba(rows)[:, 1], dtype=np.float64)


def perceptron(matrix: Matrix, outcome: Matrix, seed: int) -> Risks:
    """Two hidden layers beside a straight line, on standardized values beside their gaps."""
    torch.manual_seed(seed)
    center, scale = np.nanmean(matrix, axis=0), np.maximum(np.nanstd(matrix, axis=0), 1e-3)

    def ready(rows: Matrix) -> torch.Tensor:
        gaps = np.isnan(rows)
        z = np.where(gaps, 0.0, (rows - center) / scale).clip(-6, 6)
        return torch.from_numpy(np.concatenate([z, gaps], axis=1, dtype=np.float32))

    inputs, wanted = ready(matrix), torch.from_numpy(outcome)
    net = _LineAndDepth(inputs.shape[1])
    steps = -(-len(inputs) // _BATCH) * _EPOCHS
    solver = torch.optim.AdamW(net.parameters(), lr=_RATE, weight_decay=1e-3)
    pace = torch.optim.lr_scheduler.OneCycleLR(solver, max_lr=_RATE, total_steps=steps, pct_start=0.2)
    for _ in range(_EPOCHS):
        for rows in torch.split(torch.randperm(len(inputs)), _BATCH):
            solver.zero_grad()
            loss = functional.binary_cross_entropy_with_logits(net(inputs[rows]), wanted[rows])
            loss.backward()  # type: ignore[no-untyped-call]
            solver.step()
            pace.step()

    def risks(rows: Matrix) -> Floats:
        with torch.inference_mode():
            return torch.sigmoid(net(ready(rows))).double().numpy()

    return risks


class _LineAndDepth(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.line = nn.Linear(width, 1)
        self.deep = nn.Sequential(nn.Linear(width, 96), nn.SiLU(), nn.Linear(96, 48), nn.SiLU(), nn.Linear(48, 1))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Log-odds [B]."""
        found: torch.Tensor = (self.line(rows) + self.deep(rows))[:, 0]
        return found


CANDIDATES: Mapping[str, Callable[[Matrix, Matrix, int], Risks]] = {"boosted trees": boosted, "perceptron": perceptron}


@dataclass(frozen=True)
class Chosen:
    """The model or mean of models with the smallest loss on the validation stays, and all losses."""

    members: tuple[str, ...]
    losses: Mapping[str, float]
    models: Mapping[str, Risks]

    def risks(self, rows: Matrix) -> Floats:
        """The mean of the members' log-odds, as a probability."""
        return mean_of([self.models[name](rows) for name in self.members])


def mean_of(risks: list[Floats]) -> Floats:
    """The mean on the scale of log-odds."""
    return np.asarray(expit(np.mean([logit(one.clip(1e-6, 1 - 1e-6)) for one in risks], axis=0)), dtype=np.float64)


def best_of(matrix: Matrix, outcome: Matrix, seed: int) -> Chosen:
    """Every candidate fitted on the first rows and judged on the last: rows of a stay stand together."""
    cut = int(len(matrix) * (1 - VALIDATION_SHARE))
    models = {name: fit(matrix[:cut], outcome[:cut], seed) for name, fit in CANDIDATES.items()}
    held = {name: model(matrix[cut:]) for name, model in models.items()}
    subsets = [members for size in range(1, len(models) + 1) for members in combinations(models, size)]
    losses = {members: _loss(outcome[cut:], mean_of([held[name] for name in members])) for members in subsets}
    members = min(losses, key=lambda chosen: losses[chosen])
    return Chosen(members, {" + ".join(key): value for key, value in losses.items()}, models)


def _loss(outcome: Matrix, risk: Floats) -> float:
    return float(log_loss(outcome, risk, labels=[0, 1]))
