"""A simulated cohort on disk: FHIR R4 as NDJSON, and beside it the truth that no label may use."""

import csv
import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from models.simulation.charting import chart_scores, draw_schedule
from models.simulation.course import draw_course
from models.simulation.details import Subject, draw_details
from models.simulation.population import Person, draw_people, intercept
from models.simulation.records import RESOURCE_TYPES, records_of
from models.simulation.reports import write_reports
from models.simulation.stay import SimulatedStay
from models.simulation.world import World, load_world

Progress = Callable[[int, int], None]
"""Called with (done, total) as the work goes on."""

TRUTH_COLUMNS = (
    "patient", "t0", "world", "schedule", "risk", "end_event_hours", "rise", "competing_kind", "competing_hours",
    "findings", "stated",
)  # fmt: skip

_FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
_DAYS = 700


def draw_stay(world: World, seed: int, person: Person) -> tuple[SimulatedStay, np.random.Generator]:
    """One stay, and the generator that writes its records: both depend on seed and number only."""
    rng = np.random.default_rng([seed, 3, person.number])
    t0 = _FIRST_DAY + timedelta(minutes=int(rng.integers(_DAYS * 24 * 60)))
    course = draw_course(world, person, rng)
    details = draw_details(world, person, rng)
    schedule = draw_schedule(world, rng)
    onset_charted = rng.random() >= world["no_last_known_well_share"]
    exams = chart_scores(world, course, schedule, rng)
    reports = write_reports(world, Subject(person, course, details), rng)
    id_ = f"sim-{world.name}{seed}-{person.number:06d}"
    stay = SimulatedStay(
        patient_id=id_, t0=t0, person=person, course=course, details=details, schedule=schedule,
        onset_charted=bool(onset_charted), exams=exams, reports=reports,
    )  # fmt: skip
    return stay, rng


def _json(content: Any) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _truth(world: World, stay: SimulatedStay) -> dict[str, Any]:
    """One row of ``truth.csv``; hours are after ``t0``, empty where nothing happens."""
    course = stay.course
    findings = {one.name: stay.person.has(one.name) for one in world.findings} | asdict(stay.details)
    stated = {
        stay.id_of(report.modality): [
            {key: value for key, value in asdict(one).items() if value is not None} for one in report.stated
        ]
        for report in stay.reports
    }
    return {
        "patient": stay.patient_id,
        "t0": stay.when(0),
        "world": world.name,
        "schedule": stay.schedule,
        "risk": f"{stay.person.risk:.6f}",
        "end_event_hours": "" if course.event_h is None else f"{course.event_h:.3f}",
        "rise": course.rise,
        "competing_kind": course.departure.kind,
        "competing_hours": f"{course.departure.hours:.3f}",
        "findings": _json(findings),
        "stated": _json(stated),
    }


def _describe(world: World, patients: int, seed: int) -> str:
    about = {
        "world": world.name,
        "seed": seed,
        "patients": patients,
        "config_sha256": world.sha256,
        "intercept": round(intercept(world), 6),
    }
    return json.dumps(about, indent=2, sort_keys=True) + "\n"


def simulate(patients: int, seed: int, world: str, out: Path, progress: Progress | None = None) -> None:
    """Write a cohort to the folder ``out``: the same bytes for the same patients, seed and world.

    ``world`` is a name of `known_worlds`, else `UnknownWorld`; existing files are replaced.
    """
    if patients < 1 or seed < 0:
        raise ValueError(f"Need at least one patient and a seed of 0 or more, not {patients} and {seed}.")
    settings = load_world(world)
    out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        files = {
            kind: stack.enter_context((out / f"{kind}.ndjson").open("w", encoding="utf-8", newline="\n"))
            for kind in RESOURCE_TYPES
        }
        truth_file = stack.enter_context((out / "truth.csv").open("w", encoding="utf-8", newline=""))
        truth = csv.DictWriter(truth_file, TRUTH_COLUMNS, lineterminator="\n")
        truth.writeheader()
        for person in draw_people(settings, patients, seed):
            stay, rng = draw_stay(settings, seed, person)
            for record in records_of(settings, stay, rng):
                files[record["resourceType"]].write(_json(record) + "\n")
            truth.writerow(_truth(settings, stay))
            if progress:
                progress(person.number, patients)
    (out / "cohort.json").write_text(_describe(settings, patients, seed), encoding="utf-8")
