"""The network trained, top to bottom: columns, folds, ridge, heads, and the deep part where it earns its place.

Everything is tuned in folds of stays inside the training rows. Deterministic on a CPU with one
thread: one seed decides folds, heads and first weights.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from models.design import FindingTerm
from models.net import FusionNet
from models.notes import Progress
from models.training.additive import Additive, Problem, curvature, free_parameters, solve
from models.training.deep import Rows, train_deep
from models.training.earned import earned
from models.training.learning import Choice, FitSettings, Learning, learning_of
from models.training.table import Table

__all__ = ["Choice", "Fit", "FitSettings", "fit"]

EVENTS_PER_PARAMETER = 5.0
"""Stays with END for each effective parameter (assumption; Riley 2020 asks for more where nothing is shrunk)."""


@dataclass(frozen=True)
class Fit:
    """The trained network, what was chosen for it, how many weights that leaves free, and held-out answers.

    ``held_out`` [B, 5] are hazard logits of the training rows, each from the fold that did not learn from it.
    """

    net: FusionNet
    choice: Choice
    effective_parameters: float
    held_out: Tensor
    reports: bool

    def logits(self, table: Table) -> Tensor:
        """Hazard logits [B, 5] of rows, heads averaged."""
        with torch.no_grad():
            found: Tensor = self.net((table if self.reports else table.without_reports()).batch()).mean(0)
        return found


def fit(
    train: Table, terms: Sequence[FindingTerm], settings: FitSettings, *, reports: bool = True,
    progress: Progress | None = None,
) -> Fit:  # fmt: skip
    """The trained network; without ``reports`` it reads numbers alone. ``progress`` counts what folds try."""
    learning = learning_of(train if reports else train.without_reports(), terms, settings)
    choice, folds = _chosen(learning, _told(settings, progress))
    choice = replace(choice, epochs=_earned(learning, folds))
    net, whole = learning.net, _solved(learning, learning.problem, choice)
    for head, counts in enumerate(_head_counts(learning)):
        problem = learning.problem.counted(counts)
        _put(learning, head, _solved(learning, problem, choice, whole), problem, choice.epochs)
    free = free_parameters(curvature(learning.problem, whole), learning.ridge(choice))
    held_out = _held_out(learning, folds, choice.epochs)
    return Fit(net.eval().requires_grad_(False), choice, free, held_out, reports)


def _with_ridge(learning: Learning, problem: Problem, choice: Choice) -> tuple[Problem, Tensor]:
    """The problem and its ridge; columns that do not count are zero, so that their weights stay so."""
    ridge = learning.ridge(choice)
    kept = torch.isfinite(ridge)
    columns = problem.columns if bool(kept.all()) else problem.columns * kept
    return replace(problem, columns=columns), torch.where(kept, ridge, 1.0)


def _solved(learning: Learning, problem: Problem, choice: Choice, start: Additive | None = None) -> Additive:
    return solve(*_with_ridge(learning, problem, choice), start)


@dataclass(frozen=True)
class Fold:
    """One fold: which rows it held out, and what the others gave."""

    held: Tensor  # [n] places
    others: Tensor
    found: Additive


def _tried(learning: Learning, choice: Choice, starts: Sequence[Fold] | None = None) -> tuple[Tensor, list[Fold]]:
    """The held-out loss of each row [B], and the folds, for one choice."""
    loss, folds, own = torch.zeros(learning.rows).double(), [], learning.fold[: learning.rows]
    for number in range(learning.settings.folds):
        held, others = (torch.nonzero(one)[:, 0] for one in (own == number, own != number))
        start = starts[number].found if starts else None
        found = _solved(learning, learning.problem.where(others), choice, start)
        part = learning.problem.where(held)
        loss[held] = part.loss(found.interval, found.eta(part.columns))
        folds.append(Fold(held, others, found))
    return loss, folds


def _told(settings: FitSettings, progress: Progress | None) -> Callable[[int], None]:
    """Tells how many of the choices have been tried."""
    total = 1 + len(settings.ridges) + len(settings.bends)
    return lambda done: progress(done, total) if progress else None


def _chosen(learning: Learning, tell: Callable[[int], None]) -> tuple[Choice, list[Fold]]:
    """One grid after the other: the ridge, its factor for bends, then the axes of the text if they earn it."""
    settings = learning.settings
    best = Choice(settings.ridges[-1], settings.bends[len(settings.bends) // 2])
    loss, folds = _tried(learning, best)
    supported = _supported(learning, folds[0].found)
    options = [
        *(lambda now, ridge=ridge: replace(now, ridge=ridge) for ridge in reversed(settings.ridges)),
        *(lambda now, bend=bend: replace(now, bend=bend) for bend in settings.bends),
    ]  # type: list[Callable[[Choice], Choice]]
    for done, option in enumerate(options, 1):
        tell(done)
        other = option(best)
        if other == best or not supported(other):
            continue
        tried, tried_folds = _tried(learning, other, folds)
        if tried.mean() < loss.mean():
            best, loss, folds = other, tried, tried_folds
    if learning.net.shape.axes:
        tried, tried_folds = _tried(learning, replace(best, axes=True), folds)
        if earned([loss, tried], learning.stays):
            best, folds = replace(best, axes=True), tried_folds
    tell(len(options) + 1)
    return best, folds


def _supported(learning: Learning, at: Additive) -> Callable[[Choice], bool]:
    """Whether the stays with END are enough for the effective parameters that a choice leaves."""
    problem = learning.problem.where(torch.arange(learning.rows))
    bent = curvature(problem, at)
    ended = {stay for stay, event in zip(learning.stays, problem.event.tolist(), strict=True) if event}

    def supported(choice: Choice) -> bool:
        return free_parameters(bent, learning.ridge(choice)) <= len(ended) / EVENTS_PER_PARAMETER

    return supported


def _earned(learning: Learning, folds: Sequence[Fold]) -> int:
    """How long the deep part may learn; 0 where held-out stays gain nothing from it."""
    curves, stays = [], []
    for number, fold in enumerate(folds):
        _, curve = train_deep(
            _rows(learning, fold.others, fold.found), learning.settings.deep, learning.settings.seed + number,
            _rows(learning, fold.held, fold.found),
        )  # fmt: skip
        curves.append(curve)
        stays += [learning.stays[place] for place in fold.held.tolist()]
    return earned([torch.cat(parts) for parts in zip(*curves, strict=True)], stays)


def _rows(learning: Learning, places: Tensor, found: Additive) -> Rows:
    part = learning.problem.where(places)
    return Rows(learning.inputs[places], part.without_columns(), found.eta(part.columns), found.interval)


def _head_counts(learning: Learning) -> Tensor:
    """How often each head sees each row [H, B]: stays drawn as in a bootstrap, smoothly (Exp(1))."""
    copies = len(learning.fold) // learning.rows
    _, place = np.unique(np.asarray(learning.stays * copies), return_inverse=True)  # copies count with their stay
    rng = np.random.default_rng(learning.settings.seed)
    drawn = rng.exponential(1.0, (learning.settings.heads, int(place.max()) + 1))
    return torch.from_numpy(drawn[:, place]).float()


def _put(learning: Learning, head: int, found: Additive, problem: Problem, epochs: int) -> None:
    """One head's weights into the network, its deep part trained on top where it was earned."""
    net, columns = learning.net, learning.net.shape.columns
    weights = found.weights[:columns].clone()
    first = net.shape.features * (2 + net.shape.knots)
    weights[first : first + net.shape.findings] += learning.evidence.double() @ found.weights[columns:]
    net.interval.data[head], net.weights.data[head] = found.interval.float(), weights.float()
    if epochs:
        rows = Rows(learning.inputs, problem.without_columns(), found.eta(problem.columns), found.interval)
        deep, _ = train_deep(rows, replace(learning.settings.deep, epochs=epochs), learning.settings.seed + head)
        net.deep_in.data[head], net.deep_bias.data[head], net.deep_out.data[head] = (
            deep.inward, deep.bias, deep.outward,
        )  # fmt: skip


def _held_out(learning: Learning, folds: Sequence[Fold], epochs: int) -> Tensor:
    """Hazard logits [B, 5] of each row from the fold that held it out."""
    logits = torch.zeros(learning.rows, len(learning.net.interval[0])).double()
    for number, fold in enumerate(folds):
        rows = _rows(learning, fold.held, fold.found)
        eta = rows.eta
        if epochs:
            settings = replace(learning.settings.deep, epochs=epochs)
            deep, _ = train_deep(_rows(learning, fold.others, fold.found), settings, learning.settings.seed + number)
            eta = eta + deep(rows.inputs).double()
        logits[fold.held] = fold.found.interval + eta[:, None]
    return logits.float()
