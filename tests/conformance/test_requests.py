"""Rows 18-30: what a call has to hold, and what it may."""

import json
import logging
import statistics
import time
from typing import Any
from uuid import uuid4

import pytest

from cds_service.outbound.hosts import target_for
from cds_service.settings import FhirServer, Settings, SettingsError
from models.prediction import Predicts
from tests import builders as b
from tests.cds_service.calls import INSTANCE, client, prefetch, request
from tests.conformance.answered import URL, Answered, Json
from tests.conformance.charts import AUTHORIZATION, chart_server, without
from tests.conformance.signing import Signer
from tests.fakes import BASE

CONTEXT = {"userId": "Practitioner/1", "patientId": b.PATIENT_ID}


def refused(body: Json, **more: Any) -> tuple[int, str | None]:
    """The status of a call, and the field that its OperationOutcome names."""
    response = client(**more).post(URL, json=body)
    return response.status_code, response.get_json().get("issue", [{}])[0].get("expression", [None])[0]


def lacking(field: str) -> Json:
    """A request without one of its members."""
    return {name: value for name, value in request().items() if name != field}


def context(**changed: Any) -> Json:
    """A request whose context is changed; None leaves a member out."""
    return request(context={name: value for name, value in (CONTEXT | changed).items() if value is not None})


@pytest.mark.row(18)
def test_a_service_is_called_by_post_at_its_id():
    """Another method or another id is refused."""
    service = client()
    assert 200 == service.post(URL, json=request()).status_code
    assert [405, 405, 404] == [
        service.get(URL).status_code, service.put(URL, json=request()).status_code,
        service.post("/cds-services/other", json=request()).status_code,
    ]  # fmt: skip
    assert {"OPTIONS", "POST"} == set(service.get(URL).headers["Allow"].split(", "))  # RFC 9110, 15.5.6


@pytest.mark.row(19)
@pytest.mark.parametrize("hook", ["order-select", "patient-view-2", "Patient-View"])
def test_a_hook_that_is_not_offered_is_refused(hook: str):
    """The id in the URL decides, never the hook in the body alone."""
    assert (400, "hook") == refused(request(hook=hook))


@pytest.mark.row(19)
def test_hook_is_required_and_a_string():
    """The field is named."""
    assert [(400, "hook")] * 3 == [refused(lacking("hook")), refused(request(hook=1)), refused(request(hook=""))]


@pytest.mark.row(20)
def test_hook_instance_is_required_and_a_uuid():
    """The field is named."""
    assert [(400, "hookInstance")] * 3 == [
        refused(lacking("hookInstance")), refused(request(hookInstance="1")), refused(request(hookInstance=None)),
    ]  # fmt: skip


@pytest.mark.row(20)
def test_a_repeated_instance_is_answered_the_same_and_counts_once(caplog: pytest.LogCaptureFixture):
    """The second line of the audit says that it is a repeat; each line names the instance."""
    service = client()
    with caplog.at_level(logging.INFO, "endwatch.audit"):
        first, again = (service.post(URL, json=request()).get_json() for _ in range(2))
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "endwatch.audit"]
    assert first == again
    assert ["risk", "repeated"] == [line["kind"] for line in lines]
    assert {INSTANCE} == {line["hookInstance"] for line in lines}


@pytest.mark.row(20)
def test_another_body_under_a_used_instance_is_a_call_of_its_own():
    """A card for one patient must never be the answer for another."""
    service = client()
    first = service.post(URL, json=request()).get_json()
    other = service.post(URL, json=request(prefetch=prefetch(nihss=b.searchset(b.nihss(4, 1))))).get_json()
    assert first["cards"][0]["uuid"] != other["cards"][0]["uuid"]
    assert "4 (" not in first["cards"][0]["detail"]


@pytest.mark.row(21)
def test_context_is_required_and_an_object():
    """The field is named."""
    assert [(400, "context")] * 3 == [
        refused(lacking("context")),
        refused(request(context=[])),
        refused(request(context="p1")),
    ]


@pytest.mark.row(22)
def test_an_authorization_without_a_server_is_refused():
    """It would be a token for nothing."""
    assert (400, "fhirServer") == refused(request(fhirAuthorization=AUTHORIZATION))


@pytest.mark.row(23)
def test_production_calls_no_server_over_plain_http(signer: Signer):
    """A call that names one so is answered from its prefetch, listed or not; a list that has one does not start."""
    plain, fhir = BASE.replace("https", "http"), chart_server()
    body = without("labs", fhirServer=plain)
    response = client(fhir, **signer.production()).post(URL, json=body, headers=signer.header(URL))
    assert "labs unknown" in response.get_json()["cards"][0]["detail"].lower()
    for entry in (FhirServer(base=plain), FhirServer(base=BASE, also_known_as=(plain,))):
        with pytest.raises(SettingsError, match=f"ENDWATCH_FHIR_SERVERS: {plain} must be https"):
            client(fhir, **signer.production(fhir_servers=(entry,)))
    assert [] == fhir.asked


@pytest.mark.row(23)
@pytest.mark.parametrize(
    "listed", [{"base": BASE.replace("https", "http")}, {"base": BASE, "also_known_as": ("http://x.example/fhir",)}]
)
def test_a_call_is_judged_by_the_scheme_of_its_own_entry(listed: Json):
    """What start-up refuses is refused to a call as well: it rests on no check but its own."""
    settings = Settings(fhir_servers=(FhirServer(**listed),))
    named = listed.get("also_known_as", (listed["base"],))[0]
    assert target_for(named, settings) is None
    allowed = Settings(fhir_servers=(FhirServer(**listed, allow_http=True),))
    assert target_for(named, allowed) is not None


@pytest.mark.row(24)
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"extension": {"com.example.any": {"x": [1, None, ""]}}},
        {"extension": []},
        {"fhirServer": BASE, "newMember": 1},
        {"fhirServer": BASE, "fhirAuthorization": AUTHORIZATION | {"extension": {"a": 1}, "id_token": "x"}},
        {"context": CONTEXT | {"extension": {"a": 1}, "encounterStatus": "x"}},
    ],
)
def test_members_that_we_do_not_know_are_passed_over(more: Json):
    """Also where an extension has another form than it should."""
    assert 200 == client(chart_server()).post(URL, json=request(**more)).status_code


@pytest.mark.row(24)
def test_prefetch_may_be_absent():
    """Then the FHIR server has it all."""
    body = lacking("prefetch") | {"fhirServer": BASE, "fhirAuthorization": AUTHORIZATION}
    assert 1 == len(client(chart_server()).post(URL, json=body).get_json()["cards"])


@pytest.mark.row(25)
@pytest.mark.parametrize("user", ["Practitioner/1", "PractitionerRole/r-1", "Patient/p1", "RelatedPerson/a.b"])
def test_all_four_kinds_of_user_are_accepted(user: str):
    """Who looks changes nothing of what is said."""
    assert 200 == client().post(URL, json=context(userId=user)).status_code


@pytest.mark.row(25)
@pytest.mark.parametrize("user", [None, "", "1", "Device/1", "Practitioner/", "Practitioner/1/2", 5])
def test_a_user_of_another_form_is_refused(user: Any):
    """The field is named."""
    assert (400, "context.userId") == refused(context(userId=user))


@pytest.mark.row(26)
@pytest.mark.parametrize("patient", [None, "", "Patient/p1", "p1,p2", "p1?x=1", "..", 5])
def test_a_patient_id_is_required_and_bare(patient: Any):
    """It goes into URLs."""
    assert (400, "context.patientId") == refused(context(patientId=patient))


@pytest.mark.row(27)
@pytest.mark.parametrize("encounter", [None, "e1"])
def test_an_encounter_may_be_named_or_not(encounter: str | None):
    """The stay is found in either case, with the same risk."""
    (card,) = client().post(URL, json=context(encounterId=encounter)).get_json()["cards"]
    assert "END risk 46 %" in card["summary"]


@pytest.mark.row(29)
def test_a_call_takes_about_half_a_second_of_processor_time(model: Predicts, answers: tuple[Answered, ...]):
    """The median over the demo patients who get a number; the first call of each process stands apart."""
    from cds_service.app import create_app
    from cds_service.demo.patients import as_of
    from cds_service.settings import Settings

    spent = []
    for answer in (one for one in answers if one.patient.answer == "risk"):
        moment = as_of(answer.patient.bundle)
        service = create_app(
            Settings(mode="demo"), predictor=model, clock=lambda at=moment: at, live=False
        ).test_client()
        begun = time.process_time()
        assert 200 == service.post(URL, json=answer.asked | {"hookInstance": str(uuid4())}).status_code
        spent.append(time.process_time() - begun)
    assert 0.5 >= statistics.median(spent)


@pytest.mark.row(30)
def test_prefetch_and_server_give_the_same_card():
    """Whichever way the chart came."""
    sent = client().post(URL, json=request()).get_json()["cards"]
    read = client(chart_server()).post(URL, json=without(*prefetch())).get_json()["cards"]
    assert [(one["summary"], one["detail"]) for one in sent] == [(one["summary"], one["detail"]) for one in read]
