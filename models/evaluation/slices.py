"""Which rows each figure is of: all, by landmark, schedule, subgroup, early or late END, or against the truth."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.evaluation.plan import Plan
from models.evaluation.rows import SCHEDULE, Flags, Floats, TestRows

Name = tuple[str, ...]
"""Where a slice stands in the document: ``("landmarks", "6")``."""

OVERALL: Name = ("overall",)


@dataclass(frozen=True)
class Slice:
    """Rows with a known outcome: which of all [B], the outcomes of the chosen, and how many admissions had END or not.

    ``ranking_only``: rows were left out by their outcome, so that only ranking means something.
    """

    rows: Flags
    outcome: Floats
    having: int
    free: int
    ranking_only: bool = False

    @property
    def n(self) -> int:
        """How many rows."""
        return len(self.outcome)

    @property
    def events(self) -> int:
        """How many rows with END."""
        return int(self.outcome.sum())


def sliced(rows: TestRows, plan: Plan) -> dict[Name, Slice]:
    """Every slice of an evaluation.

    ``overall`` and ``landmarks`` hold all rows; schedules, subgroups and early or late END are taken at
    the primary landmark, so that each admission counts once. ``event_truth`` needs simulated patients.
    """
    every, primary = np.ones(len(rows), dtype=bool), rows.at(plan.primary_h)
    hours = {f"{hour:g}": rows.at(hour) for hour in plan.landmarks_h}
    found: dict[Name, Slice] = {OVERALL: slice_of(rows, every)}
    found |= {("landmarks", hour): slice_of(rows, at) for hour, at in hours.items()}
    found |= {_group(name): slice_of(rows, primary & chosen) for name, chosen in rows.groups.items()}
    found |= _early_late(rows, primary, plan.boundary_h)
    if rows.event is not None:
        found[("event_truth", "overall")] = slice_of(rows, every, rows.event)
        for hour, at in hours.items():
            found[("event_truth", "landmarks", hour)] = slice_of(rows, at, rows.event)
    return found


def slice_of(rows: TestRows, keep: Flags, outcome: Floats | None = None, *, ranking_only: bool = False) -> Slice:
    """The kept rows whose outcome is known; by default the outcome is END by the charted rule."""
    held = rows.outcome if outcome is None else outcome
    kept = keep & ~np.isnan(held)
    stays = np.asarray(rows.stays)[kept]
    having = len(set(stays[held[kept] == 1].tolist()))
    return Slice(kept, held[kept], having, len(set(stays.tolist())) - having, ranking_only)


def nested(values: Mapping[Name, Any]) -> dict[str, Any]:
    """Values by slice as the document nests them."""
    found: dict[str, Any] = {"overall": {}, "landmarks": {}, "schedules": {}, "subgroups": {}, "early_late": {}}
    for (*path, last), value in values.items():
        place = found
        for step in path:
            place = place.setdefault(step, {})
        place[last] = value
    return found


def _group(name: str) -> Name:
    family, _, level = name.partition(": ")
    return ("schedules", level) if family == SCHEDULE else ("subgroups", name)


def _early_late(rows: TestRows, at: Flags, boundary_h: float) -> dict[Name, Slice]:
    """END by the boundary, and END after it, each against the rows without END."""
    free = rows.outcome == 0
    early, late = rows.raised_h <= boundary_h, rows.raised_h > boundary_h
    return {
        ("early_late", "early"): slice_of(rows, at & (free | early), ranking_only=True),
        ("early_late", "late"): slice_of(rows, at & (free | late), ranking_only=True),
    }
