"""Examples of the FHIR R4 specification, read as the chart of the patient that they are of."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fhir_mappings.chart import RawChart
from fhir_mappings.pipeline import snapshot_from
from fhir_mappings.site import DEFAULT_SITE, Site
from fhir_mappings.snapshot import ClinicalSnapshot
from tests.builders import PATIENT_ID, patient, subject
from tests.fhir_mappings.fhir_shaped import BARE_SITE, OPEN_SITE

EXAMPLES: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in sorted((Path(__file__).parent / "r4_examples").glob("*.json"))
}
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


def known_from(name: str, site: Site = DEFAULT_SITE) -> ClinicalSnapshot:
    """What the example says of our patient."""
    raw = EXAMPLES[name] | {"subject": subject()}
    return snapshot_from(RawChart(PATIENT_ID, {"example": (patient(), raw)}), NOW, site=site)


def said_of(name: str) -> list[str]:
    """The issues of the example itself."""
    source = name.replace("-", "/", 1)
    return [issue.text for issue in known_from(name).issues if issue.source == source]


@pytest.mark.parametrize("site", [DEFAULT_SITE, OPEN_SITE, BARE_SITE], ids=["default", "open", "bare"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_valid_and_read_without_an_exception(name: str, site: Site) -> None:
    """With all quirks and with none: the specification's own resources need no mending."""
    assert [] == [issue for issue in known_from(name, site).issues if "not valid FHIR" in issue.text]


MEASURED = {
    "Observation-blood-pressure": {"systolic_bp": (107, "107 mmHg"), "diastolic_bp": (60, "60 mmHg")},
    "Observation-blood-pressure-dar": {"systolic_bp": (107, "107 mmHg")},
    "Observation-body-temperature": {"temperature": (36.5, "36.5 C")},
    "Observation-f001": {"glucose": (113.5, "6.3 mmol/l")},
    "Observation-heart-rate": {"heart_rate": (44, "44 beats/minute")},
    "Observation-satO2": {"spo2": (95, "95 %")},
}
"""What was read by eye: analyte, canonical value, wording."""


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_measurements_of_an_example_are_those_read_by_eye(name: str) -> None:
    """And none where the example measures nothing of ours."""
    found = {one.analyte: (round(one.value, 1), one.as_sent) for one in known_from(name).measurements}
    assert MEASURED.get(name, {}) == found


def test_what_is_not_used_of_the_examples_is_said() -> None:
    """A cancelled pressure, a withdrawn temperature and a value that was not taken, in a few words."""
    assert ["Observation/blood-pressure-cancel left out: cancelled"] == said_of("Observation-blood-pressure-cancel")
    assert ["Observation/f202 left out: entered-in-error"] == said_of("Observation-f202")
    assert ["Observation/unsat left out: cancelled"] == said_of("Observation-unsat")
    assert "Diastolic blood pressure has no value: not performed (Observation/blood-pressure-dar)" in said_of(
        "Observation-blood-pressure-dar"
    )


def test_the_head_ct_of_the_examples_is_read() -> None:
    """Its category is v2's RAD; the text is its conclusion."""
    reports = known_from("DiagnosticReport-f201").reports
    assert ["CT of head-neck"] == [one.title for one in reports]
    assert "large tumor sphenoid/clivus" in reports[0].text
