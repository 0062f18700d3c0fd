"""The additive part of the network, solved: a penalized hazard model on fixed columns.

The loss is convex, so the same rows give the same weights whatever the start; L-BFGS in double
precision on one thread.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from models.likelihood import Targets, log_likelihood_of
from models.net import EDGES_H, shares_of

MOST_STEPS = 100
INTERVALS = len(EDGES_H) - 1
INTERVAL_RIDGE = 1e-3  # keeps an interval without any END finite


@dataclass(frozen=True)
class Problem:
    """Rows ready to be solved: columns, how often each row counts, and what happened, as shares of the intervals."""

    columns: Tensor  # [B, P] double
    counts: Tensor  # [B] double
    begin: Tensor  # [B, 5] share of each interval before as_of
    clear: Tensor  # [B, 5] before the last clear score
    stop: Tensor  # [B, 5] before the raised score, or the end of the watch
    event: Tensor  # [B] bool

    def where(self, rows: Tensor) -> "Problem":
        """The rows at these places."""
        return Problem(
            self.columns[rows], self.counts[rows], self.begin[rows], self.clear[rows], self.stop[rows], self.event[rows]
        )

    def without_columns(self) -> "Problem":
        """What happened in the rows alone."""
        return replace(self, columns=self.columns[:, :0])

    def counted(self, counts: Tensor) -> "Problem":
        """The same rows, each counted as often as said, times what it counted before."""
        return replace(self, counts=self.counts * counts.double())

    def loss(self, interval: Tensor, eta: Tensor) -> Tensor:
        """-log likelihood of each row [B] for interval logits [5] and a linear predictor [B]."""
        added = functional.softplus(interval + eta[:, None])
        return -log_likelihood_of(
            (added * self.begin).sum(1), (added * self.clear).sum(1), (added * self.stop).sum(1), self.event
        )


def problem_of(columns: Tensor, targets: Targets, counts: Tensor | None = None) -> Problem:
    """The problem of these rows [B, P]."""
    begin, clear, stop = (shares_of(hours.double()) for hours in (targets.start, targets.after, targets.until))
    counted = torch.ones(len(columns)) if counts is None else counts
    return Problem(columns.double(), counted.double(), begin, clear, stop, targets.event)


@dataclass(frozen=True)
class Additive:
    """A solution: interval logits [5] and a weight for each column [P]."""

    interval: Tensor
    weights: Tensor

    def eta(self, columns: Tensor) -> Tensor:
        """The linear predictor of rows [B]."""
        return columns.double() @ self.weights


def solve(problem: Problem, ridge: Tensor, start: Additive | None = None) -> Additive:
    """The weights that make the rows likeliest under a ridge [P], in units of one row's log likelihood.

    The search runs in coordinates in which the loss, as it bends at the start, is round: few steps do.
    """
    first = start or Additive(torch.full((INTERVALS,), -3.0).double(), torch.zeros(problem.columns.shape[1]).double())
    scale = problem.counts.sum()
    bent = (curvature(problem, first) + torch.diag(ridge.double())) / scale
    round_, _ = torch.linalg.cholesky_ex(bent)
    penalty = torch.cat([torch.full((INTERVALS,), INTERVAL_RIDGE).double(), ridge.double()])
    moved = torch.zeros(len(penalty)).double().requires_grad_(True)
    solver = torch.optim.LBFGS(
        [moved], max_iter=MOST_STEPS, history_size=20, line_search_fn="strong_wolfe",
        tolerance_grad=1e-6, tolerance_change=1e-9,
    )  # fmt: skip

    def weights() -> tuple[Tensor, Tensor]:
        """Intervals and weights where the search stands."""
        step = torch.linalg.solve_triangular(round_.T, moved[INTERVALS:, None], upper=True)[:, 0]
        return first.interval + moved[:INTERVALS], first.weights + step

    def closure() -> Tensor:
        solver.zero_grad()
        interval, held = weights()
        rows = (problem.counts * problem.loss(interval, problem.columns @ held)).sum()
        whole = rows + (penalty * torch.cat([interval, held]) ** 2).sum() / 2
        (whole / scale).backward()  # type: ignore[no-untyped-call]
        return whole / scale

    solver.step(closure)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        return Additive(*weights())


def curvature(problem: Problem, at: Additive) -> Tensor:
    """How the loss of the rows bends in the weights [P, P]: row by row in the linear predictor, intervals held."""
    eta = at.eta(problem.columns).requires_grad_(True)
    loss = (problem.counts * problem.loss(at.interval, eta)).sum()
    (slope,) = torch.autograd.grad(loss, eta, create_graph=True)
    (bend,) = torch.autograd.grad(slope.sum(), eta)
    return (problem.columns.T * bend.clamp_min(0)) @ problem.columns


def free_parameters(bent: Tensor, ridge: Tensor) -> float:
    """How many weights a ridge [P] leaves free: trace of H (H + ridge)^-1, H the curvature."""
    kept = torch.isfinite(ridge)
    held = bent[kept][:, kept]
    return float(torch.linalg.solve(held + torch.diag(ridge[kept].double()), held).diagonal().sum())
