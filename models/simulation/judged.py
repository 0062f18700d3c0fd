"""Simulated stays judged by the END rule: what is true beside what the charted scores say, schedule by schedule."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from models.simulation.charting import chart_scores, charted_end, draw_schedule
from models.simulation.course import draw_course
from models.simulation.population import Person
from models.simulation.world import World

Hours = NDArray[np.float64]
Flags = NDArray[np.bool_]

SCHEDULES = ("protocol", "ward", "worried")

_T0 = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class JudgedStays:
    """One entry a stay; hours after arrival, NaN where nothing came. ``known``: there is a baseline score."""

    schedule: NDArray[np.str_]
    mechanism: NDArray[np.str_]
    delay_h: Hours
    event_h: Hours
    raised_h: Hours
    known: Flags

    @property
    def event(self) -> Flags:
        """Where the event truly came."""
        return ~np.isnan(self.event_h)

    @property
    def end_rule(self) -> Flags:
        """Where the charted scores meet the END rule."""
        return ~np.isnan(self.raised_h)


@dataclass(frozen=True)
class RuleRow:
    """How the rule does in the stays of one schedule that have a baseline."""

    schedule: str
    stays: int
    events: int
    end_rule: int
    sensitivity: float
    specificity: float
    early: int
    late: int


def _judged(world: World, people: Iterable[Person], seed: int, charted: int) -> Iterator[tuple[str | float, ...]]:
    for person in people:
        rng = np.random.default_rng([seed, 9, person.number])
        course = draw_course(world, person, rng)
        event_h = np.nan if course.event_h is None else course.event_h
        schedule = draw_schedule(world, rng)
        known, raised_h = False, np.nan
        if person.number <= charted:
            state = charted_end(chart_scores(world, course, schedule, rng), _T0)
            known = state.baseline is not None
            raised_h = (state.raised.effective - _T0).total_seconds() / 3600 if state.raised else np.nan
        yield schedule, course.mechanism or "", course.delay_h, event_h, raised_h, known


def judged_stays(world: World, people: Iterable[Person], seed: int, charted: int | None = None) -> JudgedStays:
    """The course of every patient; of the first ``charted`` (else of all) also the scores, judged by the rule.

    Stays that are not charted count as without a baseline.
    """
    everyone = list(people)
    rows = _judged(world, everyone, seed, len(everyone) if charted is None else charted)
    schedule, mechanism, *hours, known = zip(*rows, strict=True)
    delay_h, event_h, raised_h = (np.array(column, dtype=np.float64) for column in hours)
    return JudgedStays(np.array(schedule), np.array(mechanism), delay_h, event_h, raised_h, np.array(known, dtype=bool))


def rule_table(world: World, stays: JudgedStays) -> tuple[RuleRow, ...]:
    """The rule against the truth, a row a schedule and one of all; early is up to the world's ``early_until_h``."""
    everyone = _row("all", world, stays, stays.known)
    return (*(_row(name, world, stays, stays.known & (stays.schedule == name)) for name in SCHEDULES), everyone)


def _row(name: str, world: World, stays: JudgedStays, kept: Flags) -> RuleRow:
    event, met = stays.event[kept], stays.end_rule[kept]
    late = int(np.sum(stays.raised_h[kept][met] > world["early_until_h"]))
    return RuleRow(
        schedule=name,
        stays=int(kept.sum()),
        events=int(event.sum()),
        end_rule=int(met.sum()),
        sensitivity=float(met[event].mean()) if event.any() else np.nan,
        specificity=float(1 - met[~event].mean()) if not event.all() else np.nan,
        early=int(met.sum()) - late,
        late=late,
    )
