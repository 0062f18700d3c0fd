"""ASTRAL: every row of its table, from the items of the baseline examination."""

from datetime import timedelta

import pytest

from models.scores import astral
from tests.models.inputs_builder import T0, inputs
from tests.models.scores.patients import patient


@pytest.mark.parametrize(
    ("age", "points"), [(18, 3), (19, 3), (20, 4), (64, 12), (65, 13), (69, 13), (80, 16), (101, 20)]
)
def test_age_rows(age: int, points: int):
    """1 for each whole five years."""
    assert points == astral.age_points(age)


@pytest.mark.parametrize("nihss", [0, 1, 21, 42])
def test_nihss_rows(nihss: int):
    """A point of NIHSS is one point."""
    chart = patient(nihss, 65, 100, items={"1a": 0, "3": 0})
    assert 13 + nihss == astral.score(chart, inputs()).points


@pytest.mark.parametrize(("hours", "points"), [(0, 0), (3, 0), (3.01, 2), (24, 2)])
def test_delay_rows(hours: float, points: int):
    """Onset to admission above 3 h: 2."""
    assert points == astral.delay_points(hours)
    chart = patient(0, 50, 100, last_known_well=T0 - timedelta(hours=hours))
    assert 10 + points == astral.score(chart, inputs()).points


@pytest.mark.parametrize(("item", "points"), [(0, 0), (1, 2), (2, 2), (3, 2)])
def test_visual_rows(item: int, points: int):
    """A visual field defect: 2."""
    assert points == astral.visual_points(item)


@pytest.mark.parametrize(
    ("mmol", "points"),
    [(2.0, 1), (3.6, 1), (3.64, 1), (3.65, 0), (3.7, 0), (5.0, 0), (7.3, 0), (7.34, 0), (7.35, 1), (7.4, 1), (30, 1)],
)
def test_glucose_rows(mmol: float, points: int):
    """< 3.7 or > 7.3 mmol/L: 1; a value between the rows by the table's one decimal."""
    assert points == astral.glucose_points(mmol)


@pytest.mark.parametrize(("item", "points"), [(0, 0), (1, 3), (2, 3), (3, 3)])
def test_consciousness_rows(item: int, points: int):
    """A decreased level of consciousness: 3."""
    assert points == astral.consciousness_points(item)


def test_by_hand():
    """67 years (13), NIHSS 14 (14), 4 h (2), hemianopia (2), 150 mg/dL = 8.3 mmol/L (1), drowsy (3): 35."""
    onset = T0 - timedelta(hours=4)
    found = astral.score(patient(14, 67, last_known_well=onset, items={"1a": 1, "3": 2}), inputs())
    assert 35 == found.points


def test_the_total_that_its_sources_disagree_about_is_said():
    """31 in the paper, 28 in the congress abstract."""
    found = astral.score(patient(), inputs())
    assert "50 % at 31 points (at 28 in a congress abstract: the sources disagree)" in found.means


def test_what_is_missing_is_named():
    """An examination charted as a total only has no items; an untestable one is unknown."""
    chart = patient(12, None, None, items={"3": None}, last_known_well=None)
    assert (
        "age", "last known well", "visual field (NIHSS item 3)", "glucose", "consciousness (NIHSS item 1a)",
    ) == astral.score(chart, inputs()).missing  # fmt: skip


def test_an_examination_after_the_baseline_lends_it_no_items():
    """Without a baseline examination total and items are missing."""
    missing = ("baseline NIHSS", "visual field (NIHSS item 3)", "consciousness (NIHSS item 1a)")
    assert missing == astral.score(patient(None), inputs()).missing
