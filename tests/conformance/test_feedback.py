"""Rows 77-84: what became of a card, told by the EHR."""

import json
import logging
from typing import Any

import pytest

from tests.cds_service.calls import client, request
from tests.conformance.answered import URL, Json
from tests.conformance.signing import Signer

FEEDBACK = f"{URL}/feedback"
AT = "2026-03-02T10:05:31Z"
OURS = {"code": "data-wrong", "system": "https://endwatch.example/CodeSystem/override-reason"}


def overridden(**changed: Any) -> Json:
    """An entry of feedback; None leaves a member out."""
    whole = {"card": "4e0a3a1e-3f83-4bc1-9a0b-2d3e0c6a3a01", "outcome": "overridden", "outcomeTimestamp": AT} | changed
    return {name: value for name, value in whole.items() if value is not None}


def accepted(**changed: Any) -> Json:
    """An entry that took a suggestion."""
    return overridden(**({"outcome": "accepted", "acceptedSuggestions": [{"id": "s1"}]} | changed))


def told(*entries: Json, service: Any = None) -> tuple[int, Json]:
    """Status and body of one batch."""
    response = (service or client()).post(FEEDBACK, json={"feedback": list(entries)})
    return response.status_code, response.get_json()


def field(*entries: Json) -> str | None:
    """The field that a batch is refused for."""
    status, body = told(*entries)
    assert 400 == status
    named: str = body["issue"][0]["expression"][0]
    return named


@pytest.mark.row(77)
def test_feedback_stands_at_the_service_s_url_alone():
    """Of another service, or by another method, there is none."""
    service = client()
    assert 200 == service.post(FEEDBACK, json={"feedback": [overridden()]}).status_code
    assert [404, 405] == [
        service.post("/cds-services/other/feedback", json={"feedback": [overridden()]}).status_code,
        service.get(FEEDBACK).status_code,
    ]


@pytest.mark.row(77)
def test_feedback_is_authorized_as_the_service_is(signer: Signer):
    """A token for the feedback's own URL; none, or one for the service, is refused."""
    service = client(**signer.production())
    headers = (signer.header(FEEDBACK), {}, signer.header(URL))
    assert [200, 401, 401] == [
        service.post(FEEDBACK, json={"feedback": [overridden()]}, headers=one).status_code for one in headers
    ]


@pytest.mark.row(77)
def test_feedback_may_name_the_card_and_suggestion_of_an_answer():
    """As they stand in it."""
    service = client()
    (card,) = service.post(URL, json=request()).get_json()["cards"]
    entry = accepted(card=card["uuid"], acceptedSuggestions=[{"id": card["suggestions"][0]["uuid"]}])
    assert (200, {"stored": 1}) == told(entry, service=service)


@pytest.mark.row(80)
def test_an_override_may_say_that_no_suggestion_was_taken():
    """As null or as an empty list: one entry with a member more than it needs must not cost the whole batch."""
    for nothing in (None, []):
        entry = overridden() | {"acceptedSuggestions": nothing, "overrideReason": None}
        assert (200, {"stored": 1}) == told(entry)
        assert "feedback[0].acceptedSuggestions" == field(accepted() | {"acceptedSuggestions": nothing})


@pytest.mark.row(78)
@pytest.mark.parametrize("body", [{}, {"feedback": {}}, {"feedback": None}, {"feedback": []}, [], "x"])
def test_a_body_without_a_list_of_entries_is_refused(body: Any):
    """An empty list tells nothing."""
    assert 400 == client().post(FEEDBACK, json=body).status_code


@pytest.mark.row(78)
@pytest.mark.parametrize("name", ["card", "outcome", "outcomeTimestamp"])
def test_each_entry_has_its_three_members(name: str):
    """The field and the entry's place are named."""
    assert f"feedback[1].{name}" == field(overridden(), overridden(**{name: None}))


@pytest.mark.row(79)
@pytest.mark.parametrize("outcome", ["accepted", "overridden"])
def test_both_outcomes_are_taken(outcome: str):
    """And kept."""
    assert (200, {"stored": 1}) == told(accepted() if outcome == "accepted" else overridden())


@pytest.mark.row(79)
@pytest.mark.parametrize("outcome", ["ignored", "Accepted", "", 1])
def test_another_outcome_is_refused(outcome: Any):
    """The field is named."""
    assert "feedback[0].outcome" == field(overridden(outcome=outcome))


@pytest.mark.row(80)
@pytest.mark.parametrize("suggestions", [None, []])
def test_accepted_needs_the_suggestions(suggestions: Any):
    """At least one."""
    assert "feedback[0].acceptedSuggestions" == field(accepted(acceptedSuggestions=suggestions))


@pytest.mark.row(80)
@pytest.mark.parametrize("suggestion", ["s1", {}, {"uuid": "s1"}, None])
def test_accepted_suggestions_are_objects_with_an_id(suggestion: Any):
    """Not the bare ids."""
    assert field(accepted(acceptedSuggestions=[suggestion])).startswith("feedback[0].acceptedSuggestions[0]")


@pytest.mark.row(81)
@pytest.mark.parametrize(
    "why",
    [
        None,
        {"reason": OURS},
        {"reason": OURS | {"display": "Data on the card are wrong or out of date"}, "userComment": "wrong stay"},
        {"userComment": "wrong stay"},
        {"reason": {"code": "x1", "system": "https://other.example"}},
        {"reason": {"code": "x1"}},
        {},
    ],
)
def test_an_override_is_taken_with_any_reason_or_none(why: Json | None):
    """One of ours, with its display or without; another's; a comment; both; neither."""
    assert (200, {"stored": 1}) == told(overridden(overrideReason=why))


@pytest.mark.row(82)
@pytest.mark.parametrize(
    "at",
    [
        AT,
        "2021-12-11T10:05:31.5Z",
        "2021-12-11T10:05:31.123456789Z",
        "2021-12-11T11:05:31+01:00",
        "2024-02-29T23:59:59Z",
    ],
)
def test_times_of_rfc_3339_are_taken(at: str):
    """Fractions to the nanosecond; another offset than UTC too, as clients send it."""
    assert (200, {"stored": 1}) == told(overridden(outcomeTimestamp=at))


@pytest.mark.row(82)
@pytest.mark.parametrize(
    "at",
    ["", "2021-12-11", "2021-12-11 10:05:31", "2021-12-11T10:05:31", "2021-12-11T10:05Z", "1639217131", 1639217131,
     "2021-13-11T10:05:31Z", "2021-02-30T10:05:31Z", "2021-12-11T25:05:31Z", "2021-12-11T10:05:31+99:00"],
)  # fmt: skip
def test_what_is_no_time_of_rfc_3339_is_refused(at: Any):
    """No date alone, no time without a zone, no day or hour that does not exist."""
    assert "feedback[0].outcomeTimestamp" == field(overridden(outcomeTimestamp=at))


@pytest.mark.row(83)
def test_a_batch_may_tell_of_several_cards_and_a_repeat_changes_nothing():
    """Across the batch and across requests; another outcome of the same card is new."""
    service = client()
    one, other, later = (
        overridden(card="c1"),
        accepted(card="c2"),
        accepted(card="c1", outcomeTimestamp="2026-03-02T11:00:00Z"),
    )
    assert (200, {"stored": 2}) == told(one, other, one, service=service)
    assert (200, {"stored": 0}) == told(one, service=service)
    assert (200, {"stored": 1}) == told(other, later, service=service)


@pytest.mark.row(83)
def test_a_batch_with_a_fault_is_refused_as_a_whole():
    """Nothing of it is kept, so that it can be sent again."""
    service = client()
    assert 400 == told(overridden(card="c1"), overridden(outcome="x"), service=service)[0]
    assert (200, {"stored": 1}) == told(overridden(card="c1"), service=service)


@pytest.mark.row(84)
def test_a_comment_is_bounded_and_stays_out_of_log_and_answer(caplog: pytest.LogCaptureFixture):
    """It may name the patient, also where it is refused."""
    comment = "Mrs. Marker was seen"
    with caplog.at_level(logging.DEBUG):
        taken = told(overridden(overrideReason={"userComment": comment}))
        status, body = told(overridden(overrideReason={"userComment": comment * 1000}))
    assert ((200, {"stored": 1}), 400) == (taken, status)
    assert "Marker" not in caplog.text + json.dumps(body)
