"""What is true of a simulated stay, and what the charted rule reads of it: the truth that no input may use."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from math import log
from typing import Any

from models.simulation.charting import charted_end
from models.simulation.facts import Chart
from models.simulation.records import report_id
from models.simulation.world import World


@dataclass(frozen=True)
class StayTruth:
    """The truth of one stay; hours are after ``t0``, None where nothing happens.

    ``end_event`` is the simulated event before the stay ends, ``mechanism`` its kind; ``end_rule`` is
    what the END rule reads from the charted series, None without a baseline. ``findings`` are those
    that the patient has, ``stated`` what each report says, by its resource's id.
    """

    patient: str
    t0: datetime
    world: str
    schedule: str
    risk: float
    end_event: bool
    end_event_hours: float | None
    mechanism: str | None
    rise: int
    end_rule: bool | None
    end_rule_hours: float | None
    competing_kind: str
    competing_hours: float
    findings: Mapping[str, Any]
    stated: Mapping[str, Any]


TRUTH_COLUMNS = tuple(field.name for field in fields(StayTruth))
"""The columns of ``truth.csv``."""


def truth_of(world: World, chart: Chart) -> StayTruth:
    """The truth of one stay."""
    stay, course = chart.stay, chart.stay.course
    charted = charted_end(chart.exams, stay.t0)
    raised_h = (charted.raised.effective - stay.t0).total_seconds() / 3600 if charted.raised else None
    return StayTruth(
        patient=stay.patient_id,
        t0=stay.t0,
        world=world.name,
        schedule=stay.schedule,
        risk=stay.person.risk,
        end_event=course.event_h is not None,
        end_event_hours=course.event_h,
        mechanism=course.mechanism,
        rise=course.rise,
        end_rule=charted.met if charted.baseline else None,
        end_rule_hours=raised_h,
        competing_kind=course.departure.kind,
        competing_hours=course.departure.hours,
        findings={one.name: stay.person.has(one.name) for one in world.findings} | asdict(stay.details),
        stated=_stated(chart),
    )


def _stated(chart: Chart) -> dict[str, list[dict[str, Any]]]:
    return {
        chart.stay.id_of(report_id(report, number)): [
            {key: value for key, value in vars(one).items() if value is not None} for one in report.stated
        ]
        for number, report in enumerate(chart.stay.reports)
    }


def as_row(truth: StayTruth) -> dict[str, str]:
    """The truth as a row of ``truth.csv``: empty for None, 1 and 0 for yes and no, JSON for what is nested."""
    return {name: _cell(getattr(truth, name)) for name in TRUTH_COLUMNS}


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return as_json(value) if isinstance(value, Mapping) else str(value)


def as_json(content: Any) -> str:
    """JSON in one line, ordered, so that the same content gives the same bytes."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def latent_names(world: World) -> tuple[str, ...]:
    """The columns of `latent_row`."""
    values = _names(world)
    chances = [f"log_odds_{mechanism.name}" for mechanism in world.mechanisms]
    return (*values, *chances, "delay_h", "left", "points_now", "points_baseline", "schedule_protocol", "schedule_ward")


def _names(world: World) -> list[str]:
    variables, flags = [row.name for row in world.variables], [row.name for row in world.flags]
    return [*variables, *flags, *(row.name for row in world.findings)]


def latent_row(world: World, chart: Chart, hour: float) -> tuple[float, ...]:
    """What is true of a stay at that hour, whether charted or not; of the event only what has shown by then.

    True values, flags and findings, the log-odds of each mechanism, delay, side, the true NIHSS now and at
    arrival, and the schedule of scores. What will happen is not in it.
    """
    person, course = chart.stay.person, chart.stay.course
    values = [person.values[name] for name in _names(world)]
    odds = [log(max(chance, 1e-9) / max(1 - chance, 1e-9)) for chance in person.chances]
    schedule = chart.stay.schedule
    return (
        *values, *odds, course.delay_h, float(course.side == "left"), float(course.points_at(hour)),
        float(course.points_at(0.0)), float(schedule == "protocol"), float(schedule == "ward"),
    )  # fmt: skip
