"""EDEMA: every row of its table, read from CT reports of the first day."""

import pytest

from fhir_mappings.inputs import Finding
from fhir_mappings.snapshot import Issue, Treatment
from models.scores import edema
from tests.models.inputs_builder import finding, inputs
from tests.models.scores.patients import given, patient, read, report, scans

CLEAR = [finding("cistern_effacement", "absent"), finding("midline_shift", "absent")]
THROMBECTOMY = (Treatment("thrombectomy", "done", "EVT", "Procedure/t"),)
DECLINED = (Treatment("thrombectomy", "not_done", "EVT", "Procedure/t"),)


@pytest.mark.parametrize(("effaced", "points"), [(True, 3), (False, 0)])
def test_cistern_rows(effaced: bool, points: int):
    """Effacement of the basal cisterns: 3."""
    assert points == edema.cistern_points(effaced)


@pytest.mark.parametrize(("mg_dl", "points"), [(100, 0), (149.9, 0), (150, 2), (400, 2)])
def test_glucose_rows(mg_dl: float, points: int):
    """From 150 mg/dL: 2."""
    assert points == edema.glucose_points(mg_dl)


@pytest.mark.parametrize(
    ("treatments", "points"), [((), 1), (DECLINED, 1), (given(), 0), (THROMBECTOMY, 0), ((*given(), *THROMBECTOMY), 0)]
)
def test_treatment_rows(treatments: tuple[Treatment, ...], points: int):
    """Neither thrombolysis nor thrombectomy: 1."""
    chart = patient(glucose=100, history=("stroke_history",), treatments=treatments)
    assert points == edema.score(chart, scans(ct=CLEAR)).points


@pytest.mark.parametrize(
    ("millimeters", "points"),
    [(0, 0), (0.5, 1), (3, 1), (3.1, 2), (4.5, 2), (6, 2), (6.1, 4), (9, 4), (9.1, 7), (20, 7)],
)
def test_shift_rows(millimeters: float, points: int):
    """> 0 to 3 mm: 1; 3 to 6: 2; 6 to 9: 4; > 9: 7; a boundary belongs to the lower row."""
    assert points == edema.shift_points(millimeters)


@pytest.mark.parametrize(("kinds", "points"), [((), 1), (("stroke_history",), 0)])
def test_stroke_rows(kinds: tuple, points: int):
    """No previous stroke: 1."""
    assert points == edema.score(patient(glucose=100, history=kinds, treatments=given()), scans(ct=CLEAR)).points


def test_by_hand():
    """Cisterns effaced (3), 150 mg/dL (2), untreated (1), shift 4.5 mm (2), no previous stroke (1): 9, above 7."""
    made = report(
        "CT head", 12, "ct", "FINDINGS: Effacement of the basal cisterns. Midline shift of 4.5 mm to the right."
    )
    found = edema.score(patient(reports=(made,)), read(made))
    assert 9 == found.points
    assert "93 %" in found.means


@pytest.mark.parametrize(("total", "said"), [(0, False), (7, False), (8, True), (14, True)])
def test_the_published_value_holds_above_seven(total: int, said: bool):
    """No rate is made up for 7 points or fewer."""
    assert said == ("93 %" in edema.MEANS[total])


@pytest.mark.parametrize(
    ("findings", "millimeters"),
    [
        ([finding("midline_shift", value=2.0), finding("midline_shift", value=7.0), finding("midline_shift")], 7.0),
        ([finding("midline_shift", "absent")], 0.0),
        ([finding("midline_shift")], None),
        ([finding("midline_shift", "uncertain", value=3.0)], None),
        ([], None),
    ],
)
def test_the_largest_shift_told_counts(findings: list[Finding], millimeters: float | None):
    """A shift without its size is no number, and no mention is no zero."""
    assert millimeters == edema.shift_mm(findings)


def test_what_is_missing_is_named():
    """A chart whose queries failed and that holds no report."""
    failed = frozenset({"conditions", "procedures"})
    found = edema.score(patient(glucose=None, history=(), unanswered=failed), inputs())
    assert (
        "basal cisterns", "glucose", "thrombolysis and thrombectomy", "midline shift in mm", "history of stroke",
    ) == found.missing  # fmt: skip


@pytest.mark.parametrize(
    "changed",
    [
        {"unanswered": frozenset({"medications"})},
        {"unanswered": frozenset({"procedures"})},
        {"issues": (Issue("not-final", "thrombolysis MedicationRequest/1 not counted", about="thrombolysis"),)},
    ],
)
def test_a_treatment_that_is_left_open_is_missing(changed: dict):
    """A failed query, or a thrombolytic ordered without an administration, is unknown and never "not treated"."""
    assert ("thrombolysis and thrombectomy",) == edema.score(patient(**changed), scans(ct=CLEAR)).missing


def test_a_treatment_that_is_charted_needs_no_other_query():
    """Thrombolysis given settles it, whatever the Procedures would have said."""
    chart = patient(treatments=given(), unanswered=frozenset({"procedures"}))
    assert 3 == edema.score(chart, scans(ct=CLEAR)).points


@pytest.mark.parametrize(("title", "hours"), [("MRI brain", 3), ("CT head", 24)])
def test_its_imaging_is_a_ct_of_the_first_day(title: str, hours: float):
    """25 h after last known well is too late."""
    made = report(title, hours, "ct")
    found = edema.score(patient(reports=(made,)), scans(ct=CLEAR))
    assert ("basal cisterns", "midline shift in mm") == found.missing
