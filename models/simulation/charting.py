"""What nurses and physicians chart of the course: when they score, and how scores are off.

A difference in scoring is an item's, not the total's, and is carried forward for a while: noise
that is independent from score to score would by itself fire the END rule in a third of patients.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.simulation.course import ITEM_LIMITS, Course
from models.simulation.world import World

Schedule = Literal["protocol", "ward", "worried"]

_WINDOW_H = 168.0


@dataclass(frozen=True)
class Exam:
    """One charted NIHSS; ``items`` is empty where only the total is charted, None is untestable."""

    hours: float
    total: int
    items: Mapping[str, int | None]


@dataclass(frozen=True)
class _Difference:
    """One item charted a point off between two hours."""

    item: str
    start: float
    end: float
    points: int


def draw_schedule(world: World, rng: np.random.Generator) -> Schedule:
    """How often this patient is scored."""
    drawn = rng.random()
    if drawn < world["protocol_share"]:
        return "protocol"
    return "ward" if drawn < world["protocol_share"] + world["ward_share"] else "worried"


def _planned_hours(schedule: Schedule) -> list[float]:
    """Hours after the baseline score at which a score is planned (assumption)."""
    if schedule == "protocol":
        return [1.0, 2.0, 4.0, 8.0, 12.0, 16.0, 20.0, 24.0, *np.arange(32.0, 73.0, 8.0), *np.arange(84.0, 169.0, 12.0)]
    return list(np.arange(12.0 if schedule == "ward" else 22.0, 169.0, 12.0 if schedule == "ward" else 24.0))


def _exam_hours(world: World, course: Course, schedule: Schedule, rng: np.random.Generator) -> list[float]:
    """All hours at which a score is charted, up to the end of the stay or of the window."""
    late = rng.random() < world["no_baseline_share"]
    first = 6.5 + 6 * rng.random() if late else 0.15 + 1.2 * rng.random()
    planned = [first] + [first + hour + rng.uniform(-0.3, 0.3) for hour in _planned_hours(schedule)]
    if course.event_h is not None and rng.random() < world["noticed_share"]:
        planned.append(course.event_h + 0.5 + 3.5 * rng.random())
    end = min(course.departure.hours, _WINDOW_H)
    return sorted(hour for hour in planned if first <= hour < end)


def _differences(world: World, course: Course, rng: np.random.Generator) -> tuple[_Difference, ...]:
    """Which items are charted a point off, when and for how long.

    Only items that score already waver: a healthy limb is not charted as weak.
    """
    wavering = [item for item, points in course.items_at(0.0).items() if points]
    drawn = []
    for item in wavering:
        for _ in range(int(rng.poisson(world["rescoring_per_item_day"] * _WINDOW_H / 24))):
            start = float(rng.uniform(-6.0, _WINDOW_H))
            lasts = float(rng.exponential(world["rescoring_lasts_h"]))
            drawn.append(_Difference(item, start, start + lasts, 1 if rng.random() < 0.5 else -1))
    return tuple(drawn)


def _charted(course: Course, hours: float, differences: Sequence[_Difference]) -> dict[str, int]:
    items = course.items_at(hours)
    for one in differences:
        if one.start <= hours < one.end:
            items[one.item] = min(max(items[one.item] + one.points, 0), ITEM_LIMITS[one.item])
    return items


def _exam(hours: float, items: dict[str, int], with_items: bool, untestable: bool) -> Exam:
    """The score as charted; an untestable ataxia item adds nothing to the total."""
    if untestable:
        items = {item: points for item, points in items.items() if item != "7"}
    total = sum(items.values())
    charted: dict[str, int | None] = dict(items) if with_items else {}
    return Exam(hours, total, charted | ({"7": None} if untestable and with_items else {}))


def chart_scores(world: World, course: Course, schedule: Schedule, rng: np.random.Generator) -> tuple[Exam, ...]:
    """All scores charted in one stay, in the order of time."""
    with_items, untestable = rng.random() < world["items_share"], rng.random() < world["untestable_share"]
    hours = _exam_hours(world, course, schedule, rng)
    differences = _differences(world, course, rng)
    return tuple(_exam(hour, _charted(course, hour, differences), with_items, untestable) for hour in hours)
