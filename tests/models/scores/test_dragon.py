"""DRAGON: every row of its table, and the two moments of onset to treatment."""

from datetime import timedelta

import pytest

from fhir_mappings.inputs import Assertion
from models.scores import dragon
from tests.models.inputs_builder import T0, finding, inputs
from tests.models.scores.patients import given, mrs, patient, scans


def signs(dense: Assertion, early: Assertion):
    """A CT that says both signs."""
    return scans(ct=[finding("hyperdense_artery", dense), finding("early_ischemic_change", early)])


CLEAR = signs("absent", "absent")


@pytest.mark.parametrize(
    ("dense", "early", "points"),
    [("absent", "absent", 0), ("present", "absent", 1), ("absent", "present", 1), ("present", "present", 2)],
)
def test_sign_rows(dense: Assertion, early: Assertion, points: int):
    """Both: 2; either: 1; none: 0."""
    chart = patient(0, 50, 100, treatments=given(0.5))
    assert points == dragon.score(chart, signs(dense, early)).points


@pytest.mark.parametrize(("before", "points"), [(0, 0), (1, 0), (2, 1), (5, 1)])
def test_mrs_rows(before: int, points: int):
    """A pre-stroke mRS above 1: 1."""
    assert points == dragon.mrs_points(before)


@pytest.mark.parametrize(("age", "points"), [(18, 0), (64, 0), (65, 1), (79, 1), (80, 2), (101, 2)])
def test_age_rows(age: int, points: int):
    """< 65: 0; 65 to 79: 1; >= 80: 2."""
    assert points == dragon.age_points(age)


@pytest.mark.parametrize(("mmol", "points"), [(4.0, 0), (8.0, 0), (8.05, 1), (8.1, 1), (30.0, 1)])
def test_glucose_rows(mmol: float, points: int):
    """Above 8 mmol/L: 1."""
    assert points == dragon.glucose_points(mmol)


@pytest.mark.parametrize(("mg_dl", "points"), [(144, 0), (8 * 18.016, 0), (145, 1)])
def test_glucose_at_the_boundary_in_mg_dl(mg_dl: float, points: int):
    """144 mg/dL is not above; 8.0 mmol/L, charted as such and converted, is not above either; 145 is."""
    assert points == dragon.score(patient(0, 50, mg_dl, treatments=given(0.5)), CLEAR).points


@pytest.mark.parametrize(("minutes", "points"), [(0, 0), (90, 0), (90.5, 1), (91, 1), (270, 1)])
def test_delay_rows(minutes: float, points: int):
    """Onset to treatment above 90 min: 1."""
    assert points == dragon.delay_points(minutes)


@pytest.mark.parametrize(("nihss", "points"), [(0, 0), (4, 0), (5, 1), (9, 1), (10, 2), (15, 2), (16, 3), (42, 3)])
def test_nihss_rows(nihss: int, points: int):
    """0-4: 0; 5-9: 1; 10-15: 2; > 15: 3."""
    assert points == dragon.nihss_points(nihss)


@pytest.mark.parametrize(
    ("total", "good", "miserable"),
    [(0, 96, 0), (1, 96, 0), (2, 88, 2), (3, 74, 5), (8, 0, 70), (9, 0, 100), (10, 0, 100)],
)
def test_rates(total: int, good: int, miserable: int):
    """The published shares of good and miserable outcome."""
    assert f"mRS 0-2 in {good} %, 5-6 in {miserable} %" in dragon.MEANS[total]


@pytest.mark.parametrize("total", range(4, 8))
def test_between_the_published_groups_no_rate_is_made_up(total: int):
    """4 to 7 have no rate in our source."""
    assert "%" not in dragon.MEANS[total]


def test_by_hand():
    """Dense artery (1), no early sign (0), mRS 2 (1), 80 years (2), 150 mg/dL = 8.3 mmol/L (1), 120 min (1), NIHSS 12
    (2): 8, of whom 70 % had a miserable outcome.
    """
    found = dragon.score(patient(treatments=given(1), pre_stroke_mrs=mrs(2)), signs("present", "absent"))
    assert 8 == found.points
    assert "5-6 in 70 %" in found.means


def test_what_is_missing_is_named():
    """A chart without examination, age, glucose, report, mRS and last known well."""
    chart = patient(None, None, None, treatments=given(), pre_stroke_mrs=None, last_known_well=None)
    assert (
        "last known well", "hyperdense artery", "early infarct signs", "pre-stroke mRS", "age", "glucose",
        "baseline NIHSS",
    ) == dragon.score(chart, inputs()).missing  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "missing"),
    [
        ({"treatments": ()}, "intravenous thrombolysis"),
        ({"treatments": given(None)}, "time of thrombolysis"),
        ({"treatments": given(-2)}, "time of thrombolysis"),
        ({"last_known_well": None}, "last known well"),
    ],
)
def test_onset_to_treatment_needs_thrombolysis_its_time_and_the_onset(changed: dict, missing: str):
    """A time before last known well is none."""
    chart = patient(**({"treatments": given()} | changed))
    assert (missing,) == dragon.score(chart, CLEAR).missing


def test_the_first_of_two_charted_times_counts():
    """A Procedure and an administration tell of one thrombolysis."""
    twice = (*given(1), *given(0.5))
    early = T0 - timedelta(minutes=60)
    assert 0 == dragon.score(patient(0, 50, 100, treatments=twice, last_known_well=early), CLEAR).points
    late = T0 - timedelta(minutes=61)
    assert 1 == dragon.score(patient(0, 50, 100, treatments=twice, last_known_well=late), CLEAR).points
