"""What an evaluation is told of a simulated patient's truth: the event and the schedule of scores."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from models.simulation.truth import StayTruth


@dataclass(frozen=True)
class Told:
    """One patient: when the simulated event came (hours after ``t0``, None where none did), how scores were taken."""

    patient: str
    schedule: str
    end_event_hours: float | None


def told_of(truths: Iterable[StayTruth]) -> tuple[Told, ...]:
    """What is told of patients whose truth is at hand."""
    return tuple(Told(one.patient, one.schedule, one.end_event_hours) for one in truths)


def read_told(folder: Path) -> tuple[Told, ...] | None:
    """What ``truth.csv`` tells, or None in a folder without: real patients have no such file."""
    path = folder / "truth.csv"
    if not path.is_file():
        return None
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(
            Told(row["patient"], row["schedule"], float(row["end_event_hours"]) if row["end_event_hours"] else None)
            for row in csv.DictReader(file)
        )
