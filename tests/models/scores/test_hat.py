"""HAT: every row of its table, and how far the reader's grade stands for the extent."""

import pytest

from fhir_mappings.inputs import Finding
from models.scores import hat
from tests.models.inputs_builder import finding, inputs
from tests.models.scores.patients import given, patient, scans

CLEAR = [finding("early_ischemic_change", "absent")]


@pytest.mark.parametrize(("nihss", "points"), [(0, 0), (14, 0), (15, 1), (20, 1), (21, 2), (42, 2)])
def test_nihss_rows(nihss: int, points: int):
    """< 15: 0; 15 to 20: 1; > 20: 2."""
    assert points == hat.nihss_points(nihss)


@pytest.mark.parametrize(
    ("findings", "points"),
    [
        (CLEAR, 0),
        ([finding("mca_infarct", grade="small")], 1),
        ([finding("mca_infarct", grade="large")], 2),
        ([finding("mca_infarct", grade="large"), finding("mca_infarct", grade="small")], 2),
        ([finding("mca_infarct", grade="small"), finding("mca_infarct")], 1),
        ([finding("mca_infarct", grade="moderate")], None),
        ([finding("mca_infarct")], None),
        ([finding("early_ischemic_change")], None),
        ([*CLEAR, finding("mca_infarct", "uncertain", grade="large")], None),
        ([finding("mca_infarct", "absent")], None),
        ([], None),
    ],
)
def test_hypodensity_rows(findings: list[Finding], points: int | None):
    """None: 0; up to a third of the MCA territory: 1; more: 2; unknown where the extent is not told."""
    assert points == hat.extent_points(findings)


@pytest.mark.parametrize(
    ("diabetes", "mg_dl", "points"),
    [(0, 100, 0), (0, 200, 0), (0, 200.4, 1), (0, 201, 1), (1, 100, 1), (1, 201, 1), (1, None, 1), (None, 201, 1)],
)
def test_sugar_rows(diabetes: int | None, mg_dl: float | None, points: int):
    """Diabetes or glucose above 200 mg/dL: 1, together no more; either alone settles it."""
    parts = hat.sugar_points(diabetes, mg_dl).values()
    assert None not in parts
    assert points == sum(part for part in parts if part is not None)


@pytest.mark.parametrize(
    ("total", "rate"), [(0, "2 %"), (1, "5 %"), (2, "10 %"), (3, "15 %"), (4, "44 %"), (5, "44 %")]
)
def test_rates(total: int, rate: str):
    """The published rate of each total; above 3 all share one."""
    assert f"in {rate}" in hat.MEANS[total]


def test_by_hand():
    """NIHSS 16 (1), large hypodensity (2), diabetes (1), glucose 150 mg/dL (no more): 4, 44 %."""
    found = hat.score(patient(16, treatments=given()), scans(ct=[finding("mca_infarct", grade="large")]))
    assert 4 == found.points
    assert "44 %" in found.means


def test_what_is_missing_is_named():
    """No thrombolysis, no examination, no report, no glucose in a patient without diabetes."""
    found = hat.score(patient(None, glucose=None, history=()), inputs())
    assert ("intravenous thrombolysis", "baseline NIHSS", "extent of hypodensity", "glucose") == found.missing


def test_a_history_that_was_refused_is_missing_unless_glucose_settles_it():
    """Refused Conditions are unknown; glucose above 200 mg/dL needs no history."""
    refused = {"history": (), "unanswered": frozenset({"conditions"}), "treatments": given()}
    assert ("history of diabetes",) == hat.score(patient(**refused), scans(ct=CLEAR)).missing  # type: ignore[arg-type]
    assert 1 == hat.score(patient(glucose=201, **refused), scans(ct=CLEAR)).points  # type: ignore[arg-type]
