"""THRIVE: every row of its table, and what it says of a total."""

import pytest

from fhir_mappings.snapshot import DiagnosisKind
from models.scores import thrive
from tests.models.inputs_builder import inputs
from tests.models.scores.patients import patient


@pytest.mark.parametrize(("nihss", "points"), [(0, 0), (10, 0), (11, 2), (20, 2), (21, 4), (42, 4)])
def test_nihss_rows(nihss: int, points: int):
    """<= 10: 0; 11 to 20: 2; >= 21: 4."""
    assert points == thrive.nihss_points(nihss)


@pytest.mark.parametrize(("age", "points"), [(18, 0), (59, 0), (60, 1), (79, 1), (80, 2), (101, 2)])
def test_age_rows(age: int, points: int):
    """<= 59: 0; 60 to 79: 1; >= 80: 2."""
    assert points == thrive.age_points(age)


@pytest.mark.parametrize("kind", ["hypertension", "diabetes", "atrial_fibrillation"])
def test_history_rows(kind: DiagnosisKind):
    """Each of the three diagnoses is one point."""
    assert 1 == thrive.score(patient(5, 50, history=(kind,)), inputs()).points
    assert 0 == thrive.score(patient(5, 50, history=()), inputs()).points


def test_by_hand():
    """NIHSS 12 (2), 80 years (2), hypertension (1), diabetes (1): 6, the poor group."""
    found = thrive.score(patient(), inputs())
    assert 6 == found.points
    assert "56.4 %" in found.means


@pytest.mark.parametrize(("total", "words"), [(2, "64.7 %"), (3, "between"), (5, "between"), (6, "10.6 %")])
def test_groups(total: int, words: str):
    """Outcomes are published for 0-2 and 6-9 only; between them nothing is made up."""
    nihss, age = {2: (12, 50), 3: (12, 60), 5: (21, 60), 6: (21, 80)}[total]
    found = thrive.score(patient(nihss, age, history=()), inputs())
    assert total == found.points
    assert words in found.means


def test_a_history_that_was_not_answered_is_missing():
    """A failed Condition query is unknown, never no hypertension."""
    found = thrive.score(patient(history=(), unanswered=frozenset({"conditions"})), inputs())
    assert found.points is None
    assert ("history of hypertension", "history of diabetes", "history of atrial fibrillation") == found.missing
    assert "not computable" in found.text
