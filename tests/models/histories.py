"""Mapped histories for tests of labels and rows: a stay whose NIHSS totals are pairs of hour and points."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fhir_mappings.pipeline import History
from fhir_mappings.snapshot import NihssScore, Patient, Stay
from models.training.departures import Departure, DepartureKind
from tests import builders as fhir

DAILY = tuple((float(hour), 9) for hour in range(1, 170, 12))
"""Followed up to 168 h without a rise."""


def history(scores: Sequence[tuple[float, int | None]] = DAILY, until: float = 200, **more: Any) -> History:
    """The chart tells of the patient up to the hour ``until``."""
    charted = tuple(score(hour, points) for hour, points in scores)
    stay = Stay(fhir.T0, ("Encounter/e1",))
    return replace(History(fhir.at(until), Patient("p1", 70, "female"), stay, nihss=charted), **more)


def score(hour: float, points: int | None, **more: Any) -> NihssScore:
    """One examination, charted as it is made."""
    return NihssScore(fhir.at(hour), fhir.at(hour), points, {}, f"Observation/{hour}", **more)


def left(kind: DepartureKind, hours: float) -> tuple[Departure, ...]:
    """One departure."""
    return (Departure(kind, fhir.at(hours), "Encounter/e1"),)


def until(hours: float, points: int = 9) -> tuple[tuple[float, int], ...]:
    """Scores every twelve hours up to then."""
    return tuple((float(hour), points) for hour in range(1, int(hours), 12))
