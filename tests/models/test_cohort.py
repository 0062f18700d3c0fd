"""Reading a folder of FHIR NDJSON into charts: grouped by patient and query key, faults named by file and line."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from fhir_mappings.codes import analytes
from fhir_mappings.features import build_inputs, load_features
from models.simulation.cohort import simulate
from models.simulation.population import draw_people
from models.simulation.world import load_world
from models.training.cohort import CohortError, latest_moment, read_charts
from models.training.labels import label_chart
from tests import builders as fhir

HISTORIES = (
    "hypertension", "diabetes", "atrial_fibrillation", "heart_failure", "coronary_disease", "smoking", "stroke_history",
)  # fmt: skip


def _write(folder: Path, name: str, records: Iterable[Any]) -> None:
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    (folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _folder(folder: Path, **more: list[Any]) -> Path:
    """A cohort of two patients whose lines are mixed; ``more`` replaces or adds files by type."""
    both = ("p1", "p2")
    files: dict[str, list[Any]] = {
        "Patient": [fhir.patient(id_) for id_ in both],
        "Encounter": [fhir.encounter(f"e-{id_}", end=100, patient=id_) for id_ in both],
        "Condition": [fhir.condition(id_=f"c-{id_}", patient=id_) for id_ in both],
        "Observation": [fhir.nihss(9 + hour, hour, f"n{hour}-{id_}", patient=id_) for hour in (0, 12) for id_ in both],
    }
    for kind, records in (files | more).items():
        _write(folder, f"{kind}.ndjson", records)
    return folder


def test_each_patient_gets_a_chart_of_its_own_lines(tmp_path: Path) -> None:
    """Lines of several patients may be mixed in any order; each chart holds one patient's."""
    charts = list(read_charts(_folder(tmp_path)))
    assert ["p1", "p2"] == [chart.patient_id for chart in charts]
    assert ["n0-p2", "n12-p2"] == [raw["id"] for raw in charts[1].resources["nihss"]]
    assert ["e-p2"] == [raw["id"] for raw in charts[1].resources["encounters"]]


def test_observations_stand_under_the_key_that_would_have_found_them(tmp_path: Path) -> None:
    """NIHSS by code, vital signs by category, all else as laboratory values."""
    observed = [
        fhir.nihss(9, 0, "score"),
        fhir.nihss_panel({"5a": 2}, 0, "panel"),
        fhir.observation("8867-4", 80, "/min", id_="pulse", category="vital-signs"),
        fhir.observation("2345-7", 120, "mg/dL", id_="sugar"),
        {"resourceType": "Observation", "id": "odd", "subject": fhir.subject(), "category": "odd", "code": None},
    ]
    chart = next(read_charts(_folder(tmp_path, Observation=observed)))
    found = {key: [raw["id"] for raw in chart.resources[key]] for key in ("nihss", "vitals", "labs")}
    assert {"nihss": ["score", "panel"], "vitals": ["pulse"], "labs": ["sugar", "odd"]} == found


def test_several_files_of_one_type_are_read_together(tmp_path: Path) -> None:
    """A bulk export splits types into files; MedicationRequest is no Medication."""
    folder = _folder(tmp_path)
    _write(folder, "Observation_2.ndjson", [fhir.nihss(12, 24, "late")])
    _write(folder, "MedicationRequest.000.ndjson", [fhir.medication_request("aspirin 81 MG")])
    _write(folder, "Location.ndjson", ["not read at all"])
    chart = next(read_charts(folder))
    assert "late" in [raw["id"] for raw in chart.resources["nihss"]]
    assert ["m1"] == [raw["id"] for raw in chart.resources["medications"]]


def test_drugs_of_the_catalog_come_with_the_charts_that_name_them(tmp_path: Path) -> None:
    """A ``medicationReference`` is resolved from the Medication files; other drugs stay out."""
    order = fhir.medication_request("aspirin") | {"medicationReference": {"reference": "Medication/d1"}}
    del order["medicationCodeableConcept"]
    drugs = [{"resourceType": "Medication", "id": id_, "code": {"text": "aspirin"}} for id_ in ("d1", "d2")]
    charts = list(read_charts(_folder(tmp_path, MedicationRequest=[order], Medication=drugs)))
    assert ["m1", "d1"] == [raw["id"] for raw in charts[0].resources["medications"]]
    assert () == charts[1].resources["medications"]


def test_an_export_without_administrations_leaves_thrombolysis_unknown(tmp_path: Path) -> None:
    """Nobody said what was given: the input is masked; with an empty file it is a no."""
    orders = [fhir.medication_request("Aspirin") | {"subject": fhir.subject()}]
    kinds = {"MedicationRequest": orders, "Procedure": [], "DiagnosticReport": []}
    for more, observed in (({}, False), ({"MedicationAdministration": []}, True)):
        folder = tmp_path / str(observed)
        folder.mkdir()
        history, _ = label_chart(next(read_charts(_folder(folder, **kinds, **more))))
        inputs = build_inputs(history, load_features())
        assert observed is next(one.observed for one in inputs.features if one.name == "thrombolysis")


def test_a_type_without_a_file_is_unanswered_not_none(tmp_path: Path) -> None:
    """What was not exported is unknown; an empty file is an answer with no data."""
    chart = next(read_charts(_folder(tmp_path, Procedure=[])))
    assert {"reports", "medications", "administrations", "forms"} == chart.unanswered
    assert () == chart.resources["procedures"]
    assert "reports" not in chart.resources


@pytest.mark.parametrize("reference", ["https://ehr.example/fhir/Patient/p1", "Patient/p1/_history/3", "Patient/p1"])
def test_absolute_and_versioned_references_name_the_patient(tmp_path: Path, reference: str) -> None:
    """Exports refer to patients in several ways."""
    score = fhir.nihss(9, 0, "score") | {"subject": {"reference": reference}}
    chart = next(read_charts(_folder(tmp_path, Observation=[score])))
    assert ["score"] == [raw["id"] for raw in chart.resources["nihss"]]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("{not json", "not JSON"),
        ("[]", "not a Observation"),
        (json.dumps(fhir.condition()), "not a Observation"),
        (json.dumps({"resourceType": "Observation", "id": "x"}), "no patient"),
        (json.dumps({"resourceType": "Observation", "subject": {"reference": "Group/7"}}), "no patient"),
        (json.dumps({"resourceType": "Observation", "subject": {"reference": "Patient/"}}), "no patient"),
    ],
)
def test_a_bad_line_is_named_by_file_and_line(tmp_path: Path, line: str, what: str) -> None:
    """The fault can be found, and what stands in the line is not repeated; blank lines count and are skipped."""
    folder = _folder(tmp_path, Observation=[fhir.nihss(9, 0), "", line])
    with pytest.raises(CohortError) as caught:
        list(read_charts(folder))
    assert f"Observation.ndjson line 3: {what}" == str(caught.value)


def test_a_folder_without_the_required_types_is_no_cohort(tmp_path: Path) -> None:
    """The message names the missing files."""
    _write(tmp_path, "Patient.ndjson", [fhir.patient()])
    with pytest.raises(CohortError, match=r"no Encounter\*\.ndjson, Condition\*\.ndjson, Observation\*\.ndjson"):
        next(read_charts(tmp_path))


def test_charts_come_one_at_a_time(tmp_path: Path) -> None:
    """The first chart is there before the others are read: memory does not grow with the cohort."""
    folder = _folder(tmp_path)
    charts = read_charts(folder)
    assert "p1" == next(charts).patient_id
    charts.close()


def test_a_simulated_cohort_comes_back_whole(tmp_path: Path) -> None:
    """Every line that the simulator wrote is in exactly one chart."""
    simulate(5, 3, "a", tmp_path, None)
    charts = list(read_charts(tmp_path))
    written = sum(len(path.read_text().splitlines()) for path in tmp_path.glob("*.ndjson"))
    assert written == sum(len(held) for chart in charts for held in chart.resources.values())
    assert {"forms"} == frozenset().union(*(chart.unanswered for chart in charts))
    assert 5 == len(charts)


def test_the_latest_moment_is_the_last_thing_the_chart_tells(tmp_path: Path) -> None:
    """The end of the Encounter is later than its scores; without dates there is no moment to name."""
    chart = next(read_charts(_folder(tmp_path)))
    assert fhir.at(100) == latest_moment(chart)


def test_mapped_values_are_the_simulated_truth(tmp_path: Path) -> None:
    """Whatever unit a chart uses, the first value read back is the one that was drawn, but for rounding."""
    simulate(30, 4, "a", tmp_path, None)
    people = list(draw_people(load_world("a"), 30, 4))
    histories = [label_chart(chart)[0] for chart in read_charts(tmp_path)]
    compared: set[str] = set()
    for person, history in zip(people, histories, strict=True):
        first = {one.analyte: one.value for one in reversed(history.measurements)}
        compared |= set(first)
        expected = {name: person.values[name] for name in first}
        assert expected == pytest.approx(first, rel=0.05, abs=0.06)
        assert int(person.values["age"]) == history.patient.age_years
        home = {one.kind for one in history.treatments if one.state == "before_admission"}
        assert {name for name in ("antiplatelet", "anticoagulant", "statin") if person.has(name)} == home
        histories_of = {one.kind for one in history.diagnoses} - {"ischemic_stroke"}
        assert {name for name in HISTORIES if person.has(name)} == histories_of
    assert set(analytes()) == compared


def test_mapping_a_simulated_chart_meets_no_unexpected_issue(tmp_path: Path) -> None:
    """Nothing of ours is malformed, contradictory, implausible or in an unknown unit."""
    simulate(30, 4, "a", tmp_path, None)
    issues = [issue for chart in read_charts(tmp_path) for issue in label_chart(chart)[0].issues]
    assert {issue.code for issue in issues} <= {"untestable"}
