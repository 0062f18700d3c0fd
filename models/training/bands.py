"""What a band is: thresholds by the alert budget, what flagging did, and the mean risk of similar patients."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.calibrate import BAND_HOURS, Floats, Pairs, Stages, remaining_risk, threshold_for
from models.evaluation.intervals import bootstrap
from models.evaluation.rows import Flags, Places
from models.likelihood import Targets
from models.net import EDGES_H

COMPARATOR_HOURS = (0.0, 1.0, 3.0, 6.0, 12.0, 24.0, 48.0, 72.0, 96.0, 120.0)
FEWEST_ROWS = 20
"""Rows at one hour without which no threshold is set there (assumption)."""

DRAWS = 200

Figure = Callable[[Places], float | None]
"""A figure of some rows, by their places."""


def thresholds(risks: Floats, hours: Floats, budget: float) -> Pairs:
    """For each hour of the band the risk that the budget's share of the calls then reach.

    Where no hour has rows enough, one threshold for all. Budget as in `models.calibrate.threshold_for`.
    """
    held = []
    for hour in BAND_HOURS:
        at = np.abs(hours - hour) < 1e-3
        if at.sum() >= FEWEST_ROWS:
            held.append((hour, threshold_for(risks[at].tolist(), budget)))
    return tuple(held) or ((0.0, threshold_for(risks.tolist(), budget)),)


def thresholds_of(pairs: Pairs, hours: Floats) -> Floats:
    """The threshold of calls at these hours [B]."""
    grid, values = zip(*pairs, strict=True)
    return np.asarray(np.interp(hours, grid, values))


def band_figures(risks: Floats, threshold: Floats, outcome: Floats, stays: Sequence[str]) -> dict[str, Any]:
    """What flagging from the threshold up did, each figure with its 95 % interval over stays.

    ``outcome`` is 1, 0 or NaN (unknown: counts for the share of flagged calls only). Net benefit
    weighs a needless flag by the odds of the row's own threshold (Vickers 2006).
    """
    flagged, known = risks >= threshold, ~np.isnan(outcome)
    hit, odds = flagged[known], (threshold / (1 - threshold))[known]
    ended, seen = outcome[known] == 1, [stay for stay, kept in zip(stays, known.tolist(), strict=True) if kept]
    counted: Mapping[str, Figure] = {
        "sensitivity": lambda at: _share(hit[at] & ended[at], ended[at]),
        "specificity": lambda at: _share(~hit[at] & ~ended[at], ~ended[at]),
        "ppv": lambda at: _share(hit[at] & ended[at], hit[at]),
        "npv": lambda at: _share(~hit[at] & ~ended[at], ~hit[at]),
        "net_benefit": lambda at: float((hit[at] & ended[at]).mean() - (odds[at] * (hit[at] & ~ended[at])).mean()),
    }
    found = {name: _with_interval(figure, seen) for name, figure in counted.items()}
    return {"flagged_per_100": 100 * float(flagged.mean()), "rows": int(known.sum()), **found}


def _share(some: Flags, of: Flags) -> float | None:
    return float(some.sum() / of.sum()) if of.any() else None


def _with_interval(figure: Figure, stays: Sequence[str]) -> dict[str, Any]:
    value = figure(np.arange(len(stays)))
    interval = None if value is None else bootstrap(figure, stays, draws=DRAWS)
    return {"value": value, "interval_95": None if interval is None else list(interval)}


def comparator_of(logits: Tensor, targets: Targets, stays: Sequence[str], stages: Stages) -> Pairs:
    """For each hour the mean remaining risk of the stays END-free then, each by its latest row before.

    ``logits`` [B, 5] are means over heads. A row is END-free at an hour while its last clear score,
    or its whole follow-up where no END came, reaches it.
    """
    pairs = []
    for hour in COMPARATOR_HOURS:
        latest = _latest_rows(targets, stays, hour)
        if latest:
            held = logits[torch.tensor(latest)]
            now = torch.full((len(held),), hour)
            pairs.append((hour, float(remaining_risk(held, now, torch.full_like(now, EDGES_H[-1]), stages).mean())))
    return tuple(pairs)


def _latest_rows(targets: Targets, stays: Sequence[str], hour: float) -> list[int]:
    """Each stay's latest row at or before the hour (its first where none is), if END-free then."""
    free_until = torch.where(targets.event, targets.after, targets.until)
    chosen: dict[str, int] = {}
    for row in torch.argsort(targets.start, stable=True).tolist():
        if float(targets.start[row]) <= hour or stays[row] not in chosen:
            chosen[stays[row]] = row
    return [row for row in chosen.values() if float(free_until[row]) >= hour]
