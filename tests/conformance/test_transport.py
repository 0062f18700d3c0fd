"""Rows 1 and 2: JSON both ways, and TLS in production; the recursive rows 3-5 for what is no card."""

import json
from pathlib import Path

import pytest

from cds_service.settings import FhirServer, Issuer, Settings
from cds_service.starting import start_faults
from tests.cds_service.calls import client, request
from tests.conformance.answered import URL, Answered, each
from tests.conformance.response_checks import CHECKS

FEEDBACK = {"feedback": [{"card": "c1", "outcome": "overridden", "outcomeTimestamp": "2026-03-02T10:05:31Z"}]}


@pytest.mark.row(1)
@pytest.mark.parametrize("body", [b"", b"{", b"hook=patient-view", b'{"hook": "patient-view",}', b"\xff\xfe"])
def test_a_body_that_is_no_json_is_refused(body: bytes):
    """Also with a comma too many, and with nothing in it."""
    assert 400 == client().post(URL, data=body, content_type="application/json").status_code


@pytest.mark.row(1)
@pytest.mark.parametrize("type_", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
def test_a_body_that_is_not_declared_as_json_is_refused(type_: str):
    """A browser's form cannot call the service."""
    assert 415 == client().post(URL, data=json.dumps(request()), content_type=type_).status_code


@pytest.mark.row(1)
def test_json_may_be_declared_with_a_charset():
    """``application/json; charset=utf-8`` is what many clients send."""
    type_ = "application/json; charset=utf-8"
    assert 200 == client().post(URL, data=json.dumps(request()), content_type=type_).status_code


@pytest.mark.row(1)
def test_every_body_that_we_send_is_declared_as_json_and_parses(answers: tuple[Answered, ...]):
    """Answers, discovery, feedback and errors."""
    service = client()
    sent = [answer.response for answer in answers]
    sent += [service.get("/cds-services"), service.post(f"{URL}/feedback", json=FEEDBACK)]
    sent += [service.post(URL, data="{"), service.get("/nowhere"), service.post(URL, json=request(prefetch={}))]
    assert {"application/json"} == {response.mimetype for response in sent}
    assert all(isinstance(json.loads(response.data.decode("utf-8")), dict) for response in sent)


@pytest.mark.row(2)
@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"fhir_servers": (FhirServer(base="http://ehr.example/fhir"),)}, "ENDWATCH_FHIR_SERVERS"),
        ({"issuers": (Issuer(iss="https://ehr.example", jku=("http://ehr.example/jwks",)),)}, "ENDWATCH_ISSUERS"),
        ({"public_base_url": "http://cds.example"}, "ENDWATCH_PUBLIC_BASE_URL"),
    ],
)
def test_production_does_not_start_with_a_plain_http_address(changed: dict[str, object], named: str):
    """Of a FHIR server, a key set or our own; the fault names the setting."""
    whole = {
        "mode": "production",
        "fhir_servers": (FhirServer(base="https://ehr.example/fhir"),),
        "issuers": (Issuer(iss="https://ehr.example", jku=("https://ehr.example/jwks",)),),
        "simulated_risk": "show",
        "public_base_url": "https://cds.example",
    }
    assert () == start_faults(Settings(**whole), "simulated")  # type: ignore[arg-type]
    (fault,) = start_faults(Settings(**(whole | changed)), "simulated")  # type: ignore[arg-type]
    assert named in fault


@pytest.mark.row(2)
def test_where_tls_ends_is_documented():
    """The service itself listens on loopback and speaks plain HTTP."""
    text = (Path(__file__).parents[2] / "docs/CONFIGURATION.md").read_text("utf-8")
    assert "TLS" in text
    assert "127.0.0.1" == Settings.model_fields["host"].default


@pytest.mark.parametrize("row", each((3, 4)))
def test_nothing_else_that_we_send_holds_null_or_empty_members(row: int):
    """Discovery, feedback, errors, health and readiness."""
    service = client()
    sent = [service.get(path).get_json() for path in ("/cds-services", "/health", "/nowhere")]
    sent += [service.post(URL, json=body).get_json() for body in ({}, request(prefetch={}), request(hook="x"))]
    sent += [service.post(f"{URL}/feedback", json=body).get_json() for body in (FEEDBACK, {"feedback": []})]
    assert [] == [fault for body in sent for fault in CHECKS[row](body)]
