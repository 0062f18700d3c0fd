"""Observations by their name, where a site lets them count."""

import pytest

from fhir_mappings.chart import RawChart
from fhir_mappings.codes import LOINC, analytes, nihss_table, table
from fhir_mappings.pipeline import snapshot_from
from fhir_mappings.site import Site
from fhir_mappings.snapshot import ClinicalSnapshot
from fhir_mappings.text_names import named
from tests import builders as b
from tests.builders import PATIENT_ID, at

NAMES = table("text_names.toml")


def seen(raw: b.Resource, site: Site) -> ClinicalSnapshot:
    """What a chart with one Observation tells."""
    held = {"patient": (b.patient(),), "encounters": (b.encounter(),), "labs": (raw,)}
    return snapshot_from(RawChart(PATIENT_ID, held), at(2), site=site)


def by_name(name: str, value: float = 9, unit: str = "mg/dL") -> b.Resource:
    """An Observation with a name and no code."""
    return b.observation("x", value, unit, 1) | {"code": {"text": name}}


@pytest.mark.parametrize("analyte", sorted(NAMES))
def test_every_name_leads_to_a_code_of_its_analyte(analyte: str) -> None:
    """The table is lower case and single-spaced, as names are compared."""
    row = NAMES[analyte]
    assert [name for name in row["names"] if name != " ".join(name.lower().split())] == []
    raw, (issue,) = named(by_name(row["names"][0].upper()), "Observation/o1")
    assert {"system": LOINC, "code": row["loinc"]} in raw["code"]["coding"]
    assert ("assumed", analyte) == (issue.code, issue.about)
    assert analyte == "nihss" or analyte in analytes()
    assert (row["loinc"] == nihss_table().total) == (analyte == "nihss")


def test_a_name_counts_only_where_the_site_says_so() -> None:
    """And then the card says so."""
    raw = by_name("C-Reactive  Protein", 9, "mg/L")
    assert () == seen(raw, Site()).measurements
    snapshot = seen(raw, Site(text_fallbacks=True))
    assert [("crp", 9.0)] == [(one.analyte, one.value) for one in snapshot.measurements]
    assert ["Observation/o1 has no code of ours: read as crp by its name"] == [
        one.text for one in snapshot.issues if one.about == "crp"
    ]


@pytest.mark.parametrize(
    "name", ["Lactate Dehydrogenase, Ascites", "Glucose, CSF", "Urine glucose", "creatinine clearance", "NIHSS item 5a"]
)
def test_a_name_is_compared_whole(name: str) -> None:
    """A part of a name says little of the whole."""
    raw = by_name(name)
    assert (raw, ()) == named(raw, "Observation/o1")


def test_a_foreign_loinc_code_is_believed_more_than_a_name() -> None:
    """2524-7 is lactate, whatever its display says."""
    raw = b.observation("2524-7", 2, "mmol/L", display="Glucose")
    assert (raw, ()) == named(raw, "Observation/o1")


def test_d_dimer_by_name_needs_a_unit_that_says_its_kind() -> None:
    """Without FEU or DDU the value would be off by a factor of two."""
    site = Site(text_fallbacks=True)
    assert () == seen(by_name("D-Dimer", 500, "ng/mL"), site).measurements
    assert [0.5] == [one.value for one in seen(by_name("D-Dimer", 500, "ng/mL FEU"), site).measurements]


def test_components_count_by_name_too() -> None:
    """A blood pressure panel without codes."""
    parts = [
        {"code": {"text": name}, "valueQuantity": {"value": value, "unit": "mmHg"}}
        for name, value in (("SBP", 150), ("DBP", 80))
    ]
    raw = b.observation("x", None, hours=1) | {"code": {"text": "Blood pressure"}, "component": parts}
    found = seen(raw, Site(text_fallbacks=True)).measurements
    assert {("systolic_bp", 150.0), ("diastolic_bp", 80.0)} == {(one.analyte, one.value) for one in found}


@pytest.mark.parametrize("code", [None, 7, [], {}, {"coding": None}, {"coding": [None, 3], "text": 5}])
def test_a_code_of_any_shape_raises_nothing(code: object) -> None:
    """The reading refuses it later."""
    raw = b.observation("x", 1) | {"code": code}
    assert (raw, ()) == named(raw, "Observation/o1")
