"""From hazards to the shown risk and its band: recalibration, the threshold by alert budget, similar patients.

Kept in ``calibration.json``; fitted on rows that the network did not learn from (the comparator on the
training rows).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.checked import chance, number
from models.net import EDGES_H, cumulative_hazard

Floats = NDArray[np.float64]
Pairs = tuple[tuple[float, float], ...]
"""(hours after arrival, value): linear between the stored hours, constant beyond them."""

ALERT_BUDGET = 25.0
"""Calls flagged in 100 at any hour (assumption): what a stroke unit might bear; a setting of training."""

BAND_HOURS = (1.0, 3.0, 6.0, 12.0, 24.0, 48.0, 72.0, 96.0)
"""Hours at which the threshold is set: the landmarks at which rows of training are drawn."""

SMALLEST_HAZARD = 1e-9


@dataclass(frozen=True)
class Recalibration:
    """How the cumulative hazard that is left is stretched: log H' = a(h) + b(h) log H, at hour h of the call.

    ``intercepts`` and ``slopes`` stand at ``hours`` after arrival, linear between and constant beyond.
    ``on`` names the rows that they were fitted on, ``rows`` and ``events`` count these.
    """

    hours: tuple[float, ...]
    intercepts: tuple[float, ...]
    slopes: tuple[float, ...]
    on: str
    rows: int
    events: int

    def __call__(self, log_left: Tensor, start: Tensor) -> Tensor:
        """The stretched log hazard of calls at ``start``."""
        at = between(self.hours, start.reshape(-1).to(log_left.dtype))
        intercept = (at @ torch.tensor(self.intercepts, dtype=log_left.dtype)).reshape(start.shape)
        slope = (at @ torch.tensor(self.slopes, dtype=log_left.dtype)).reshape(start.shape)
        return intercept + slope * log_left


Stages = tuple[Recalibration, ...]
"""Recalibrations one after another: that of training, then a site's own."""


def between(knots: Sequence[float], hours: Tensor) -> Tensor:
    """How much each of K knots counts at some hours [B, K]: linear between knots, the outer ones beyond."""
    places = torch.tensor(knots, dtype=hours.dtype)
    if len(knots) == 1:
        return torch.ones(len(hours), 1, dtype=hours.dtype)
    held = hours.clamp(knots[0], knots[-1]).contiguous()
    right = torch.searchsorted(places, held).clamp(1, len(knots) - 1)
    share = (held - places[right - 1]) / (places[right] - places[right - 1])
    weights = torch.zeros(len(hours), len(knots), dtype=hours.dtype)
    weights.scatter_(1, (right - 1)[:, None], (1 - share)[:, None])
    return weights.scatter_(1, right[:, None], share[:, None])


def remaining_risk(logits: Tensor, start: Tensor, stop: Tensor, stages: Stages = ()) -> Tensor:
    """P(END by ``stop`` | END-free at ``start``) = 1 - S(stop) / S(start), recalibrated.

    ``logits`` [..., 5], hours after arrival [...]. Recalibration stretches all hazard that is left by one
    factor, so the risk by an earlier hour never exceeds that by a later one.
    """
    begin = cumulative_hazard(logits, start)
    left = cumulative_hazard(logits, torch.full_like(start, EDGES_H[-1])) - begin
    log_left = log_stretched = torch.log(left.clamp_min(SMALLEST_HAZARD))
    for stage in stages:
        log_stretched = stage(log_stretched, start)
    return -torch.expm1((begin - cumulative_hazard(logits, stop)) * torch.exp(log_stretched - log_left))


@dataclass(frozen=True)
class Calibration:
    """What turns the network's hazards into a shown risk and a band.

    ``thresholds`` and ``comparator`` pair hours after arrival with the risk from which a call is flagged,
    and with the mean risk of training patients END-free then. ``figures`` tells what the threshold did on
    the rows it was set on.
    """

    stages: Stages
    alert_budget: float
    thresholds: Pairs
    comparator: Pairs
    figures: dict[str, Any]

    @property
    def split(self) -> str:
        """The rows on which the training's recalibration and the thresholds were set."""
        return self.stages[0].on

    def risk(self, logits: Tensor, start: Tensor, stop: Tensor) -> Tensor:
        """The shown risk: see `remaining_risk`."""
        return remaining_risk(logits, start, stop, self.stages)

    def threshold_at(self, hours: float) -> float:
        """The risk from which a call at that hour is flagged."""
        return at_hour(self.thresholds, hours)

    def comparator_at(self, hours: float) -> float:
        """The mean risk of training patients END-free at that hour."""
        return at_hour(self.comparator, hours)


def at_hour(pairs: Pairs, hours: float) -> float:
    """The value at an hour, linear between the stored ones, constant beyond them."""
    grid, values = zip(*pairs, strict=True)
    return float(np.interp(hours, grid, values))


def calibration_from(raw: Mapping[str, Any]) -> Calibration:
    """The calibration stored in ``calibration.json``; raises where it is none."""
    stages = tuple(_stage(one) for one in raw["stages"])
    if not stages or not isinstance(raw["figures"], dict):
        raise ValueError("there are no stages, or figures is no object")
    number(raw["alert_budget"], "alert_budget")
    held = {key: _pairs(raw[key], key) for key in ("thresholds", "comparator")}
    return Calibration(**{**raw, **held, "stages": stages})


def _stage(raw: Mapping[str, Any]) -> Recalibration:
    lists = {key: tuple(number(one, key) for one in raw[key]) for key in ("hours", "intercepts", "slopes")}
    if len({len(one) for one in lists.values()}) > 1:
        raise ValueError("a stage's hours, intercepts and slopes differ in number")
    _check_hours(lists["hours"], "hours")
    return Recalibration(**{**raw, **lists})


def _pairs(raw: Any, field: str) -> Pairs:
    pairs = tuple((number(hour, field), chance(value, field)) for hour, value in raw)
    _check_hours([hour for hour, _ in pairs], field)
    return pairs


def _check_hours(hours: Sequence[float], field: str) -> None:
    if not hours or list(hours) != sorted(set(hours)):
        raise ValueError(f"{field} has no hours, or not in order")


def calibration_as_json(calibration: Calibration) -> dict[str, Any]:
    """The calibration as plain JSON."""
    return asdict(calibration)


def threshold_for(risks: Sequence[float], budget: float = ALERT_BUDGET) -> float:
    """The risk that ``budget`` of 100 calls reach or exceed; ``ValueError`` outside 0 < budget < 100."""
    if not 0 < budget < 100 or len(risks) == 0:
        raise ValueError(f"an alert budget of {budget} per 100 on {len(risks)} rows gives no threshold")
    return float(np.quantile(np.asarray(risks, dtype=float), 1 - budget / 100))
