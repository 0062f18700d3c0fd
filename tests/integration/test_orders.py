"""Every resource that a card offers can be created in a FHIR server as it is."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from fhir.resources.R4B.servicerequest import ServiceRequest

from cds_service.app import create_app
from cds_service.cards.language import shipped
from cds_service.demo.load import load
from cds_service.demo.patients import DemoPatient, demo_patients, request_for, shift
from cds_service.demo.server import embedded_server
from cds_service.outbound.session import new_session
from tests.fakes import FakePredictor
from tests.integration.test_embedded_server import NOW, URL, settings

INSIDE = [patient for patient in demo_patients() if patient.answer != "outside"]


@pytest.fixture(scope="module")
def fhir() -> Iterator[str]:
    """A running server with every demo patient, moved to now."""
    pytest.importorskip("sekmet", reason="needs the demo extra")
    with new_session() as session, embedded_server(session) as base:
        assert len(demo_patients()) == len(list(load(base, settings(base), session, NOW)))
        yield base


def offered(fhir: str, patient: DemoPatient, *, flagged: bool, language: str = "en") -> list[dict[str, Any]]:
    """The actions of the patient's card."""
    given = settings(fhir).model_copy(update={"card_language": language, "check_interval_text": "every 1 h"})
    with new_session() as session:
        app = create_app(given, predictor=FakePredictor(flagged=flagged), session=session, clock=lambda: NOW)
        body = request_for(patient, shift(patient.bundle, NOW), fhir_server=fhir)
        cards = app.test_client().post(URL, json=body).get_json()["cards"]
    return [action for card in cards for one in card.get("suggestions", ()) for action in one["actions"]]


@pytest.mark.parametrize("flagged", [True, False], ids=["flagged", "not flagged"])
@pytest.mark.parametrize("patient", INSIDE, ids=lambda patient: patient.id)
def test_each_order_that_a_card_offers_is_created_by_the_server(fhir: str, patient: DemoPatient, flagged: bool):
    """201, and patient, encounter and time are those of the chart."""
    with new_session() as session:
        for action in offered(fhir, patient, flagged=flagged):
            assert "create" == action["type"]
            answer = session.post(f"{fhir}/{action['resource']['resourceType']}", json=action["resource"])
            assert 201 == answer.status_code, answer.text
            held = session.get(answer.headers["Location"].split("/_history")[0]).json()
            assert action["resource"].items() <= held.items()
            assert patient.id == session.get(f"{fhir}/{held['subject']['reference']}").json()["id"]
            encounter = session.get(f"{fhir}/{held['encounter']['reference']}").json()
            assert held["subject"] == encounter["subject"]
            assert NOW == datetime.fromisoformat(held["authoredOn"])


@pytest.mark.parametrize("patient", INSIDE, ids=lambda patient: patient.id)
def test_each_order_is_a_draft_of_the_standard(fhir: str, patient: DemoPatient):
    """Valid R4, a draft that a clinician has to sign, without anything that is taken or given."""
    for action in offered(fhir, patient, flagged=True, language="de"):
        order = ServiceRequest(**action["resource"])
        assert ("draft", "proposal") == (order.status, order.intent)
        assert {"text"} == set(action["resource"]["code"])


def test_every_order_that_there_is_was_offered(fhir: str):
    """Over all demo patients, flagged or not: the tests above left none out."""
    found = {
        action["resource"]["code"]["text"]
        for patient in INSIDE
        for flagged in (True, False)
        for action in offered(fhir, patient, flagged=flagged)
    }
    assert set(shipped("en").tables["order"].values()) == found
