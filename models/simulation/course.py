"""The hidden course of one stay: when the event comes, how the deficit moves, how the stay ends.

The deficit is a fixed order in which one patient's NIHSS points appear: the first ``k`` of them
are the items of a true total of ``k``, so that total and items always agree and a rise shows in
the items where this stroke would show it.
"""

from collections import Counter
from dataclasses import dataclass
from math import log
from statistics import NormalDist
from typing import Literal

import numpy as np

from models.simulation.population import Person
from models.simulation.world import World

DepartureKind = Literal["discharge", "neurological_death", "other_death", "comfort_care", "transfer"]

ITEM_LIMITS = {
    "1a": 3, "1b": 2, "1c": 2, "2": 2, "3": 3, "4": 3, "5a": 4, "5b": 4, "6a": 4, "6b": 4,
    "7": 2, "8": 2, "9": 3, "10": 2, "11": 2,
}  # fmt: skip

# How readily an item scores in an MCA stroke, before the side is known: assumption.
_READINESS = {
    "1a": 0.15, "1b": 0.3, "1c": 0.25, "2": 0.5, "3": 0.4, "4": 0.9, "5a": 1.0, "5b": 1.0, "6a": 0.8,
    "6b": 0.8, "7": 0.05, "8": 0.6, "9": 0.1, "10": 0.6, "11": 0.1,
}  # fmt: skip
_SPARED = 0.02
_LATERAL = {"left": {"5a": _SPARED, "6a": _SPARED, "9": 0.8}, "right": {"5b": _SPARED, "6b": _SPARED, "11": 0.7}}


@dataclass(frozen=True)
class Departure:
    """How and when the stay ends, in hours after arrival."""

    kind: DepartureKind
    hours: float


@dataclass(frozen=True)
class Course:
    """The truth of one stay, in hours after arrival.

    ``event_h`` is None where no event comes before the stay ends; ``delay_h`` is the time from last
    known well to arrival; ``side`` is the hemisphere of the stroke.
    """

    side: Literal["left", "right"]
    delay_h: float
    baseline: int
    order: tuple[str, ...]
    event_h: float | None
    rise: int
    ramp_h: float
    resolves_h: float | None
    recovered: float
    departure: Departure

    def points_at(self, hours: float) -> int:
        """The true NIHSS total at that hour."""
        regained = self.recovered * self.baseline * min(hours, 168.0) / 168.0
        gained = 0.0
        if self.event_h is not None and hours >= self.event_h:
            gained = self.rise * min(1.0, (hours - self.event_h) / self.ramp_h)
            if self.resolves_h is not None and hours > self.resolves_h:
                gained = 0.0
        return max(0, min(len(self.order), round(self.baseline - regained + gained)))

    def items_at(self, hours: float) -> dict[str, int]:
        """The true points of each item at that hour."""
        counted = Counter(self.order[: self.points_at(hours)])
        return {item: counted[item] for item in ITEM_LIMITS}


def _order(side: Literal["left", "right"], rng: np.random.Generator) -> tuple[str, ...]:
    """The order in which points appear: exponential clocks, slower for an item's higher points."""
    slots = [(item, level) for item, limit in ITEM_LIMITS.items() for level in range(limit)]
    readiness = _READINESS | _LATERAL[side]
    rates = np.array([readiness[item] / (1 + 0.3 * level) for item, level in slots])
    clocks = rng.exponential(size=len(slots)) / rates
    return tuple(slots[index][0] for index in np.argsort(clocks, kind="stable"))


def _event_hours(world: World, delay_h: float, rng: np.random.Generator) -> float:
    """Hours after arrival, log-normal from last known well, truncated to (arrival, end of window)."""
    clock = NormalDist(log(world["event_median_h"]), world["event_log_sd"])
    first, last = clock.cdf(log(delay_h)), clock.cdf(log(delay_h + world["window_h"]))
    drawn = min(max(first + (last - first) * rng.random(), 1e-9), 1 - 1e-9)
    return min(max(float(np.exp(clock.inv_cdf(drawn))) - delay_h, 0.0), world["window_h"])


def _after_event(world: World, event_h: float, rise: int, rng: np.random.Generator) -> Departure | None:
    drawn = rng.random()
    death = world["death_after_event_share"] * (2.0 if rise >= 6 else 0.75)
    if drawn < death:
        return Departure("neurological_death", event_h + float(rng.lognormal(log(60.0), 0.6)))
    if drawn < death + world["comfort_share"]:
        return Departure("comfort_care", event_h + float(rng.lognormal(log(48.0), 0.6)))
    return None


def _departure(world: World, person: Person, event: tuple[float, int] | None, rng: np.random.Generator) -> Departure:
    """The end of the stay; an event keeps the patient for four more days."""
    drawn, hours = rng.random(), 4.0 + 156.0 * rng.random()
    kinds: tuple[tuple[DepartureKind, float], ...] = (
        ("neurological_death", world["sudden_death_share"]),
        ("other_death", world["other_death_share"]),
        ("transfer", world["transfer_share"]),
    )
    for kind, share in kinds:
        if drawn < share:
            return Departure(kind, hours)
        drawn -= share
    if event and (ends := _after_event(world, *event, rng)):
        return ends
    severity = 1 + (person.values["nihss"] - 9) * 0.03
    stay = float(rng.lognormal(log(world["stay_median_h"] * max(0.6, severity)), world["stay_log_sd"]))
    return Departure("discharge", max(stay, 30.0, event[0] + 96.0 if event else 0.0))


def draw_course(world: World, person: Person, rng: np.random.Generator) -> Course:
    """The course of one stay; an event that the end of the stay forestalls is no event."""
    side: Literal["left", "right"] = "left" if rng.random() < 0.5 else "right"
    delay_h = min(float(rng.lognormal(log(world["arrival_median_h"]), world["arrival_log_sd"])), 72.0)
    happens = rng.random() < person.risk
    event_h = _event_hours(world, delay_h, rng)
    rise = 2 + int(rng.geometric(1 / (1 + world["rise_extra_mean"]))) - 1
    ramp_h = 0.25 + world["ramp_h"] * rng.random()
    transient = rng.random() < world["transient_share"]
    resolves_h = event_h + ramp_h + 48 * rng.random()
    recovered = world["recovery_share"] * 2 * rng.random()
    departure = _departure(world, person, (event_h, rise) if happens else None, rng)
    happens = happens and event_h < departure.hours
    return Course(
        side=side, delay_h=delay_h, baseline=int(person.values["nihss"]), order=_order(side, rng),
        event_h=event_h if happens else None, rise=rise if happens else 0, ramp_h=ramp_h,
        resolves_h=resolves_h if happens and transient else None,
        recovered=recovered * (0.3 if happens else 1.0), departure=departure,
    )  # fmt: skip
