"""SEDAN: every row of its table, and when its signs count."""

import pytest

from models.scores import sedan
from tests.models.inputs_builder import finding, inputs
from tests.models.scores.patients import given, patient, report, scans

SIGNS = scans(ct=[finding("hyperdense_artery"), finding("early_ischemic_change", "absent")])


@pytest.mark.parametrize(
    ("mmol", "points"),
    [(4.0, 0), (8.0, 0), (8.04, 0), (8.05, 1), (8.1, 1), (12.0, 1), (12.04, 1), (12.05, 2), (12.1, 2), (30.0, 2)],
)
def test_glucose_rows(mmol: float, points: int):
    """<= 8.0 mmol/L: 0; 8.1 to 12.0: 1; > 12.0: 2; a value between the rows by the table's one decimal."""
    assert points == sedan.glucose_points(mmol)


@pytest.mark.parametrize(("mg_dl", "points"), [(145, 0), (146, 1), (217, 1), (218, 2)])
def test_glucose_in_mg_dl_falls_in_the_row_of_its_mmol(mg_dl: float, points: int):
    """145 mg/dL is 8.05 mmol/L to two decimals but 8.0 to one, 146 is 8.1; 217 is 12.0, 218 is 12.1."""
    found = sedan.score(patient(0, 50, mg_dl, treatments=given()), scans(ct=_both("absent")))
    assert points == found.points


@pytest.mark.parametrize(("age", "points"), [(75, 0), (76, 1)])
def test_age_rows(age: int, points: int):
    """Above 75: 1."""
    assert points == sedan.age_points(age)


@pytest.mark.parametrize(("nihss", "points"), [(9, 0), (10, 1)])
def test_nihss_rows(nihss: int, points: int):
    """From 10: 1."""
    assert points == sedan.nihss_points(nihss)


@pytest.mark.parametrize("name", ["hyperdense_artery", "early_ischemic_change"])
def test_sign_rows(name: str):
    """Each sign that is present is one point."""
    signs = [one for one in _both("absent") if one.name != name] + [finding(name)]
    assert 0 == sedan.score(patient(0, 50, 100, treatments=given()), scans(ct=_both("absent"))).points
    assert 1 == sedan.score(patient(0, 50, 100, treatments=given()), scans(ct=signs)).points


def test_by_hand():
    """Glucose 150 mg/dL = 8.3 mmol/L (1), no early sign (0), dense artery (1), 80 years (1), NIHSS 12 (1): 4."""
    found = sedan.score(patient(treatments=given()), SIGNS)
    assert 4 == found.points
    assert "21.7 %" in found.means


@pytest.mark.parametrize("total", range(7))
def test_rates(total: int):
    """The published rate of each total; 5 and more share one."""
    rates = ("1.4 %", "2.9 %", "8.5 %", "12.2 %", "21.7 %", "33.3 %", "33.3 %")
    assert rates[total] in sedan.MEANS[total]


def test_it_needs_thrombolysis_and_read_signs():
    """Without thrombolysis and without a report the score is not computable, and says what is missing."""
    found = sedan.score(patient(glucose=None), inputs())
    assert ("intravenous thrombolysis", "glucose", "early infarct signs", "hyperdense artery") == found.missing


@pytest.mark.parametrize(
    ("title", "hours", "given_at", "counts"),
    [("CT head", 0.5, 1, True), ("CT head", 1.5, 1, False), ("MRI brain", 0.5, 1, False), ("CT head", 24, None, False)],
)
def test_only_a_ct_before_thrombolysis_counts(title: str, hours: float, given_at: float | None, counts: bool):
    """What a later scan shows is outcome, not baseline; an MRI has no hyperdense artery."""
    made = report(title, hours, "ct")
    found = sedan.score(patient(treatments=given(given_at), reports=(made,)), SIGNS)
    assert counts == (found.points is not None)


def test_a_question_or_an_old_scan_does_not_unsay_an_absence():
    """A sign asked about in the history line beside its absence is absent; a doubt is missing."""
    asked = [*_both("absent"), finding("hyperdense_artery", "asked"), finding("hyperdense_artery", "historical")]
    doubtful = [*_both("absent"), finding("hyperdense_artery", "uncertain")]
    assert 3 == sedan.score(patient(treatments=given()), scans(ct=asked)).points
    assert ("hyperdense artery",) == sedan.score(patient(treatments=given()), scans(ct=doubtful)).missing


def test_an_infarct_seen_is_a_sign_but_an_infarct_denied_denies_none():
    """A large infarct on the first CT counts; "no ACA infarct" says nothing of early change."""
    dense = finding("hyperdense_artery", "absent")
    seen, denied = finding("mca_infarct", grade="large"), finding("mca_infarct", "absent")
    assert 4 == sedan.score(patient(treatments=given()), scans(ct=[dense, seen])).points
    assert ("early infarct signs",) == sedan.score(patient(treatments=given()), scans(ct=[dense, denied])).missing


def _both(assertion: str) -> list:
    return [finding("hyperdense_artery", assertion), finding("early_ischemic_change", assertion)]  # type: ignore[arg-type]
