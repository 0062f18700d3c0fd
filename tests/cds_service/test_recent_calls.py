"""The page of recent calls: what became of each, for who connects an EHR; nothing of the patient, not in production."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cds_service.app import create_app
from cds_service.demo.calls import blueprint
from cds_service.record.account import CallRecord, CameTo
from cds_service.record.recent_calls import RecentCalls
from cds_service.settings import FhirServer, Issuer, Settings
from tests import builders as b
from tests.cds_service.calls import INSTANCE, client, prefetch, request
from tests.fakes import BASE, FakePredictor

URL = "/cds-services/end-risk"


def numbered(number: int, **changed: Any) -> dict[str, Any]:
    """A call of its own."""
    return request(hookInstance=f"{INSTANCE[:-3]}{number:03}", **changed)


def kept(service: FlaskClient) -> list[dict[str, Any]]:
    """The twin's calls."""
    calls: list[dict[str, Any]] = service.get("/calls.json").get_json()["calls"]
    return calls


def test_each_call_says_what_became_of_it():
    """Which field, which query, which rule: what an EHR hides behind "no response"."""
    service = client()
    outside = prefetch(conditions=b.searchset(), nihss=None, reports=None)
    incomplete = {key: value for key, value in prefetch().items() if key != "nihss"}
    bodies = (request(), {"hook": "patient-view"}, numbered(2, prefetch=incomplete), numbered(3, prefetch=outside))
    answers = [service.post(URL, json=body) for body in (*bodies, request())]
    calls = list(reversed(kept(service)))
    assert [answer.headers["X-Request-Id"] for answer in answers] == [call["requestId"] for call in calls]
    assert [
        (200, "risk", "risk"),
        (400, "refused", "bad-request:hookInstance"),
        (412, "refused", "missing-data:prefetch.nihss"),
        (200, "outside", "no-ischemic-stroke"),
        (200, "repeated", "same-call"),
    ] == [(call["status"], call["kind"], call["reason"]) for call in calls]
    assert "hookInstance is required" == calls[1]["explained"]
    assert calls[2]["explained"].endswith("not in prefetch, and no fhirServer was given")
    assert "No ischemic stroke in this stay." == calls[3]["explained"]
    assert all(call["milliseconds"] > 0 and call["time"].startswith("2026-03-02T") for call in calls)


def test_the_page_and_its_twin_tell_the_same():
    """Every page has a twin in JSON."""
    service = client()
    assert "No call yet." in service.get("/calls").text
    service.post(URL, json=request(prefetch={}))
    (call,) = kept(service)
    page = service.get("/calls").text
    for said in (call["requestId"], "412", call["kind"], call["reason"]):
        assert said in page
    assert "not for patient care" in page


def test_the_last_fifty_are_kept_newest_first():
    """In memory, bounded."""
    service = client()
    for number in range(53):
        service.post(f"/cds-services/other-{number}", json={})
    service.post(URL, json=request())
    calls = kept(service)
    assert (50, "risk", 49) == (len(calls), calls[0]["kind"], sum(call["status"] == 404 for call in calls))


def test_a_failure_and_a_wrong_path_stand_there_too():
    """The two that nobody finds without it."""

    class Broken(FakePredictor):
        def predict(self, inputs: Any, until: float = 0.0) -> Any:  # noqa: ARG002 - as all models take it
            raise ArithmeticError(f"Marker {inputs.hours}")

    service = client(predictor=Broken())
    service.post(URL, json=request())
    service.post(f"/cds-services{URL}", json=request())
    assert [(404, "unknown-service"), (500, "arithmetic-error")] == [
        (call["status"], call["reason"]) for call in kept(service)
    ]


def test_nothing_of_the_patient_is_on_the_page():
    """Neither id nor name, nor the server or the token of the call."""
    given = {"access_token": "secret-1", "patient": "Marker"}
    body = request(fhirServer=BASE, fhirAuthorization=given)
    body["prefetch"]["patient"] |= {"name": [{"family": "Marker"}]}
    service = client()
    for changed in ({}, {"prefetch": {}}, {"context": {"userId": "Marker", "patientId": "Marker"}}, {"hook": "Marker"}):
        service.post(URL, json=body | changed)
    service.post("/cds-services/Marker", json={})
    assert 5 == len(kept(service))
    shown = service.get("/calls").text + service.get("/calls.json").text
    assert [] == [secret for secret in ("Marker", "secret-1", b.PATIENT_ID, "ehr.example") if secret in shown]


def test_markup_in_a_refusal_is_shown_as_text():
    """The name of a field can be a caller's."""
    calls = RecentCalls()
    calls.add(CallRecord(b.T0, "r1", 400, 1.0, CameTo("refused", "bad-request", "<script>alert(1)</script>")))
    app = Flask(__name__)
    app.register_blueprint(blueprint(calls))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in app.test_client().get("/calls").text


@pytest.mark.parametrize("path", ["/calls", "/calls.json"])
def test_the_page_is_never_cached_and_not_there_in_production(path: str, tmp_path: Path):
    """A page without a login has no place beside patients."""
    assert "no-store" in client().get(path).headers["Cache-Control"]
    demo = create_app(Settings(mode="demo"), predictor=FakePredictor()).test_client()
    assert 200 == demo.get(path).status_code
    settings = Settings(
        fhir_servers=(FhirServer(base=BASE),),
        issuers=(Issuer(iss="https://ehr.example", jwks_file=tmp_path / "keys.json"),),
        simulated_risk="show",
        public_base_url="https://cds.example",
        database_url=f"sqlite:///{tmp_path}/endwatch.sqlite",
    )
    assert 404 == create_app(settings, predictor=FakePredictor()).test_client().get(path).status_code
