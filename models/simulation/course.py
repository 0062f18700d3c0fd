"""The hidden course of one stay: when the event comes, how the deficit moves, how the stay ends.

The deficit is a fixed order in which one patient's NIHSS points appear: the first ``k`` of them
are the items of a true total of ``k``, so that total and items always agree and a rise shows in
the items where this stroke would show it.
"""

from dataclasses import dataclass
from functools import cache
from math import exp, log
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fhir_mappings.end_rule import TOTAL_RISE
from models.simulation.population import Person
from models.simulation.world import Mechanism, World

Side = Literal["left", "right"]
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

    ``event_h`` and ``mechanism`` are None where no event comes before the stay ends; ``delay_h`` is the
    time from last known well to arrival; ``side`` is the hemisphere of the stroke.
    """

    side: Side
    delay_h: float
    baseline: int
    order: tuple[str, ...]
    event_h: float | None
    mechanism: str | None
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
        items = dict.fromkeys(ITEM_LIMITS, 0)
        for item in self.order[: self.points_at(hours)]:
            items[item] += 1
        return items


@cache
def _slots(side: Side) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Every point of the scale by its item, and how fast it appears in a stroke of that side."""
    slots = [(item, level) for item, limit in ITEM_LIMITS.items() for level in range(limit)]
    readiness = _READINESS | _LATERAL[side]
    return tuple(item for item, _ in slots), np.array([readiness[item] / (1 + 0.3 * level) for item, level in slots])


def _order(side: Side, rng: np.random.Generator) -> tuple[str, ...]:
    """The order in which points appear: exponential clocks, slower for an item's higher points."""
    items, rates = _slots(side)
    clocks = rng.standard_exponential(len(items)) / rates
    return tuple([items[place] for place in np.argsort(clocks, kind="stable").tolist()])


def _event_hours(world: World, mechanism: Mechanism, delay_h: float, drawn: float) -> float:
    """Hours after arrival by the mechanism's own clock, truncated to (arrival, end of window)."""
    passed_h = delay_h if mechanism.clock == "last_known_well" else 0.0
    clock = NormalDist(log(mechanism.median_h), mechanism.log_sd)
    first = clock.cdf(log(passed_h)) if passed_h else 0.0
    last = clock.cdf(log(passed_h + world["window_h"]))
    place = min(max(first + (last - first) * drawn, 1e-9), 1 - 1e-9)
    return min(max(exp(clock.inv_cdf(place)) - passed_h, 0.0), world["window_h"])


def _first_event(world: World, person: Person, delay_h: float, rng: np.random.Generator) -> tuple[float, str] | None:
    """The hour and the mechanism of the event: of all mechanisms that strike, the first."""
    happens, places = rng.random((2, len(world.mechanisms))).tolist()
    hours = [
        (_event_hours(world, mechanism, delay_h, place), mechanism.name)
        for mechanism, chance, drawn, place in zip(world.mechanisms, person.chances, happens, places, strict=True)
        if drawn < chance
    ]
    return min(hours, default=None)


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
    side: Side = "left" if rng.random() < 0.5 else "right"
    delay_h = min(float(rng.lognormal(log(world["arrival_median_h"]), world["arrival_log_sd"])), 72.0)
    event = _first_event(world, person, delay_h, rng)
    rise = TOTAL_RISE + int(rng.geometric(1 / (1 + world["rise_extra_mean"]))) - 1
    ramp, transient, resolves, recovered = rng.random(4).tolist()
    ramp_h = 0.25 + world["ramp_h"] * ramp
    departure = _departure(world, person, (event[0], rise) if event else None, rng)
    if event and event[0] >= departure.hours:
        event = None
    resolving = event is not None and transient < world["transient_share"]
    return Course(
        side=side, delay_h=delay_h, baseline=int(person.values["nihss"]), order=_order(side, rng),
        event_h=event[0] if event else None, mechanism=event[1] if event else None, rise=rise if event else 0,
        ramp_h=ramp_h, resolves_h=event[0] + ramp_h + 48 * resolves if event and resolving else None,
        recovered=world["recovery_share"] * 2 * recovered * (0.3 if event else 1.0), departure=departure,
    )  # fmt: skip
