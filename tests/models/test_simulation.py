"""The simulated cohort: reproducible, valid FHIR, sourced numbers, and events near the paper's counts."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fhir.resources import R4B

from models.simulation.cohort import draw_stay, simulate
from models.simulation.population import draw_people
from models.simulation.records import RESOURCE_TYPES, records_of
from models.simulation.stay import SimulatedStay
from models.simulation.world import UnknownWorld, load_world

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
