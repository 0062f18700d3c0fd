"""Which rows a figure is of."""

import numpy as np
import pytest

from models.evaluation.slices import OVERALL, nested, slice_of, sliced
from tests.models.evaluation.drawn import PLAN, changed, rows_and_models

ROWS, _ = rows_and_models(120)
SLICES = sliced(ROWS, PLAN)


def test_each_landmark_holds_its_known_rows_once():
    """A landmark's rows are those asked then whose outcome is known; the landmarks together are all rows."""
    for hour in PLAN.landmarks_h:
        chosen = SLICES["landmarks", f"{hour:g}"]
        assert ((ROWS.hours == hour) & ~np.isnan(ROWS.outcome)).tolist() == chosen.rows.tolist()
        assert chosen.n == chosen.having + chosen.free
    assert SLICES[OVERALL].n == sum(SLICES["landmarks", f"{hour:g}"].n for hour in PLAN.landmarks_h)


def test_rows_of_a_stay_count_as_one_admission():
    """Over all rows there are more rows with END than admissions with END."""
    chosen = SLICES[OVERALL]
    ended = {stay for stay, outcome in zip(ROWS.stays, ROWS.outcome, strict=True) if outcome == 1}
    assert len(ended) == chosen.having < chosen.events


def test_subgroups_and_schedules_are_taken_at_the_primary_landmark():
    """Each admission counts once in them, and the schedules together are the landmark."""
    names = ("protocol", "when worried")
    assert SLICES["landmarks", "6"].n == sum(SLICES["schedules", name].n for name in names)
    assert (ROWS.hours[SLICES["subgroups", "sex: female"].rows] == 6).all()


@pytest.mark.parametrize("boundary_h", [24.0, 72.0])
def test_the_boundary_parts_early_from_late(boundary_h: float):
    """Early and late hold the same rows without END and share those with it at the boundary."""
    plan = type(PLAN)(landmarks_h=PLAN.landmarks_h, boundary_h=boundary_h)
    found = sliced(ROWS, plan)
    early, late = found["early_late", "early"], found["early_late", "late"]
    at = found["landmarks", "6"]
    assert (at.events, at.free) == (early.events + late.events, early.free)
    assert early.free == late.free
    raised = ROWS.raised_h[early.rows]
    assert np.nanmax(raised) <= boundary_h
    assert early.ranking_only
    assert late.ranking_only


def test_the_truth_has_slices_where_it_is_known():
    """Against the simulated event censored rows count too; real patients have no such slices."""
    assert len(ROWS) == SLICES["event_truth", "overall"].n
    real = sliced(changed(ROWS, event=None), PLAN)
    assert not [name for name in real if name[0] == "event_truth"]


def test_a_row_without_outcome_is_in_no_slice():
    """Censored rows are left out."""
    assert not SLICES[OVERALL].rows[np.isnan(ROWS.outcome)].any()
    assert 0 == slice_of(ROWS, np.isnan(ROWS.outcome)).n


def test_names_become_the_nesting_of_the_document():
    """Every part stands there, also where nothing is in it."""
    assert {"overall": 1, "landmarks": {"6": 2}, "schedules": {}, "subgroups": {}, "early_late": {}} == nested(
        {OVERALL: 1, ("landmarks", "6"): 2}
    )
