"""The wire messages: what is accepted, what is refused, and that a refusal names only the field."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.errors import BadRequest
from cds_service.hooks.identity import RecentAnswers, call_key, uuid_for
from cds_service.hooks.messages import parse_feedback, parse_request
from tests.cds_service.calls import request

ENTRY = {"card": "c1", "outcome": "overridden", "outcomeTimestamp": "2026-03-02T10:05:31Z"}


def fault(body: dict[str, Any]) -> str | None:
    """The field that a refused request is refused for."""
    with pytest.raises(BadRequest) as caught:
        parse_request(body)
    return caught.value.field


def authorized(**more: Any) -> dict[str, Any]:
    """A request with a FHIR server and a token."""
    return request(fhirServer="https://ehr.example/fhir", fhirAuthorization={"access_token": "secret-1"} | more)


@pytest.mark.parametrize(
    ("context", "field"),
    [
        ({"patientId": "p1"}, "context.userId"),
        ({"userId": "Device/1", "patientId": "p1"}, "context.userId"),
        ({"userId": "Practitioner/1"}, "context.patientId"),
        ({"userId": "Practitioner/1", "patientId": 7}, "context.patientId"),
        ({"userId": "Practitioner/1", "patientId": ".."}, "context.patientId"),
        ({"userId": "Practitioner/1", "patientId": "."}, "context.patientId"),
        ({"userId": "Practitioner/1", "patientId": "p1\n"}, "context.patientId"),
        ({"userId": "Practitioner/1", "patientId": "p1", "encounterId": "a b"}, "context.encounterId"),
    ],
)
def test_a_fault_in_the_context_names_its_field(context: dict[str, Any], field: str):
    """Ids go into URLs: a dot would climb, a blank or a line break would do worse."""
    assert field == fault(request(context=context))


def test_an_id_with_an_underscore_is_tolerated():
    """No legal FHIR id, but servers give them."""
    assert "p_1" == parse_request(request(context={"userId": "Patient/1", "patientId": "p_1"})).context.patient_id


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX-Evil: 1", "tökén", 5, None])
def test_a_token_that_no_header_can_carry_is_refused(token: Any):
    """It would split a header or fail far from its cause."""
    assert "fhirAuthorization.access_token" == fault(authorized(access_token=token))


def test_a_long_token_is_accepted():
    """Tokens that carry claims reach many thousand characters."""
    assert 9000 == len(parse_request(authorized(access_token="x" * 9000)).fhir_authorization.access_token)  # type: ignore[union-attr]


def test_neither_token_nor_chart_is_in_the_text_of_a_request():
    """They must not reach a log by way of a traceback."""
    shown = repr(parse_request(authorized()))
    assert "secret-1" not in shown
    assert "birthDate" not in shown


@given(st.text(max_size=40))
def test_a_refusal_never_repeats_the_value(text: str):
    """What was sent could be a patient's name."""
    value = f"Marker{text}"
    with pytest.raises(BadRequest) as caught:
        parse_request(request(hookInstance=value))
    assert "Marker" not in caught.value.message


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"outcome": "ignored"}, "feedback[0].outcome"),
        ({"outcome": "accepted"}, "feedback[0].acceptedSuggestions"),
        ({"outcome": "accepted", "acceptedSuggestions": ["s1"]}, "feedback[0].acceptedSuggestions[0]"),
        ({"outcomeTimestamp": "yesterday"}, "feedback[0].outcomeTimestamp"),
        ({"card": ""}, "feedback[0].card"),
        ({"card": "x" * 65}, "feedback[0].card"),
        ({"overrideReason": {"userComment": "x" * 4001}}, "feedback[0].overrideReason.userComment"),
        ({"overrideReason": {"userComment": "\ud800"}}, "feedback[0].overrideReason.userComment"),
    ],
)
def test_a_fault_in_feedback_names_its_place(changed: dict[str, Any], field: str):
    """CDS Hooks 2.0.1, Feedback; a comment is bounded, as it is free text."""
    with pytest.raises(BadRequest) as caught:
        parse_feedback({"feedback": [ENTRY | changed]})
    assert field == caught.value.field


def test_uuids_depend_on_call_and_name_alone():
    """Every worker gives the same card the same uuid."""
    instance = parse_request(request()).hook_instance
    key = call_key(instance, b"body")
    assert key == call_key(instance, b"body")
    assert 3 == len({uuid_for(key, "card"), uuid_for(key, "other"), uuid_for(call_key(instance, b"body 2"), "card")})
    assert "ef75fe2d" not in key


def test_recent_answers_are_bounded_in_time_and_number():
    """Answers hold patients' data: they are let go after ten minutes, or when there are too many."""
    moments = [0.0]
    recent = RecentAnswers(clock=lambda: moments[0])
    recent.put("a", 1)
    moments[0] = 599
    assert 1 == recent.get("a")
    moments[0] = 600
    assert recent.get("a") is None
    for number in range(1500):
        recent.put(str(number), number)
    assert (None, None, 1499) == (recent.get("a"), recent.get("0"), recent.get("1499"))
