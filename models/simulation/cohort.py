"""A simulated cohort on disk: FHIR R4 as NDJSON, and beside it the truth that no label may use."""

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from models.simulation.charting import chart_scores, draw_schedule
from models.simulation.course import draw_course
from models.simulation.details import Subject, draw_details
from models.simulation.facts import Chart, chart_of
from models.simulation.phrasebook import Phrasing, phrases_sha256
from models.simulation.population import Person, draw_people, intercept
from models.simulation.records import RESOURCE_TYPES, records_of_chart
from models.simulation.reports import state_reports, write_reports
from models.simulation.stay import SimulatedStay
from models.simulation.truth import TRUTH_COLUMNS, as_json, as_row, truth_of
from models.simulation.world import World, load_world

Progress = Callable[[int, int], None]
"""Called with (done, total) as the work goes on."""

COHORT_VERSION = "2"
"""Raised with whatever changes the bytes of a cohort of the same world, seed and phrases."""

_FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
_DAYS = 700


def draw_stay(
    world: World, seed: int, person: Person, phrasing: Phrasing | None = "training"
) -> tuple[SimulatedStay, np.random.Generator]:
    """One stay, and the generator that draws its chart: both depend on seed and number only.

    The reports have a generator of their own, so that other phrases leave all else as it is; without
    phrasing they have no words.
    """
    rng = np.random.default_rng([seed, 3, person.number])
    t0 = _FIRST_DAY + timedelta(minutes=int(rng.integers(_DAYS * 24 * 60)))
    course = draw_course(world, person, rng)
    details = draw_details(world, person, rng)
    schedule = draw_schedule(world, rng)
    onset_charted = rng.random() >= world["no_last_known_well_share"]
    exams = chart_scores(world, course, schedule, rng)
    subject, words = Subject(person, course, details), np.random.default_rng([seed, 4, person.number])
    reports = write_reports(world, subject, words, phrasing) if phrasing else state_reports(world, subject, words)
    id_ = f"sim-{world.name}{seed}-{person.number:06d}"
    stay = SimulatedStay(
        patient_id=id_, t0=t0, person=person, course=course, details=details, schedule=schedule,
        onset_charted=bool(onset_charted), exams=exams, reports=reports,
    )  # fmt: skip
    return stay, rng


def draw_charts(world: World, patients: int, seed: int, phrasing: Phrasing = "training") -> Iterator[Chart]:
    """The charts of a cohort, in the order of their patients."""
    for person in draw_people(world, patients, seed):
        yield chart_of(world, *draw_stay(world, seed, person, phrasing))


def _describe(world: World, patients: int, seed: int, phrasing: Phrasing) -> str:
    about = {
        "world": world.name,
        "seed": seed,
        "patients": patients,
        "phrasing": phrasing,
        "config_sha256": world.sha256,
        "phrases_sha256": phrases_sha256(),
        "cohort_version": COHORT_VERSION,
        "intercept": round(intercept(world), 6),
    }
    return json.dumps(about, indent=2, sort_keys=True) + "\n"


def simulate(
    patients: int,
    seed: int,
    world: str,
    out: Path,
    progress: Progress | None = None,
    *,
    phrasing: Phrasing = "training",
) -> None:
    """Write a cohort to the folder ``out``: the same bytes for the same patients, seed, world and phrasing.

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
        for done, chart in enumerate(draw_charts(settings, patients, seed, phrasing), 1):
            for record in records_of_chart(chart):
                files[record["resourceType"]].write(as_json(record) + "\n")
            truth.writerow(as_row(truth_of(settings, chart)))
            if progress:
                progress(done, patients)
    (out / "cohort.json").write_text(_describe(settings, patients, seed, phrasing), encoding="utf-8")
