"""Fitting a recalibration: on rows the network did not learn from, or on what followed a site's own calls."""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.calibrate import SMALLEST_HAZARD, Recalibration, between
from models.likelihood import Targets, log_likelihood_of
from models.net import EDGES_H, cumulative_hazard

KNOTS_H = (1.0, 6.0, 24.0, 48.0, 72.0)
"""Hours at which intercept and slope may differ: the landmarks of the evaluation."""

TIED = 20.0  # of a neighbor's difference, in units of one row's log likelihood (assumption)
HELD = 2.0  # of the mean intercept from 0 and slope from 1 (assumption): a few rows change little


@dataclass(frozen=True)
class Answered:
    """What the network said of B rows, and whether END came by 168 h, which alone the shown risk is about.

    ``watched`` is the share of the hazard left at ``hours`` that had passed at the end of the watch, 1 after END.
    When END came is no matter here: hazards whose times are a little wrong would bend the risk.
    """

    log_left: Tensor  # [B]
    hours: Tensor  # [B]
    watched: Tensor  # [B]
    event: Tensor  # [B] bool

    def loss(self, log_stretched: Tensor) -> Tensor:
        """-log likelihood of each row [B] with its hazard stretched."""
        passed = torch.exp(log_stretched) * self.watched
        return -log_likelihood_of(torch.zeros(()), torch.zeros(()), passed, self.event)


def answered(logits: Tensor, targets: Targets) -> Answered:
    """The answers to rows of data, from their hazard logits [B, 5]."""
    logits, start = logits.double(), targets.start.double()
    begin = cumulative_hazard(logits, start)
    left = (cumulative_hazard(logits, torch.full_like(start, EDGES_H[-1])) - begin).clamp_min(SMALLEST_HAZARD)
    passed = (cumulative_hazard(logits, targets.until.double()) - begin) / left
    return Answered(torch.log(left), start, torch.where(targets.event, 1.0, passed), targets.event)


def followed(risks: Tensor, hours: Tensor, event: Tensor) -> Answered:
    """Shown risks [B] of calls at some hours, and whether END came by 168 h [B]."""
    left = -torch.log1p(-risks.double().clamp(SMALLEST_HAZARD, 1 - SMALLEST_HAZARD))
    return Answered(torch.log(left), hours.double(), torch.ones_like(left), event)


def fit_recalibration(
    rows: Answered, on: str, *, knots: tuple[float, ...] = KNOTS_H, slope: bool = True
) -> Recalibration:
    """Intercept and slope at each knot that make the rows likeliest; without ``slope`` intercepts alone.

    Neighboring knots are tied, and all are held near "no change", so that few rows change little.
    """
    pairs = torch.stack([torch.zeros(len(knots)), torch.ones(len(knots))]).double().requires_grad_(True)
    solver = torch.optim.LBFGS([pairs], max_iter=100, line_search_fn="strong_wolfe", tolerance_grad=1e-9)
    at, unchanged = between(knots, rows.hours), torch.tensor([[0.0], [1.0]]).double()

    def closure() -> Tensor:
        solver.zero_grad()
        used = pairs if slope else torch.stack([pairs[0], unchanged[1].expand(len(knots))])
        loss = rows.loss(at @ used[0] + (at @ used[1]) * rows.log_left).sum()
        tied = (pairs.diff(dim=1) ** 2).sum() * TIED
        held = ((pairs - unchanged).mean(1) ** 2).sum() * HELD
        total = (loss + tied + held) / len(rows.hours)
        total.backward()  # type: ignore[no-untyped-call]
        return total

    solver.step(closure)  # type: ignore[no-untyped-call]
    intercepts, slopes = pairs.detach().tolist()
    return Recalibration(
        knots, tuple(intercepts), tuple(slopes if slope else [1.0] * len(knots)), on,
        len(rows.hours), int(rows.event.sum()),
    )  # fmt: skip
