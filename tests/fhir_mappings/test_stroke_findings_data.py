"""Eighteen real one-line radiology findings: a first check of the rules on wording that is not ours."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fhir_mappings.inputs import Finding
from fhir_mappings.snapshot import Report
from fhir_mappings.text.findings import read_findings
from fhir_mappings.text.sections import sentences_of

DATA = Path(__file__).parents[3] / "shared/data/stroke-findings/findings.jsonl"
MOMENT = datetime(2026, 3, 2, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="shared/data/stroke-findings is not beside this checkout")


def rows() -> list[dict[str, Any]]:
    """The data set (UCLH Stroke EIT dataset, CC BY 4.0)."""
    return [json.loads(line) for line in DATA.read_text("utf-8").splitlines() if line.strip()]


def read(patient: str) -> list[Finding]:
    """Every finding of a patient's line, cut into sentences as a report is."""
    text = next(row["radiology_finding"] for row in rows() if row["patient"] == patient)
    return list(read_findings(sentences_of([Report("CT", text, MOMENT, MOMENT, f"DiagnosticReport/{patient}")])))


def assertions(patient: str, name: str) -> set[str]:
    """How a patient's line asserts a finding."""
    return {one.assertion for one in read(patient) if one.name == name}


def test_every_hemorrhage_patient_is_read_as_bleeding():
    """No bleed that is described in plain words is missed."""
    bleeding = [row["patient"] for row in rows() if row["type"] == "haemorrhage"]
    assert bleeding
    assert [] == [patient for patient in bleeding if "present" not in assertions(patient, "hemorrhage")]


def test_of_the_ischemic_patients_only_a_transformation_is_read_as_bleeding():
    """Microhemorrhages are historical; the hemorrhagic transformation of P25A is present."""
    ischemic = [row["patient"] for row in rows() if row["type"] == "ischaemic"]
    assert ["P25A"] == [patient for patient in ischemic if "present" in assertions(patient, "hemorrhage")]
    assert {"historical"} == assertions("P15", "hemorrhage")


@pytest.mark.parametrize("patient", ["P1", "P4A", "P9", "P19A", "P25A", "P26"])
def test_an_mca_infarct_that_is_named_is_read(patient: str):
    """In any word order."""
    assert "present" in assertions(patient, "mca_infarct")


@pytest.mark.parametrize("patient", ["P12A", "P16", "P18"])
def test_an_infarct_without_the_territory_is_no_mca_infarct(patient: str):
    """The territory is not guessed from the lobe."""
    assert "present" not in assertions(patient, "mca_infarct")


def test_midline_shift_is_read_with_its_number_and_its_negation():
    """3 mm of P26; none in P5; without a number in P11."""
    assert [3.0] == [one.value for one in read("P26") if one.name == "midline_shift"]
    assert {"absent"} == assertions("P5", "midline_shift")
    assert {"present"} == assertions("P11", "midline_shift")


def test_mature_infarcts_are_old_ones():
    """Two mature small infarcts of P1 beside the subacute one."""
    assert {"present"} == assertions("P1", "old_infarct")
