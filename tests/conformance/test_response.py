"""Rows 3-5 and 47-75: what an answer looks like, tried on the answers to all demo patients."""

import copy
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from cds_service.app import create_app
from cds_service.demo.patients import as_of, demo_patients, request_for
from cds_service.settings import Settings
from models.prediction import Predicts
from tests.cds_service.calls import client, request
from tests.conformance.answered import URL, Answered, Json, each
from tests.conformance.response_checks import CHECKS, actions_of, cards_of, suggestions_of
from tests.conformance.response_subjects import none_is_sent
from tests.conformance.signing import Signer
from tests.fakes import FakePredictor
from tools.conformance import NONE_SENT

Told = Callable[[str, object], None]
Plant = Callable[[Json], Any]
"""Spoils an answer in place."""


@pytest.mark.parametrize("row", each(CHECKS))
def test_every_answer_keeps(answers: tuple[Answered, ...], row: int, record_property: Told):
    """The answer to each demo patient has nothing that the row's check finds wrong."""
    if none_is_sent(row, (answer.body for answer in answers)):
        record_property(NONE_SENT, row)
    faults = {answer.patient.id: list(CHECKS[row](answer.body)) for answer in answers}
    assert {} == {name: found for name, found in faults.items() if found}


@pytest.mark.row(*CHECKS)
@pytest.mark.parametrize("simulated_risk", ["show", "withhold"])
def test_every_answer_of_production_keeps_them_too(
    model: Predicts, signer: Signer, simulated_risk: str, record_property: Told
):
    """Signed calls, with the figure and without it."""
    moment: list[datetime] = []
    settings = Settings(**signer.production(simulated_risk=simulated_risk))
    service = create_app(settings, predictor=model, clock=lambda: moment[-1], live=False).test_client()
    faults: list[tuple[str, int, str]] = []
    bodies: list[Json] = []
    for patient in demo_patients():
        bundle = patient.bundle
        moment.append(as_of(bundle))
        response = service.post(URL, json=request_for(patient, bundle), headers=signer.header(URL))
        assert 200 == response.status_code
        bodies.append(answer := response.get_json())
        faults += [(patient.id, row, fault) for row, check in CHECKS.items() for fault in check(answer)]
    for row in CHECKS:
        if none_is_sent(row, bodies):
            record_property(NONE_SENT, row)
    assert [] == faults


@pytest.mark.row(47, 48)
def test_each_demo_patient_is_answered_and_those_outside_by_an_empty_list(answers: tuple[Answered, ...]):
    """200 in any case; no guidance is ``cards: []`` and nothing else."""
    assert {200} == {answer.response.status_code for answer in answers}
    outside = [answer.body for answer in answers if answer.patient.answer == "outside"]
    assert [{"cards": []}] * len(outside) == outside
    assert 3 <= len(outside)
    assert all(answer.cards for answer in answers if answer.patient.answer != "outside")


class Broken(FakePredictor):
    """A model that fails."""

    def predict(self, inputs: Any, until: float = 0.0) -> Any:  # noqa: ARG002 - as all models take it
        """Nothing but the failure."""
        raise ArithmeticError(inputs.hours)


@pytest.mark.row(49)
def test_each_thing_that_goes_wrong_has_its_own_status():
    """400, 404, 405, 412, 413, 415, 500."""
    service = client(body_limit_mb=1)
    statuses = [
        service.post(URL, json=[]).status_code,
        service.post("/cds-services/other", json=request()).status_code,
        service.delete(URL).status_code,
        service.post(URL, json=request(prefetch={})).status_code,
        service.post(URL, data=b" " * 1_100_000, content_type="application/json").status_code,
        service.post(URL, data="x", content_type="text/plain").status_code,
        client(predictor=Broken()).post(URL, json=request()).status_code,
    ]
    assert [400, 404, 405, 412, 413, 415, 500] == statuses


@pytest.mark.row(51)
def test_the_demo_patients_show_more_than_one_indicator(cards: tuple[Json, ...]):
    """An indicator that is always the same says nothing."""
    assert {"info", "warning", "critical"} == {card["indicator"] for card in cards}


@pytest.mark.row(54)
def test_the_source_s_url_is_no_drill_down(cards: tuple[Json, ...]):
    """The same for every patient."""
    assert 1 == len({card["source"]["url"] for card in cards})


@pytest.mark.row(57, 64)
def test_no_two_things_of_all_answers_share_a_uuid(answers: tuple[Answered, ...]):
    """Feedback names them, whatever the call was."""
    named = [one["uuid"] for answer in answers for one in (*answer.cards, *suggestions_of(answer.body))]
    assert len(named) == len(set(named))


@pytest.mark.row(58)
def test_markup_in_a_report_stays_text():
    """HTML, links and images of a chart are shown as they were written."""
    from tests import builders as b
    from tests.cds_service.calls import card

    text = "Acute hemorrhage <img src=x onerror=alert(1)> [click](http://x.example) ![i](http://x.example) in the pons."
    answer = {"cards": [card(reports=b.searchset(b.report(text)))]}
    assert "onerror" in answer["cards"][0]["detail"]
    assert [] == list(CHECKS[58](answer))


def _first(answer: Json) -> Json:
    return cards_of(answer)[0]


def _link(**link: Any) -> Plant:
    whole = {"label": "Guide", "url": "https://x.example/g", "type": "absolute"}
    return lambda answer: _first(answer).update(links=[whole | link])


def _card(**members: Any) -> Plant:
    return lambda answer: _first(answer).update(members)


def _source(**members: Any) -> Plant:
    return lambda answer: _first(answer)["source"].update(members)


def _suggestion(**members: Any) -> Plant:
    return lambda answer: suggestions_of(answer)[0].update(members)


def _action(**members: Any) -> Plant:
    return lambda answer: actions_of(answer)[0].update(members)


def _without(place: Callable[[Json], Json], name: str) -> Plant:
    return lambda answer: place(answer).pop(name)


def _twice_recommended(answer: Json) -> None:
    card = _first(answer)
    card["suggestions"] = [one | {"isRecommended": True} for one in card["suggestions"] * 2]
    card["selectionBehavior"] = "at-most-one"


PLANTED: tuple[tuple[int, Plant], ...] = (
    (3, _card(detail=None)), (4, _card(links=[])), (4, _source(label="")), (5, _card(links=[])), (5, _source(icon="")),
    (47, lambda answer: answer.update(cards={})), (47, lambda answer: answer.update(warnings=["x"])),
    (50, _card(summary="x" * 140)), (50, _card(summary="😀" * 70)), (50, _card(summary="a\nb")),
    (50, _without(_first, "summary")), (51, _card(indicator="hard-stop")), (51, _without(_first, "indicator")),
    (52, _without(_first, "source")), (53, _source(label=3)), (54, _source(url="/about")),
    (55, _source(icon="logo.png")),
    (56, _source(topic={"code": "x"})), (57, _without(_first, "uuid")), (58, _card(detail="<b>x</b>")),
    (58, _card(detail="[x](http://x.example)")), (59, _without(_first, "selectionBehavior")),
    (59, _without(_first, "suggestions")), (60, _card(selectionBehavior="all")), (61, _twice_recommended),
    (62, _card(overrideReasons=[{"code": "x", "system": "http://x.example"}])), (63, _suggestion(label="")),
    (64, _without(lambda answer: suggestions_of(answer)[0], "uuid")), (65, _suggestion(isRecommended="true")),
    (66, _suggestion(actions={"type": "create"})),
    (66, lambda answer: suggestions_of(answer)[0].update(
        actions=[{"type": "delete", "description": "x", "resourceId": "Task/1"}] * 2)),
    (67, _action(type="patch")), (68, _action(description="")), (69, _action(resource='{"resourceType": "Task"}')),
    (69, _action(resource={"resourceType": "Task", "id": "1"})),
    (70, _action(type="update", resource={"resourceType": "Task", "status": "on-hold"})),
    (71, _action(type="delete", resource="Task/1")), (71, _action(type="delete", resourceId="https://x.example/Task/1")),
    (72, _link(type="launch")), (72, _link(url="guide.html")), (72, _link(label="")), (73, _link(appContext="x")),
    (73, _link(type="smart", appContext={"x": 1})), (74, _link(autoLaunchable=True)), (74, _link(autolaunchable="yes")),
    (75, lambda answer: answer.update(systemActions=[])), (101, _source(topic={"code": "x"})),
    (101, _card(overrideReasons=[{"code": "x", "display": "x"}])), (106, _suggestion(actionSelectionBehavior="all")),
    (112, lambda answer: answer.update(systemActions=[{"type": "delete", "resourceId": "Task/1"}])),
    (115, _card(extension={"com.example": {}})), (118, _card(detail="a <br> b")), (119, _card(uuid="card-1")),
    (119, _suggestion(uuid="5A1B7A52-3F0D")),
)  # fmt: skip


@pytest.mark.parametrize(("row", "plant"), PLANTED)
def test_a_planted_fault_is_found(answers: tuple[Answered, ...], row: int, plant: Plant):
    """A good answer that is spoiled in one place is no longer good."""
    good = next(answer.body for answer in answers if suggestions_of(answer.body))
    spoiled = copy.deepcopy(good)
    plant(spoiled)
    assert [] == list(CHECKS[row](good))
    assert list(CHECKS[row](spoiled))
    assert not none_is_sent(row, [spoiled])


def test_a_fault_is_planted_for_every_check():
    """A check that finds nothing would be worth nothing."""
    assert set(CHECKS) == {row for row, _ in PLANTED}
