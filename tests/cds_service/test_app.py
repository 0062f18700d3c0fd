"""The application around the data path: failures, ids, CORS, discovery, feedback, audit."""

import logging
from math import inf
from pathlib import Path
from typing import Any

import pytest

from cds_service.app import create_app
from cds_service.settings import FhirServer, Settings
from fhir_mappings.inputs import ModelInputs
from models.prediction import NotComputed, Prediction
from tests import builders as b
from tests.cds_service.calls import audit_lines, client, request
from tests.fakes import BASE, FakeFhir, FakePredictor, session_with

URL, SANDBOX = "/cds-services/end-risk", "https://sandbox.cds-hooks.org"
NAME = "Mrs. Marker"


class BrokenPredictor(FakePredictor):
    """A model that fails, with a patient's value in its message."""

    def predict(self, inputs: ModelInputs, until: float = inf) -> Prediction | NotComputed:  # noqa: ARG002 - as all models take it
        """Nothing but the failure."""
        raise ArithmeticError(f"{NAME}, {inputs.hours} h after arrival")


def audited(folder: Path) -> list[tuple[str, str]]:
    """Kind and reason of each audited call."""
    return [(line["kind"], line["reason"]) for line in audit_lines(folder)]


def test_a_failure_is_500_without_internals_and_never_empty_cards(caplog: pytest.LogCaptureFixture):
    """``cards: []`` would read as "outside the population"; the log tells where, not what."""
    with caplog.at_level(logging.ERROR):
        response = client(predictor=BrokenPredictor()).post(URL, json=request())
    assert (500, "OperationOutcome") == (response.status_code, response.get_json()["resourceType"])
    assert NAME not in response.text + caplog.text
    assert response.headers["X-Request-Id"] in caplog.text


def test_every_call_is_audited_and_a_repeat_counts_no_conclusion(tmp_path: Path):
    """Answered, repeated and refused are told apart: a conclusion is counted once."""
    service = client(audit_log=tmp_path)
    for _ in range(2):
        service.post(URL, json=request())
    service.post(URL, json=request(prefetch={}))
    missing = ("refused", "missing-data:prefetch.patient")
    assert [("risk", "risk"), ("repeated", "same-call"), missing] == audited(tmp_path)


def test_every_answer_carries_a_request_id_of_its_own():
    """Errors of every kind included."""
    service = client()
    answers = [service.get("/health"), service.get("/nowhere"), service.post(URL, data="{"), service.delete(URL)]
    assert [200, 404, 415, 405] == [answer.status_code for answer in answers]
    assert 4 == len({answer.headers["X-Request-Id"] for answer in answers} - {""})
    assert {"OperationOutcome"} == {answer.get_json()["resourceType"] for answer in answers[1:]}


@pytest.mark.parametrize("path", [URL, f"{URL}/feedback", "/cds-services"])
def test_a_browser_may_ask_first_in_test_mode(path: str):
    """Preflight of all three endpoints; Chrome asks on behalf of pages that call loopback."""
    asked = {
        "Origin": SANDBOX,
        "Access-Control-Request-Method": "GET" if path == "/cds-services" else "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
        "Access-Control-Request-Private-Network": "true",
    }
    headers = client().options(path, headers=asked).headers
    assert (SANDBOX, "true") == (
        headers["Access-Control-Allow-Origin"],
        headers["Access-Control-Allow-Private-Network"],
    )
    assert {"authorization", "content-type"} <= set(headers["Access-Control-Allow-Headers"].lower().split(", "))


@pytest.mark.parametrize(
    ("body", "status"), [(request(prefetch={}), 412), ({}, 400), (request(hook="order-select"), 400)]
)
def test_a_browser_may_read_every_error(body: dict[str, Any], status: int):
    """Without the header a browser hides even the status."""
    response = client().post(URL, json=body, headers={"Origin": SANDBOX})
    assert (status, SANDBOX) == (response.status_code, response.headers["Access-Control-Allow-Origin"])


def test_no_origin_is_allowed_unless_listed():
    """Outside test mode the list of settings is all there is."""
    for origins, allowed in (((), None), ((SANDBOX,), SANDBOX)):
        settings = Settings(mode="demo", cors_origins=origins, fhir_servers=(FhirServer(base=BASE),))
        service = create_app(settings, predictor=FakePredictor(), session=session_with(FakeFhir({}))).test_client()
        answer = service.get("/cds-services", headers={"Origin": SANDBOX})
        assert allowed == answer.headers.get("Access-Control-Allow-Origin")


@pytest.mark.parametrize(("population", "said"), [("simulated", True), ("local", False)])
def test_discovery_says_simulated_while_the_model_is(population: str, said: bool):
    """And no longer."""
    (service,) = client(predictor=FakePredictor(population=population)).get("/cds-services").get_json()["services"]
    assert said == ("simulated" in service["description"])


def test_feedback_says_how_much_of_it_was_new():
    """The answer is an object with something in it (CDS Hooks 2.0.1, Use of JSON)."""
    entry = {"card": "c1", "outcome": "overridden", "outcomeTimestamp": "2026-03-02T10:05:31Z"}
    service = client()
    posted = [service.post(f"{URL}/feedback", json={"feedback": [entry]}).get_json() for _ in range(2)]
    assert [{"stored": 1}, {"stored": 0}] == posted


@pytest.mark.parametrize("body", [b'{"a": NaN}', b"[" * 100_000, b"\xff", b'{"hook": Infinity}'])
def test_what_json_does_not_allow_is_400(body: bytes):
    """NaN and Infinity, nesting without end, broken UTF-8."""
    response = client().post(URL, data=body, content_type="application/json")
    assert (400, "the body is not JSON") == (response.status_code, response.get_json()["issue"][0]["diagnostics"])


def test_a_chart_outside_the_population_is_audited_with_its_reason(tmp_path: Path):
    """Empty cards mean one thing only, and the audit names it."""
    body = request()
    body["prefetch"]["conditions"] = b.searchset()
    body["prefetch"]["nihss"] = body["prefetch"]["reports"] = None
    assert {"cards": []} == client(audit_log=tmp_path).post(URL, json=body).get_json()
    assert [("outside", "no-ischemic-stroke")] == audited(tmp_path)
