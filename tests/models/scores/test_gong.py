"""Gong's linear predictor: its terms are those of the published odds ratios."""

from math import exp

import numpy as np
import pytest

from fhir_mappings.snapshot import Treatment
from models.scores import gong
from tests.models.inputs_builder import T0, inputs
from tests.models.scores.patients import lab, patient

NOBODY = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
ODDS_RATIOS = (1.075, 1.673, 3.297, 0.473, 1.049, 1.071)


@pytest.mark.parametrize(("place", "odds_ratio"), list(enumerate(ODDS_RATIOS)))
def test_each_term_is_a_published_odds_ratio(place: int, odds_ratio: float):
    """Age a year, diabetes, atrial fibrillation, antiplatelet, CRP a mg/L, NIHSS a point."""
    one = [float(place == number) for number in range(6)]
    assert odds_ratio == pytest.approx(exp(gong.linear_predictor(*one)), abs=5e-5)
    assert 0.0 == gong.linear_predictor(*NOBODY)


def test_by_hand():
    """70 years (5.0624), diabetes (0.51462), no AF, antiplatelet (-0.74866), CRP 10 mg/L (0.4784), NIHSS 12 (0.82308):
    6.12984.
    """
    chart = patient(12, 70, history=("diabetes",), treatments=_home("antiplatelet"))
    found = gong.score(chart, inputs())
    assert found.points == pytest.approx(6.12984)
    assert "Gong linear predictor 6.13: ranking only; the published intercept is unknown" == found.text


def test_arrays_give_the_same_numbers_row_by_row():
    """Columns of a table [B]; what a row lacks stays unknown."""
    rows = np.array([[70.0, 1, 0, 1, 10, 12], [55.5, 0, 1, 0, 3.4, 4], [80, 1, 1, 0, np.nan, 20]])
    found = gong.linear_predictor(*rows.T)
    assert [gong.linear_predictor(*map(float, row)) for row in rows[:2]] == pytest.approx(found[:2].tolist())
    assert np.isnan(found[2])


def test_what_is_missing_is_named():
    """A chart without age, examination and CRP, whose Conditions and drugs were refused."""
    refused = frozenset({"conditions", "medications"})
    found = gong.score(patient(None, None, crp=None, history=(), unanswered=refused), inputs())
    assert (
        "age", "history of diabetes", "history of atrial fibrillation", "antiplatelet before admission", "CRP",
        "baseline NIHSS",
    ) == found.missing  # fmt: skip


def test_a_drug_of_this_stay_is_not_one_before_it():
    """Aspirin started on the ward counts for nothing."""
    started, home = patient(treatments=_home("antiplatelet", "in_stay")), patient(treatments=_home("antiplatelet"))
    none = gong.score(patient(), inputs()).points
    assert none == gong.score(started, inputs()).points
    assert none == pytest.approx(gong.score(home, inputs()).points + 0.74866)  # type: ignore[operator]


def test_a_crp_of_long_ago_does_not_count():
    """The window is that of the package's own feature."""
    assert ("CRP",) == gong.score(patient(crp=None, measurements=(lab("crp", 90, "mg/L", -500),)), inputs()).missing


def _home(kind: str, state: str = "before_admission") -> tuple:
    return (Treatment(kind, state, kind, "MedicationRequest/h", T0),)  # type: ignore[arg-type]
