"""Rows 42-46 and 107: the EHR's access token, and what is read of its scopes."""

import logging
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.hooks.authorization import authorization_faults, authorization_notes
from cds_service.hooks.scopes import parse_scopes
from cds_service.settings import FhirServer
from tests.cds_service.calls import client, prefetch
from tests.conformance.answered import URL, Json
from tests.conformance.charts import AUTHORIZATION, TOKEN, chart_server, tokens, without
from tests.conformance.signing import Signer
from tests.fakes import BASE, FakeFhir

ALL = tuple(prefetch())
FAULTY: tuple[tuple[str, Any], ...] = (
    ("token_type", None), ("token_type", "bearer"), ("token_type", 1), ("expires_in", None), ("expires_in", "300"),
    ("expires_in", 0), ("expires_in", True), ("scope", None), ("scope", ""), ("scope", ["patient/*.rs"]),
    ("subject", None), ("subject", ""),
)  # fmt: skip
NONE = [f"scope-lacks-{type_}" for type_ in ("Condition", "Encounter", "Observation", "Patient")]
NEEDED = "patient/Patient.{0} patient/Encounter.{0} patient/Condition.{0} patient/Observation.{0}"


def authorized(**changed: Any) -> Json:
    """An authorization that is changed; None leaves a member out."""
    return {name: value for name, value in (AUTHORIZATION | changed).items() if value is not None}


def reading(fhir: FakeFhir, authorization: Json, **settings: Any) -> Any:
    """The response to a call that needs the labs from the server."""
    listed = {"fhir_servers": (FhirServer(base=BASE, auth="call"),)} | settings
    return client(fhir, **listed).post(URL, json=without("labs", fhirAuthorization=authorization))


@pytest.mark.row(42)
def test_the_token_goes_with_each_request():
    """Reads, searches and the second round."""
    fhir = chart_server()
    body = without(*ALL)
    assert 200 == client(fhir).post(URL, json=body).status_code
    assert {f"Bearer {TOKEN}"} == tokens(fhir)
    assert 8 <= len(fhir.asked)


@pytest.mark.row(43)
@pytest.mark.parametrize("token", [None, "", "a b", 5])
def test_without_a_token_an_authorization_is_refused(token: Any):
    """The field is named."""
    response = reading(chart_server(), authorized(access_token=token))
    expected = (400, ["fhirAuthorization.access_token"])
    assert expected == (response.status_code, response.get_json()["issue"][0]["expression"])


@pytest.mark.row(43)
@pytest.mark.parametrize(("field", "value"), FAULTY)
def test_another_fault_is_noted_and_the_token_used(field: str, value: Any, caplog: pytest.LogCaptureFixture):
    """The card does not wait for a form to be filled in; the log names the field, and no value."""
    fhir = chart_server()
    with caplog.at_level(logging.INFO):
        response = reading(fhir, authorized(**{field: value}))
    assert (200, {f"Bearer {TOKEN}"}) == (response.status_code, tokens(fhir))
    assert f"fhirAuthorization: {field}" in caplog.messages


@pytest.mark.row(43)
@pytest.mark.parametrize(("field", "value"), FAULTY)
def test_a_strict_site_refuses_the_same_fault(field: str, value: Any):
    """The field is named, and nothing is asked."""
    fhir = chart_server()
    response = reading(fhir, authorized(**{field: value}), strict_authorization=True)
    expected = (400, [f"fhirAuthorization.{field}"])
    assert expected == (response.status_code, response.get_json()["issue"][0]["expression"])
    assert [] == fhir.asked


@pytest.mark.row(43)
def test_a_strict_site_takes_a_whole_authorization_and_a_call_without_one():
    """Strict asks for the form, not for a token."""
    assert 200 == reading(chart_server(), AUTHORIZATION, strict_authorization=True).status_code
    service = client(strict_authorization=True)
    assert 200 == service.post(URL, json=without(fhirAuthorization=None)).status_code


@pytest.mark.row(44)
def test_a_token_with_patient_scopes_and_no_patient_is_noted(caplog: pytest.LogCaptureFixture):
    """Invariant cds-r-2 is a warning: the token is used."""
    fhir = chart_server()
    with caplog.at_level(logging.INFO):
        assert 200 == reading(fhir, authorized(patient=None)).status_code
    assert "fhirAuthorization: patient-not-named" in caplog.messages
    assert {f"Bearer {TOKEN}"} == tokens(fhir)


@pytest.mark.row(44)
def test_a_token_for_another_patient_is_not_used():
    """Its data would be another's: the card says what it lacks."""
    fhir = chart_server()
    response = reading(fhir, authorized(patient="p2"))
    assert [] == fhir.asked
    assert "the access token is for another patient" in response.get_json()["cards"][0]["detail"]


@pytest.mark.row(45)
def test_the_token_is_neither_logged_nor_kept(signer: Signer, caplog: pytest.LogCaptureFixture):
    """Not in the log at its finest, not in the answer, not in the files that the service leaves."""
    service = client(chart_server(), **signer.production())
    with caplog.at_level(logging.DEBUG):
        answers = [
            service.post(URL, json=without("labs", **more), headers=signer.header(URL))
            for more in ({}, {"hook": "order-select"}, {"context": {}})
        ]
    assert [200, 400, 400] == [answer.status_code for answer in answers]
    assert TOKEN not in caplog.text + "".join(answer.text for answer in answers)
    kept = [path for path in signer.folder.iterdir() if path.is_file()]
    assert kept
    assert not [path.name for path in kept if TOKEN.encode() in path.read_bytes()]


@pytest.mark.row(45)
def test_the_token_of_a_call_is_not_used_for_the_next():
    """A later call without one has none."""
    fhir = chart_server()
    service = client(fhir, fhir_servers=(FhirServer(base=BASE, auth="call"),))
    assert 200 == service.post(URL, json=without("labs")).status_code
    asked = len(fhir.asked)
    assert 200 == service.post(URL, json=without("labs", fhirAuthorization=None)).status_code
    assert asked == len(fhir.asked)


@pytest.mark.row(46)
def test_the_token_s_life_bounds_our_fetching():
    """A server that answers after the token is over is not waited for."""

    def slow(_: Any) -> tuple[int, Json]:
        time.sleep(3)
        return 200, {}

    begun = time.monotonic()
    service = client(
        chart_server(Observation=slow), deadline_ms=20_000, fhir_servers=(FhirServer(base=BASE, auth="call"),)
    )
    response = service.post(URL, json=without("labs", fhirAuthorization=authorized(expires_in=1)))
    assert 200 == response.status_code
    assert time.monotonic() - begun < 2.5
    assert "the FHIR server timed out" in response.get_json()["cards"][0]["detail"]


@pytest.mark.row(46, 107)
@pytest.mark.parametrize("scope", ["patient/*.*", "launch", "read everything", "patient/Patient.read", "a" * 30_000])
def test_no_scope_keeps_us_from_asking(scope: str):
    """What a server grants is known by asking it: 403 is its answer."""
    fhir = chart_server()
    assert 200 == reading(fhir, authorized(scope=scope)).status_code
    assert fhir.asked
    refusing = chart_server(Observation=(403, {}))
    response = reading(refusing, authorized(scope=scope))
    assert "the FHIR server answered 403" in response.get_json()["cards"][0]["detail"]


@pytest.mark.row(46, 107)
@pytest.mark.parametrize(
    ("scope", "notes"),
    [
        (NEEDED.format("read"), []), (NEEDED.format("rs"), []), (NEEDED.format("cruds"), []), (NEEDED.format("*"), []),
        ("patient/*.read", []), ("user/*.rs launch/patient openid fhirUser offline_access", []), ("system/*.*", []),
        (NEEDED.format("rs").replace("Observation.rs", "Observation.rs?category=laboratory"), []),
        ("patient/Patient.rs user/Encounter.read user/Condition.rs", ["scope-lacks-Observation"]),
        (NEEDED.format("write"), NONE),
        (NEEDED.format("r"), NONE),
        ("patient/Patient.rs patient/Observation.dr", ["scope-not-read"]), ("patient.read", ["scope-not-read"]),
    ],
)  # fmt: skip
def test_scopes_of_both_versions_are_read(scope: str, notes: list[str]):
    """``read`` is ``rs``; what a word of another form may grant is not guessed."""
    assert notes == list(authorization_notes(AUTHORIZATION | {"scope": scope}))


@given(st.text(max_size=300))
def test_any_string_is_a_scope_string(text: str):
    """Whatever it holds, something is read of it, and no note repeats it."""
    scopes = parse_scopes(text)
    assert len(text.split()) >= len(scopes.fhir) + scopes.unread
    known = ("patient-not-named", "scope-not-read", "scope")
    notes = authorization_notes(AUTHORIZATION | {"scope": text})
    assert all(note in known or note.startswith("scope-lacks-") for note in notes)


@given(
    st.none() | st.integers() | st.text(max_size=5) | st.lists(st.integers()) | st.dictionaries(st.text(), st.text())
)
def test_anything_is_an_authorization_to_note(anything: Any):
    """What is no object has no faults of its fields: the message says what it is."""
    assert bool(authorization_faults(anything)) == isinstance(anything, dict)
