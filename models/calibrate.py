"""From risk to band: recalibration, the threshold by alert budget, and what similar patients have.

Kept in ``calibration.json``; fitted on the calibration split only (the comparator on the training rows).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.likelihood import Targets, negative_log_likelihood
from models.net import EDGES_H, remaining_risk

Floats = NDArray[np.float64]

ALERT_BUDGET = 25.0
"""Calls flagged in 100 (assumption): what a stroke unit might bear; a setting of training."""

COMPARATOR_HOURS = (0.0, 1.0, 3.0, 6.0, 12.0, 24.0, 48.0, 72.0, 96.0, 120.0)


@dataclass(frozen=True)
class Calibration:
    """What turns the network's output into a shown risk and a band.

    ``intercept`` and ``slope`` act on the linear predictor (wide + deep) of the hazard's logit.
    ``comparator`` pairs hours after arrival with the mean risk of training patients END-free then.
    """

    intercept: float
    slope: float
    threshold: float
    alert_budget: float
    flagged_per_100: float
    end_among_flagged: float | None
    end_found: float | None
    comparator: tuple[tuple[float, float], ...]
    split: str = "calibration"

    def comparator_at(self, hours: float) -> float:
        """The comparator at that hour, linear between the stored ones, constant beyond them."""
        grid, means = zip(*self.comparator, strict=True)
        return float(np.interp(hours, grid, means))

    def flagged(self, risk: float) -> bool:
        """True from the threshold up."""
        return risk >= self.threshold


def calibration_from(raw: dict[str, Any]) -> Calibration:
    """The calibration stored in ``calibration.json``."""
    pairs = tuple((float(hour), float(mean)) for hour, mean in raw["comparator"])
    return Calibration(**(raw | {"comparator": pairs}))


def calibration_as_json(calibration: Calibration) -> dict[str, Any]:
    """The calibration as plain JSON."""
    return asdict(calibration) | {"comparator": [list(pair) for pair in calibration.comparator]}


def fit_recalibration(interval: Tensor, eta: Tensor, targets: Targets) -> tuple[float, float]:
    """Intercept and slope of the linear predictor that make the calibration rows most likely.

    ``interval`` [5] and ``eta`` [B] are means over heads; the same likelihood as in training, so
    censored rows count for what they say.
    """
    pair = torch.tensor([0.0, 1.0], dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS([pair], max_iter=100, line_search_fn="strong_wolfe")
    base, eta = interval.detach().double(), eta.detach().double()

    def loss() -> Tensor:
        solver.zero_grad()
        logits = base + pair[0] + pair[1] * eta[:, None]
        value = negative_log_likelihood(logits, targets).mean()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    solver.step(loss)  # type: ignore[no-untyped-call]
    intercept, slope = pair.detach().tolist()
    return intercept, slope


def threshold_for(risks: Sequence[float], budget: float = ALERT_BUDGET) -> float:
    """The risk that ``budget`` of 100 calls reach or exceed; ``ValueError`` outside 0 < budget < 100."""
    if not 0 < budget < 100 or len(risks) == 0:
        raise ValueError(f"an alert budget of {budget} per 100 on {len(risks)} rows gives no threshold")
    return float(np.quantile(np.asarray(risks, dtype=float), 1 - budget / 100))


def comparator_of(logits: Tensor, targets: Targets, stays: Sequence[str]) -> tuple[tuple[float, float], ...]:
    """For each hour the mean remaining risk of the stays END-free then, each by its latest row before.

    ``logits`` [B, 5] are means over heads. A row is END-free at an hour while its last clear score,
    or its whole follow-up where no END came, reaches it.
    """
    pairs = []
    for hour in COMPARATOR_HOURS:
        latest = _latest_rows(targets, stays, hour)
        if latest:
            rows, now = torch.tensor(latest), torch.tensor(hour)
            pairs.append((hour, float(remaining_risk(logits[rows], now, torch.tensor(EDGES_H[-1])).mean())))
    return tuple(pairs)


def _latest_rows(targets: Targets, stays: Sequence[str], hour: float) -> list[int]:
    """Each stay's latest row at or before the hour (its first where none is), if END-free then."""
    free_until = torch.where(targets.event, targets.after, targets.until)
    chosen: dict[str, int] = {}
    for row in torch.argsort(targets.start, stable=True).tolist():
        if float(targets.start[row]) <= hour or stays[row] not in chosen:
            chosen[stays[row]] = row
    return [row for row in chosen.values() if float(free_until[row]) >= hour]


def band_figures(risks: Floats, outcome: Floats, threshold: float) -> tuple[float, float | None, float | None]:
    """Flagged per 100 calls, share with END among the flagged, share of END that is flagged.

    ``outcome`` is 1, 0 or NaN (unknown: counts for the first figure only).
    """
    flagged, known = risks >= threshold, ~np.isnan(outcome)
    hits = float(outcome[flagged & known].sum())
    among, events = int((flagged & known).sum()), float(outcome[known].sum())
    return 100 * float(flagged.mean()), hits / among if among else None, hits / events if events else None
