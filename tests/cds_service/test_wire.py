"""The wire: what is refused, what is named, what is always there."""

import copy
import json

import pytest
from fhir.resources.R4B.operationoutcome import OperationOutcome
from fhir.resources.R4B.servicerequest import ServiceRequest
from markdown_it import MarkdownIt

from cds_service.errors import CdsError, operation_outcome
from tests import builders as b
from tests.cds_service.calls import INSTANCE, card, client, prefetch, request

URL = "/cds-services/end-risk"


def test_discovery_offers_one_patient_view_service_with_every_template():
    """CDS Hooks 2.0.1, Discovery: hook, title, description, id, prefetch."""
    (service,) = client().get("/cds-services").get_json()["services"]
    assert ("patient-view", "end-risk") == (service["hook"], service["id"])
    assert set(prefetch()) == set(service["prefetch"])
    assert "simulated" in service["description"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hook", None), ("hook", 3), ("hook", "order-select"), ("hookInstance", None), ("hookInstance", "x"),
        ("context", None), ("context", []), ("fhirServer", "ftp://x"), ("prefetch", []),
    ],
)  # fmt: skip
def test_a_missing_or_wrong_field_is_400_and_named(field: str, value: object):
    """The OperationOutcome names the field and shows nothing inside."""
    body = request(**{field: value})
    if value is None:
        del body[field]
    response = client().post(URL, json=body)
    assert 400 == response.status_code
    assert field in response.get_json()["issue"][0]["diagnostics"]
    OperationOutcome.model_validate(response.get_json())


@pytest.mark.parametrize("patient", ["", "a/b", "1,2", "x?y=1", " ", "a" * 65])
def test_an_odd_patient_id_is_refused_before_any_query(patient: str):
    """A FHIR server answers ``patient=`` with everybody's data."""
    body = request(context={"userId": "Practitioner/1", "patientId": patient}, prefetch={})
    response = client().post(URL, json=body)
    assert 400 == response.status_code
    assert "context.patientId" in response.get_json()["issue"][0]["diagnostics"]


def test_what_is_no_json_request_is_refused():
    """Not JSON 400, another content type 415, unknown service 404, over the limit 413, no object 400."""
    answers = [
        client().post(URL, data="{", content_type="application/json").status_code,
        client().post(URL, data="x=1", content_type="text/plain").status_code,
        client().post("/cds-services/other", json=request()).status_code,
        client(body_limit_mb=1).post(URL, data=b" " * 1_100_000, content_type="application/json").status_code,
        client().post(URL, json=[]).status_code,
    ]
    assert [400, 415, 404, 413, 400] == answers


def test_a_card_is_whole_and_its_order_is_valid_fhir():
    """Source, topic, uuid, override reasons; a suggestion with one draft ServiceRequest."""
    one = card()
    assert {
        "uuid",
        "summary",
        "detail",
        "indicator",
        "source",
        "overrideReasons",
        "suggestions",
        "selectionBehavior",
    } == set(one)
    assert {"code", "system", "display"} == set(one["overrideReasons"][0])
    order = one["suggestions"][0]["actions"][0]["resource"]
    assert ("draft", "Patient/p1") == (order["status"], order["subject"]["reference"])
    ServiceRequest.model_validate(order)


def test_a_repeated_call_gets_the_same_answer_and_another_instance_other_uuids():
    """Cards and uuids depend on hookInstance and body alone, even as time goes on."""
    hours = iter([6, 7, 8])
    service = client(clock=lambda: b.at(next(hours, 9)))
    first, again = (service.post(URL, json=request()).get_json() for _ in range(2))
    other = service.post(URL, json=request(hookInstance=INSTANCE.replace("0f9b", "1f9b"))).get_json()
    assert first == again
    assert first["cards"][0]["uuid"] != other["cards"][0]["uuid"]


def test_a_malformed_and_a_foreign_resource_are_named_and_the_rest_is_used():
    """One bad resource never hides the others; another patient's is refused and said."""
    bad = b.observation("2345-7", 130, "mg/dL", id_="bad") | {"effectiveDateTime": "yesterday"}
    foreign = b.observation("2345-7", 400, "mg/dL", id_="foreign", patient="somebody")
    good = b.observation("2345-7", 155, "mg/dL", 1, "good")
    detail = card(labs=b.searchset(bad, foreign, good))["detail"]
    assert "Observation/bad left out" in detail
    assert "Observation/foreign is of another patient" in detail


def test_report_text_cannot_smuggle_markup_into_a_card():
    """Markdown and HTML of a report are escaped."""
    text = "Acute hemorrhage <img src=x onerror=alert(1)> [click](http://x.example) in the left thalamus."
    rendered = MarkdownIt("commonmark").render(card(reports=b.searchset(b.report(text)))["detail"])
    assert "click" in rendered
    assert not any(tag in rendered for tag in ("<img", "<a ", "<script"))


def test_feedback_is_kept_once():
    """A repeat changes nothing; a missing acceptedSuggestions is named."""
    entry = {"card": "c1", "outcome": "overridden", "outcomeTimestamp": "2026-03-02T10:05:31Z",
             "overrideReason": {"reason": {"code": "data-wrong", "system": "s"}}}  # fmt: skip
    service = client()
    assert [200, 200] == [service.post(f"{URL}/feedback", json={"feedback": [entry]}).status_code for _ in range(2)]
    refused = service.post(f"{URL}/feedback", json={"feedback": [entry | {"outcome": "accepted"}]})
    assert (400, True) == (refused.status_code, "acceptedSuggestions" in refused.get_json()["issue"][0]["diagnostics"])


def test_ready_says_first_what_the_numbers_are_worth():
    """Mode and training population stand in /ready."""
    ready = client().get("/ready").get_json()
    assert "simulated patients" in ready["notes"][0]
    assert ("test", "simulated") == (ready["mode"], ready["model"]["trainingPopulation"])
    assert {"status": "alive"} == client().get("/health").get_json()


def test_the_sandbox_may_call_from_the_browser_in_test_mode_also_on_errors():
    """CORS stands on every answer, errors included, and not for other origins."""
    origin = "https://sandbox.cds-hooks.org"
    for response in (
        client().post(URL, json={}, headers={"Origin": origin}),
        client().get("/cds-services", headers={"Origin": origin}),
    ):
        assert origin == response.headers["Access-Control-Allow-Origin"]
    assert (
        "Access-Control-Allow-Origin"
        not in client().get("/cds-services", headers={"Origin": "https://evil.example"}).headers
    )


def test_every_error_is_a_valid_operation_outcome():
    """One place turns the tree of errors into FHIR."""
    for kind in CdsError.__subclasses__():
        outcome = operation_outcome(kind("why", field="hook"))
        OperationOutcome.model_validate(copy.deepcopy(outcome))
        assert "why" in json.dumps(outcome)
