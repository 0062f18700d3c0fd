"""Published scores on a card without a number: a few, those that could be computed first."""

import pytest

from cds_service.cards.detail import detail
from cds_service.cards.wording import LONGEST_DETAIL, Wording
from cds_service.conclude import conclude
from tests.fakes import FakePredictor
from tests.models.scores import patients


def withheld(**chart: object) -> str:
    """The detail of a patient whose risk is withheld."""
    model = FakePredictor()
    snapshot = patients.patient(**chart)  # type: ignore[arg-type]
    conclusion = conclude(snapshot, predictor=model, withhold=True)
    assert "withheld" == conclusion.kind
    return detail(snapshot, conclusion, (), Wording("https://cds.example", "production", model.identity))


def test_what_could_be_computed_comes_first():
    """Without reports and thrombolysis: THRIVE, ASTRAL and Gong's ranking, each saying what it is of."""
    lines = [line for line in withheld(reports=(), history=("ischemic_stroke",)).splitlines() if line.startswith("- ")]
    names = [name for line in lines for name in ("THRIVE", "ASTRAL", "Gong") if name in line]
    assert ["THRIVE", "ASTRAL", "Gong"] == names
    assert not [line for line in lines if "not computable" in line]


@pytest.mark.parametrize("chart", [{}, {"reports": ()}, {"glucose": None, "crp": None, "treatments": patients.given()}])
def test_three_scores_at_most_stand_on_a_card_that_stays_short(chart: dict):
    """Eight are known; a detail stays under 1,500 characters."""
    text = withheld(history=("ischemic_stroke",), **chart)
    names = ("DASH", "EDEMA", "SEDAN", "HAT", "THRIVE", "ASTRAL", "DRAGON", "Gong")
    assert 3 == sum(f"- {name}" in text for name in names)
    assert LONGEST_DETAIL > len(text)
