"""The simulated cohort: reproducible, valid FHIR, sourced numbers, and events near the paper's counts."""

import csv
import json
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fhir.resources import R4B

from fhir_mappings.end_rule import apply_end_rule
from fhir_mappings.snapshot import NihssScore
from models.simulation import world as worlds
from models.simulation.cohort import draw_stay, simulate
from models.simulation.course import ITEM_LIMITS
from models.simulation.phrasebook import phrases
from models.simulation.population import draw_columns, draw_people, intercept, log_odds
from models.simulation.records import RESOURCE_TYPES, records_of
from models.simulation.stay import SimulatedStay
from models.simulation.world import UnknownWorld, known_worlds, load_world

WORLD = load_world("a")


def _stays(count: int, seed: int = 5) -> list[SimulatedStay]:
    return [draw_stay(WORLD, seed, person)[0] for person in draw_people(WORLD, count, seed)]


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _records(count: int, seed: int = 5) -> list[dict[str, Any]]:
    drawn = [draw_stay(WORLD, seed, person) for person in draw_people(WORLD, count, seed)]
    return [record for stay, rng in drawn for record in records_of(WORLD, stay, rng)]


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    """Two runs with one seed agree in every file; another seed differs."""
    for name, seed in (("one", 7), ("two", 7), ("three", 8)):
        simulate(6, seed, "a", tmp_path / name)
    assert _files(tmp_path / "one") == _files(tmp_path / "two")
    assert _files(tmp_path / "one")["Observation.ndjson"] != _files(tmp_path / "three")["Observation.ndjson"]


def test_a_cohort_begins_with_the_smaller_cohort_of_its_seed(tmp_path: Path) -> None:
    """Patient 3 of 3 is patient 3 of 8: a cohort can be made larger without changing it."""
    simulate(3, 7, "a", tmp_path / "small")
    simulate(8, 7, "a", tmp_path / "large")
    small, large = _files(tmp_path / "small"), _files(tmp_path / "large")
    assert all(large[name].startswith(small[name]) for name in small if name != "cohort.json")


def test_the_folder_holds_every_type_the_truth_and_its_settings(tmp_path: Path) -> None:
    """What is written is what the readers are promised, with the hash of the world."""
    calls: list[tuple[int, int]] = []
    simulate(4, 1, "a", tmp_path, lambda done, total: calls.append((done, total)))
    assert {f"{kind}.ndjson" for kind in RESOURCE_TYPES} | {"truth.csv", "cohort.json"} == set(_files(tmp_path))
    about = json.loads((tmp_path / "cohort.json").read_text())
    assert ("a", 1, 4, WORLD.sha256) == (about["world"], about["seed"], about["patients"], about["config_sha256"])
    assert [(1, 4), (2, 4), (3, 4), (4, 4)] == calls
    truth = list(csv.DictReader((tmp_path / "truth.csv").read_text().splitlines()))
    assert 4 == len(truth)
    assert "watershed_infarct" in json.loads(truth[0]["findings"])


def test_an_unknown_world_names_the_known_ones(tmp_path: Path) -> None:
    """A misspelt world is refused before anything is written."""
    with pytest.raises(UnknownWorld, match=r"no world 'z'; known: a"):
        simulate(1, 1, "z", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("patients", "seed"), [(0, 1), (-3, 1), (5, -1)])
def test_an_impossible_size_or_seed_is_refused(tmp_path: Path, patients: int, seed: int) -> None:
    """No cohort without patients, and no negative seed."""
    with pytest.raises(ValueError, match="at least one patient"):
        simulate(patients, seed, "a", tmp_path)


def _numbers_without_source(node: Any, path: str = "") -> Iterator[str]:
    if isinstance(node, list):
        for place, each in enumerate(node):
            yield from _numbers_without_source(each, f"{path}[{place}]")
    elif isinstance(node, dict):
        numbers = [key for key, value in node.items() if isinstance(value, int | float) and not isinstance(value, bool)]
        if (numbers or "pairs" in node) and not str(node.get("source", "")).strip():
            yield path
        for key, value in node.items():
            if key != "pairs":
                yield from _numbers_without_source(value, f"{path}.{key}")


@pytest.mark.parametrize("name", known_worlds())
def test_every_number_of_a_world_has_its_source_beside_it(name: str) -> None:
    """No effect, margin or share without a source or the word assumption."""
    path = Path(worlds.__file__).parent / "worlds" / f"{name}.toml"
    table = tomllib.loads(path.read_text())
    assert [] == list(_numbers_without_source(table))
    assert ["x"] == [place.strip(".") for place in _numbers_without_source({"x": {"value": 1.0}})]


def test_only_the_intercept_is_solved_for_the_share_of_events() -> None:
    """A fresh large population meets the world's share within sampling error."""
    scores = log_odds(WORLD, draw_columns(WORLD, 20_000, seed=99)) + intercept(WORLD)
    assert WORLD["event_share"] == pytest.approx(float(np.mean(1 / (1 + np.exp(-scores)))), abs=0.01)


@pytest.mark.parametrize("variable", [v for v in WORLD.variables if v.name != "lymphocytes"], ids=lambda v: v.name)
def test_margins_follow_the_world(variable: worlds.Variable) -> None:
    """The copula leaves each margin as it is: the median is the center, within 3 %."""
    column = draw_columns(WORLD, 20_000, seed=3)[variable.name]
    assert variable.center == pytest.approx(float(np.median(column)), rel=0.03)
    assert variable.low <= column.min()
    assert variable.high >= column.max()


def test_the_event_comes_between_arrival_and_the_end_of_the_window() -> None:
    """Event times are truncated to the seven days, and to the stay itself."""
    courses = [stay.course for stay in _stays(400)]
    events = [course for course in courses if course.event_h is not None]
    assert len(events) > 80
    assert all(0 <= (course.event_h or 0) <= min(168, course.departure.hours) for course in events)
    assert all(course.rise == 0 for course in courses if course.event_h is None)


def test_total_and_items_agree_in_every_charted_score() -> None:
    """A total is the sum of its items; an untestable item adds nothing and stays unknown."""
    exams = [exam for stay in _stays(200) for exam in stay.exams if exam.items]
    assert all(exam.total == sum(points or 0 for points in exam.items.values()) for exam in exams)
    assert all(set(ITEM_LIMITS) == set(exam.items) for exam in exams)
    assert any(None in exam.items.values() for exam in exams)
    assert all((points or 0) <= ITEM_LIMITS[item] for exam in exams for item, points in exam.items.items())


def _charted(stay: SimulatedStay) -> tuple[NihssScore, ...]:
    moments = [stay.t0 + timedelta(hours=exam.hours) for exam in stay.exams]
    pairs = zip(moments, stay.exams, strict=True)
    return tuple(NihssScore(when, when, exam.total, exam.items, "Observation/x") for when, exam in pairs)


def test_the_charted_rule_fires_about_as_often_as_in_the_paper() -> None:
    """END near 38 %, mostly within 72 h, and in at most a tenth of those without a true event."""
    states = [(stay, apply_end_rule(_charted(stay), stay.t0)) for stay in _stays(2500, seed=11)]
    known = [(stay, state) for stay, state in states if state.baseline is not None]
    raised = [(stay, state.raised) for stay, state in known if state.raised is not None]
    late = [1 for stay, score in raised if score.effective - stay.t0 > timedelta(hours=72)]
    without = [state.met for stay, state in known if stay.course.event_h is None]
    with_event = [state.met for stay, state in known if stay.course.event_h is not None]
    assert 0.38 == pytest.approx(len(raised) / len(known), abs=0.03)
    assert 33 / 162 == pytest.approx(len(late) / len(raised), abs=0.06)
    assert 0.10 >= np.mean(without) > 0.02
    assert 0.90 <= np.mean(with_event) < 1.0


def test_every_record_is_valid_r4() -> None:
    """What is written is read by the library's R4B classes without complaint."""
    records = _records(12)
    assert set(RESOURCE_TYPES) == {record["resourceType"] for record in records}
    for record in records:
        R4B.get_fhir_model_class(record["resourceType"]).model_validate(record)
    assert len(records) == len({(record["resourceType"], record["id"]) for record in records})


def test_results_are_issued_after_they_were_taken() -> None:
    """Reports and laboratory values become available later than they were effective."""
    dated = [record for record in _records(20) if "issued" in record]
    assert {"Observation", "DiagnosticReport"} == {record["resourceType"] for record in dated}
    assert all(record["issued"] > record["effectiveDateTime"] for record in dated)


def test_charts_differ_in_units_links_and_gaps() -> None:
    """Other units, stays linked by times only, charts without report or onset all occur."""
    records = _records(120)
    units = {record["valueQuantity"]["unit"] for record in records if "valueQuantity" in record}
    assert {"mg/dL", "mmol/L", "ug/mL FEU", "ng/mL DDU", "°C", "°F"} <= units
    emergency = [r for r in records if r["resourceType"] == "Encounter" and r["class"]["code"] == "EMER"]
    assert {True, False} == {"partOf" in record for record in emergency}
    reported = {r["subject"]["reference"] for r in records if r["resourceType"] == "DiagnosticReport"}
    assert 100 < len(reported) < 120
    strokes = [r for r in records if r["resourceType"] == "Condition" and r["id"].endswith("-stroke")]
    assert {True, False} == {"onsetDateTime" in record for record in strokes}


def test_severe_strokes_lack_fewer_laboratory_values() -> None:
    """Missingness depends on severity: the sicker, the more is measured."""
    drawn = [draw_stay(WORLD, 5, person) for person in draw_people(WORLD, 500, 5)]
    counts: dict[bool, list[int]] = {True: [], False: []}
    for stay, rng in drawn:
        labs = [r for r in records_of(WORLD, stay, rng) if r["id"].endswith("0") and "issued" in r]
        counts[stay.person.values["nihss"] >= 12].append(sum(r["resourceType"] == "Observation" for r in labs))
    assert np.mean(counts[True]) > np.mean(counts[False])


def test_a_report_holds_the_sentences_that_it_states() -> None:
    """The truth's statements stand in the text, with no brace left unfilled."""
    reports = [report for stay in _stays(150) for report in stay.reports]
    assert {"ct", "cta", "mri"} == {report.modality for report in reports}
    for report in reports:
        assert "{" not in report.text
        assert all(one.text.lower() in report.text.lower() for one in report.stated)
    assertions = {one.assertion for report in reports for one in report.stated}
    assert {"present", "absent", "uncertain", "asked"} == assertions


def test_reports_state_what_is_true() -> None:
    """No report affirms what the patient does not have, nor denies what is there."""
    for stay in _stays(150):
        for one in (one for report in stay.reports for one in report.stated):
            if one.finding in ("hemorrhage", "hyperdense_artery", "watershed_infarct", "old_infarct"):
                said_so = one.assertion in ("present", "uncertain")
                assert one.assertion == "asked" or said_so is stay.person.has(one.finding)
            if one.finding == "occlusion" and one.site:
                assert one.site == stay.details.site


@pytest.mark.parametrize("name", ["history", "ct", "cta", "mri"])
def test_everything_mentioned_can_be_said(name: str) -> None:
    """Each finding with a share of mentions has a phrase for each state that has a share."""
    source = phrases(name)
    for about, (where_present, where_absent) in source.mention.items():
        states = {say.state for say in source.says if say.about == about}
        assert not where_present or "present" in states
        assert not where_absent or "absent" in states or about in ("aspects", "mca_infarct")
