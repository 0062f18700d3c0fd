"""What nurses and physicians chart of the course: when they score, and how scores are off.

A difference in scoring is an item's, not the total's, and is carried forward for a while: noise
that is independent from score to score would by itself fire the END rule in a third of patients.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp
from typing import Literal

import numpy as np

from fhir_mappings.end_rule import EndState, apply_end_rule
from fhir_mappings.snapshot import NihssScore
from models.simulation.course import ITEM_LIMITS, Course
from models.simulation.world import World

Schedule = Literal["protocol", "ward", "worried"]

_WINDOW_H = 168.0

# Hours after the baseline score at which a score is planned: assumption.
_PLANNED: Mapping[Schedule, tuple[float, ...]] = {
    "protocol": (1, 2, 4, 8, 12, 16, 20, 24, *range(32, 73, 8), *range(84, 169, 12)),
    "ward": tuple(range(12, 169, 12)),
    "worried": tuple(range(22, 169, 24)),
}

# Ataxia most often, else a limb (amputation, joint): assumption.
_UNTESTABLE = ("7",) * 6 + ("5a", "5b", "6a", "6b")


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


@dataclass(frozen=True)
class _Untestable:
    """An item that cannot be tested between two hours."""

    item: str
    start: float
    end: float


def draw_schedule(world: World, rng: np.random.Generator) -> Schedule:
    """How often this patient is scored."""
    drawn = rng.random()
    if drawn < world["protocol_share"]:
        return "protocol"
    return "ward" if drawn < world["protocol_share"] + world["ward_share"] else "worried"


def _skipped(world: World, baseline: int) -> float:
    """The chance that a planned score is not taken: less in severe strokes."""
    odds = (
        world["skipped_share"] / (1 - world["skipped_share"]) * exp(world["missing_per_nihss_point"] * (baseline - 9))
    )
    return odds / (1 + odds)


def _exam_hours(world: World, course: Course, schedule: Schedule, rng: np.random.Generator) -> list[float]:
    """All hours at which a score is charted, up to the end of the stay or of the window."""
    late, when, noticed, after = rng.random(4).tolist()
    first = 6.5 + 6 * when if late < world["no_baseline_share"] else 0.15 + 1.2 * when
    planned, skipped = _PLANNED[schedule], _skipped(world, course.baseline)
    shifts, taken = rng.random((2, len(planned))).tolist()
    hours = [
        first + hour + 0.6 * shift - 0.3
        for hour, shift, drawn in zip(planned, shifts, taken, strict=True)
        if drawn >= skipped
    ]
    if course.event_h is not None and noticed < world["noticed_share"]:
        hours.append(course.event_h + 0.5 + 3.5 * after)
    end = min(course.departure.hours, _WINDOW_H)
    return [first, *sorted(hour for hour in hours if first < hour < end)] if first < end else []


def _differences(world: World, course: Course, rng: np.random.Generator) -> list[_Difference]:
    """Which items are charted a point off, when and for how long.

    Only items that score already waver: a healthy limb is not charted as weak. Differences that
    began before the first score are as frequent in it as in later ones.
    """
    wavering = [item for item, points in course.items_at(0.0).items() if points]
    lasts = world["rescoring_lasts_h"]
    watched_h = _WINDOW_H + 3 * lasts
    count = int(rng.poisson(world["rescoring_per_item_day"] * len(wavering) * watched_h / 24))
    if not count:
        return []
    which, starts, signs = rng.random((3, count)).tolist()
    lengths = (lasts * rng.standard_exponential(count)).tolist()
    return [
        _Difference(wavering[int(item * len(wavering))], begin, begin + length, 1 if sign < 0.5 else -1)
        for item, start, sign, length in zip(which, starts, signs, lengths, strict=True)
        for begin in [start * watched_h - 3 * lasts]
    ]


def _draw_untestable(world: World, rng: np.random.Generator) -> _Untestable | None:
    """In a few stays one item cannot be tested, throughout or for a day or so."""
    drawn, which, start, end = rng.random(4).tolist()
    item = _UNTESTABLE[int(which * len(_UNTESTABLE))]
    if drawn < world["untestable_share"]:
        return _Untestable(item, 0.0, _WINDOW_H)
    if drawn < world["untestable_share"] + world["untestable_spell_share"]:
        return _Untestable(item, _WINDOW_H * start, _WINDOW_H * start + 6.0 + 42.0 * end)  # hours: assumption
    return None


def _charted(course: Course, hours: float, differences: Sequence[_Difference]) -> dict[str, int]:
    items = course.items_at(hours)
    for one in differences:
        if one.start <= hours < one.end:
            items[one.item] = min(max(items[one.item] + one.points, 0), ITEM_LIMITS[one.item])
    return items


def _exam(hours: float, points: dict[str, int], with_items: bool, untestable: _Untestable | None) -> Exam:
    """The score as charted; an untestable item adds nothing to the total."""
    items: dict[str, int | None] = dict(points)
    if untestable is not None and untestable.start <= hours <= untestable.end:
        points[untestable.item], items[untestable.item] = 0, None
    return Exam(hours, sum(points.values()), items if with_items else {})


def chart_scores(world: World, course: Course, schedule: Schedule, rng: np.random.Generator) -> tuple[Exam, ...]:
    """All scores charted in one stay, in the order of time."""
    with_items = rng.random() < world["items_share"]
    untestable = _draw_untestable(world, rng)
    hours = _exam_hours(world, course, schedule, rng)
    differences = _differences(world, course, rng)
    return tuple([_exam(hour, _charted(course, hour, differences), with_items, untestable) for hour in hours])


def charted_scores(exams: Sequence[Exam], t0: datetime) -> tuple[NihssScore, ...]:
    """The charted series as the mapping reads it from FHIR: to the minute, available at once."""
    moments = [t0 + timedelta(minutes=round(exam.hours * 60)) for exam in exams]
    return tuple(
        [
            NihssScore(moment, moment, exam.total, exam.items, f"exam {place}")
            for place, (moment, exam) in enumerate(zip(moments, exams, strict=True))
        ]
    )


def charted_end(exams: Sequence[Exam], t0: datetime) -> EndState:
    """What the END rule says of the charted series: the truth's ``end_rule``."""
    return apply_end_rule(charted_scores(exams, t0), t0)
