"""Charts written by another tool (Synthea): read without an exception, and honestly."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fhir_mappings.chart import RawChart
from fhir_mappings.eligibility import judge
from fhir_mappings.pipeline import snapshot_from
from fhir_mappings.reading import READ_TYPES
from fhir_mappings.snapshot import ClinicalSnapshot
from fhir_mappings.windows import instant

FOLDER = Path(__file__).parents[3] / "shared/data/synthea"
BUNDLES = sorted(FOLDER.glob("*.json"))
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MONITORED = {"systolic_bp", "diastolic_bp"}

pytestmark = pytest.mark.skipif(not BUNDLES, reason="shared/data/synthea is not beside this checkout")


def chart(path: Path) -> RawChart:
    """The bundle as a server would hold it: ``urn:uuid:`` references resolved to ``Type/id``."""
    text = path.read_text("utf-8")
    entries = json.loads(text)["entry"]
    for entry in entries:
        resource = entry["resource"]
        text = text.replace(f'"{entry["fullUrl"]}"', f'"{resource["resourceType"]}/{resource["id"]}"')
    raws = [entry["resource"] for entry in json.loads(text)["entry"]]
    patient = next(raw["id"] for raw in raws if raw["resourceType"] == "Patient")
    read = tuple(raw for raw in raws if raw["resourceType"] in READ_TYPES)
    return RawChart(patient, {"everything": read})


def strokes_began(held: RawChart) -> list[datetime]:
    """When this patient's strokes began."""
    conditions = [raw for raw in held.resources["everything"] if raw["resourceType"] == "Condition"]
    onsets = [instant(raw["onsetDateTime"]) for raw in conditions if "stroke" in raw["code"]["text"].lower()]
    return [onset for onset in onsets if onset]


def at_stroke(held: RawChart) -> ClinicalSnapshot:
    """What was known three hours after the first stroke began."""
    return snapshot_from(held, min(strokes_began(held)) + timedelta(hours=3), live=False)


def every(path: Path) -> list[Any]:
    """Snapshots of one patient: now, at each stroke, and in the middle of nowhere."""
    held = chart(path)
    moments = [NOW, NOW - timedelta(days=20_000), *(onset + timedelta(hours=3) for onset in strokes_began(held))]
    return [snapshot_from(held, moment, live=live) for moment in moments for live in (True, False)]


@pytest.mark.parametrize("path", BUNDLES, ids=lambda path: path.name.split("_")[0])
def test_a_bundle_of_another_tool_is_read_without_a_malformed_resource(path: Path):
    """At any moment, live or replayed; nothing is refused as malformed or as somebody else's."""
    refused = {"malformed", "wrong-patient"}
    said = [issue.text for one in every(path) for issue in one.issues if issue.code in refused]
    assert [] == [text for text in said if "no numeric value" not in text]


@pytest.mark.parametrize("path", BUNDLES, ids=lambda path: path.name.split("_")[0])
def test_blood_pressures_are_read_from_their_components(path: Path):
    """Synthea codes the panel 55284-4; the components are ours whatever the panel is called."""
    assert {one.analyte for one in snapshot_from(chart(path), NOW).measurements} >= MONITORED


@pytest.mark.parametrize("path", BUNDLES, ids=lambda path: path.name.split("_")[0])
def test_a_patient_whose_stroke_lies_years_back_is_outside(path: Path):
    """An adult with a stroke in the past and none now: nothing to say."""
    now = snapshot_from(chart(path), NOW)
    assert now.patient.age_years is not None
    assert "outside" == judge(now).kind


@pytest.mark.parametrize("path", BUNDLES, ids=lambda path: path.name.split("_")[0])
def test_nothing_after_the_moment_is_seen(path: Path):
    """Years of later results stay unseen at the first stroke."""
    one = at_stroke(chart(path))
    facts = (*one.measurements, *one.nihss, *one.reports, *one.diagnoses, *one.treatments)
    assert facts
    assert [] == [fact.source for fact in facts if fact.available and fact.available > one.as_of]
