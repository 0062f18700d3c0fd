"""The judge of answers: it lets pass what is missing and said, and finds what is wrong."""

import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cds_service.app import create_app
from cds_service.demo.patients import as_of, demo_patient, request_for
from cds_service.settings import Settings
from fhir_mappings.features import build_inputs
from fhir_mappings.inputs import ModelInputs
from models.prediction import Predicts
from tests.fakes import FakePredictor
from tests.integration.asking import URL
from tests.integration.fault_calls import TOKEN, CameTo, everything_logged, leaks, outcome_of
from tests.integration.fault_kinds import MARK
from tests.integration.fault_truth import Chart, Truth, said_on, wrongs


@pytest.fixture(scope="module")
def fake() -> Predicts:
    """A model that always says the same."""
    return FakePredictor()


@pytest.fixture(scope="module")
def truth(fake: Predicts) -> Truth:
    """A demo patient's chart and card."""
    patient = demo_patient("flagged")
    bundle = patient.bundle
    chart = Chart(patient.id, bundle, as_of(bundle))
    app = create_app(Settings(mode="demo"), predictor=fake, clock=lambda: chart.as_of)
    answer = app.test_client().post(URL, json=request_for(patient, bundle))
    return Truth(chart, answer.get_json()["cards"], fake.features)


def told(truth: Truth, text: str) -> list[dict[str, Any]]:
    """The true cards with one more note."""
    return [card | {"detail": f"{card['detail']}\n\n**Data**: {text}"} for card in truth.cards]


def without(truth: Truth, key: str) -> ModelInputs:
    """What a model is asked where one query failed."""
    return build_inputs(truth.chart.without(key), truth.table)


def test_the_true_cards_are_right(truth: Truth, fake: Predicts):
    """Whatever the model was asked."""
    assert [] == wrongs(truth.cards, truth.inputs, truth, fake)


def test_what_is_missing_has_to_be_said(truth: Truth, fake: Predicts):
    """By the query that is concerned: another one's failure is no excuse."""
    seen = without(truth, "labs")
    assert [] == wrongs(told(truth, "Labs unknown: why."), seen, truth, fake)
    assert any("labs is not all there" in one for one in wrongs(told(truth, "Vitals unknown: why."), seen, truth, fake))
    assert ["differs from the truth and says of nothing that it is missing"] == wrongs(
        told(truth, ""), truth.inputs, truth, fake
    )


def test_notes_that_were_cut_excuse_only_what_met_a_fault(truth: Truth, fake: Predicts):
    """And the answer counts apart from those that say what is missing: what was cut nobody has read."""
    seen, cut = without(truth, "labs"), told(truth, "And 2 more notes on the data.")
    assert any("labs is not all there" in one for one in wrongs(cut, seen, truth, fake))
    assert any("labs is not all there" in one for one in wrongs(cut, seen, truth, fake, met=frozenset({"vitals"})))
    assert [] == wrongs(cut, seen, truth, fake, met=frozenset({"labs"}))
    for text, kind in (("And 2 more notes on the data.", "cut"), ("Labs unknown: why.", "said")):
        came_to = CameTo(200, {"cards": told(truth, text)}, 1.0, seen)
        assert (kind, []) == outcome_of(came_to, truth, fake, frozenset({"labs", "vitals"}))
    came_to = CameTo(200, {"cards": cut}, 1.0, seen)
    assert "said" == outcome_of(came_to, truth, fake, frozenset({"vitals"}))[0]


def test_missing_report_text_has_to_be_said(truth: Truth, fake: Predicts):
    """It decides rows of the contract."""
    seen = without(truth, "reports")
    assert [] == wrongs(told(truth, "Reports unknown: why."), seen, truth, fake)
    assert ["report text is missing, and nothing says so"] == wrongs(told(truth, "Labs unknown."), seen, truth, fake)


def test_no_card_at_all_is_wrong_for_a_patient_inside(truth: Truth, fake: Predicts):
    """It would read as "no risk"."""
    assert ["no card for a patient inside the population"] == wrongs([], None, truth, fake)


@pytest.mark.parametrize("change", [{"value": 1234.0}, {"source": "Observation/other"}, {"hours": 1.0}])
def test_a_value_that_the_chart_does_not_hold_is_found(truth: Truth, fake: Predicts, change: dict[str, Any]):
    """Another value, source or time, even where the query is said to be incomplete."""
    assert truth.inputs is not None
    place = next(at for at, spec in enumerate(truth.table.specs) if spec.of == "glucose")
    feature = truth.inputs.features[place]
    assert feature.effective is not None
    if "hours" in change:
        change = {"effective": feature.effective + timedelta(hours=change["hours"])}
    features = list(truth.inputs.features)
    features[place] = replace(feature, **change)
    seen = replace(truth.inputs, features=tuple(features))
    assert [f"{feature.name} has a value that the chart does not hold"] == wrongs(
        told(truth, "Labs may be incomplete: why."), seen, truth, fake
    )


def test_an_earlier_value_is_right_only_if_the_card_says_that_more_exists(truth: Truth, fake: Predicts):
    """As where the newest page was lost; without the word it would be stale."""
    newest = max(truth.chart.held["vitals"], key=lambda raw: str(raw["effectiveDateTime"]))
    kept = [entry for entry in truth.chart.bundle["entry"] if entry["resource"] != newest]
    less = Chart(truth.chart.id, truth.chart.bundle | {"entry": kept}, truth.chart.as_of)
    seen = build_inputs(less.without(), truth.table)
    assert [] == wrongs(told(truth, "Vitals may be incomplete: why."), seen, truth, fake)
    assert any("vitals is not all there" in one for one in wrongs(told(truth, "Labs unknown"), seen, truth, fake))


def test_a_number_that_is_not_the_models_is_found(truth: Truth):
    """The card's figure follows from what was there."""
    assert ["the number is not the model's for these inputs"] == wrongs(
        told(truth, "Labs unknown: why."), truth.inputs, truth, FakePredictor(0.77)
    )


def test_a_value_that_differs_is_found_though_the_card_is_the_same(truth: Truth, fake: Predicts):
    """A card has no room for every value."""
    seen = without(truth, "vitals")
    assert any("vitals is not all there" in one for one in wrongs(truth.cards, seen, truth, fake))


def test_a_score_that_the_chart_does_not_hold_is_found_on_cards_without_a_number(truth: Truth, fake: Predicts):
    """Where the model was not asked, its total and time are read from the card."""
    held = [(score.total, f"{score.effective:%a %H:%M}") for score in truth.whole.nihss]
    series = ", ".join(f"{total} ({when})" for total, when in held)
    assert 1 < len(held)
    assert [] == wrongs(told(truth, f"Labs unknown.\n- NIHSS {series}; change +2"), None, truth, fake)
    assert [f"NIHSS 41 ({held[0][1]}) is not the chart's"] == wrongs(
        told(truth, f"Labs unknown.\n- NIHSS 41 ({held[0][1]})"), None, truth, fake
    )


def test_what_a_card_says_is_missing_is_read_from_its_words():
    """As the service writes them; escapes do not count."""
    notes = "Labs unknown: why. Vitals partly unknown: why. Thrombectomy: unknown. And 1 more note on the data."
    found = said_on([{"detail": f"**Data**: {notes}"}])
    assert ({"labs", "vitals", "procedures"}, 1) == (set(found.keys), found.more)


def test_a_secret_in_a_log_is_found():
    """Whoever wrote it, at any level."""
    with everything_logged() as text:
        logging.getLogger("some.library").debug("got %s", MARK)
        logging.getLogger("endwatch.audit").info("Bearer %s", TOKEN)
    assert [f"{TOKEN} got out", f"{MARK} got out"] == leaks(text.getvalue())
