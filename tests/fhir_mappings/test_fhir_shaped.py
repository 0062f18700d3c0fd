"""Whatever shape a resource has, reading it ends in facts and issues."""

import json
import time

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from fhir_mappings.chart import RawChart
from fhir_mappings.eligibility import judge
from fhir_mappings.features import build_inputs, load_features
from fhir_mappings.pipeline import snapshot_from
from fhir_mappings.site import Site
from fhir_mappings.snapshot import ClinicalSnapshot, Issue
from tests.builders import PATIENT_ID, at, condition, encounter, observation, patient
from tests.fhir_mappings.fhir_shaped import charts, nested, sites
from tests.fhir_mappings.fhir_values import Json


def exercised(chart: RawChart, site: Site, *, live: bool) -> ClinicalSnapshot:
    """The snapshot of a chart, after it went through eligibility and model inputs too."""
    snapshot = snapshot_from(chart, at(30), live=live, site=site)
    judge(snapshot)
    if snapshot.stay is not None:
        build_inputs(snapshot, load_features())
    return snapshot


@seed(20260302)
@settings(max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(charts(), sites, st.booleans())
def test_no_chart_raises_and_all_that_is_said_is_an_issue(chart: RawChart, site: Site, live: bool) -> None:
    """Wrong types, huge numbers, odd times and units: a value, or a short word on the card."""
    snapshot = exercised(chart, site, live=live)
    assert all(isinstance(issue, Issue) and 0 < len(issue.text) <= 300 for issue in snapshot.issues)
    assert all(one.available <= at(30) for one in snapshot.measurements)
    assert all(abs(one.value) < 1e4 for one in snapshot.measurements)


@pytest.mark.parametrize("code", ["2345-7", "72089-6", "70184-7", "75859-9", "1234-5"])
def test_a_number_with_a_huge_exponent_is_never_written_out(code: str) -> None:
    """``1e300000`` in any Observation takes no time; an exponent of seven digits would take minutes to write out."""
    raw = observation(code, None) | {"valueQuantity": {"value": "1e300000", "unit": "mg/dL"}}
    held = RawChart(PATIENT_ID, {"all": (patient(), encounter(), condition(), raw)})
    begun = time.process_time()
    assert () == snapshot_from(held, at(3)).measurements
    assert time.process_time() - begun < 0.5


@pytest.mark.parametrize(
    "spoil",
    [
        {"resourceType": {"is": "an object"}},
        {"resourceType": ["Observation"]},
        {"id": ["o1"]},
        {"extension": [nested(400)]},
        {"extension": [{"url": {"is": "an object"}, "valueString": "x"}]},
        {"extension": [{"url": True, "valueString": "x"}]},
    ],
    ids=lambda spoil: str(spoil)[:40],
)
def test_a_member_of_the_wrong_shape_leaves_the_resource_out_and_says_so(spoil: dict[str, Json]) -> None:
    """What the FHIR classes do not expect is no reason to fail: the other resources are read."""
    raw = observation("2345-7", 100, "mg/dL") | spoil
    held = RawChart(PATIENT_ID, {"all": (raw, observation("2345-7", 120, "mg/dL", id_="o2"))})
    snapshot = snapshot_from(held, at(3))
    assert [120] == [one.value for one in snapshot.measurements]
    assert [issue for issue in snapshot.issues if issue.code == "malformed" and issue.text[:3] != "Age"]


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(charts())
def test_a_chart_that_went_over_the_wire_reads_the_same(chart: RawChart) -> None:
    """Reading changes nothing in what was sent, and a copy of it reads alike."""
    sent = json.dumps(chart.resources)
    first = snapshot_from(chart, at(30))
    assert sent == json.dumps(chart.resources)
    copied = RawChart(chart.patient_id, {key: tuple(held) for key, held in json.loads(sent).items()})
    assert (first.measurements, first.nihss) == ((again := snapshot_from(copied, at(30))).measurements, again.nihss)
