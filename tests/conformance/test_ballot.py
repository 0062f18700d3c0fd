"""Rows 103-119 as far as they stand in no other file: what the 3.0.0 ballot adds or changes."""

import json
import re
from pathlib import Path

import pytest
from fhir.resources.R4B import get_fhir_model_class
from fhir.resources.R4B.operationoutcome import OperationOutcome

from tests.cds_service.calls import client, request
from tests.conformance.answered import URL, Answered
from tests.conformance.response_checks import actions_of
from tests.conformance.signing import Signer

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.row(103)
def test_fhir_in_our_answers_is_plain_fhir_json(answers: tuple[Answered, ...]):
    """Each resource is valid, and written again it is the same: no comment, no member that FHIR does not know."""
    resources = [action["resource"] for answer in answers for action in actions_of(answer.body)]
    assert resources
    for resource in resources:
        element = get_fhir_model_class(resource["resourceType"]).model_validate(json.loads(json.dumps(resource)))
        assert _moments(resource) == _moments(json.loads(element.model_dump_json(exclude_none=True)))


def _moments(node: object) -> str:
    """JSON with one spelling of a moment, sorted."""
    return re.sub(r"(\+00:00|\.0+Z)\"", 'Z"', json.dumps(node, sort_keys=True))


@pytest.mark.row(103)
@pytest.mark.parametrize("spoil", ["/* note */ ", "// note\n"])
def test_comments_in_a_request_are_refused(spoil: str):
    """What is no JSON for everybody is none for us."""
    assert (
        400 == client().post(URL, data=f"{spoil}{json.dumps(request())}", content_type="application/json").status_code
    )


@pytest.mark.row(105)
def test_every_error_carries_an_operation_outcome_but_the_bare_401(signer: Signer):
    """Valid FHIR, with a text for people; a 401 has no body, so that it tells nothing."""
    service = client()
    errors = [
        service.post(URL, json={}), service.post("/cds-services/other", json=request()), service.get("/nowhere"),
        service.delete(URL), service.post(URL, json=request(prefetch={})), service.post(URL, data="x"),
        service.post(f"{URL}/feedback", json={}), client(body_limit_mb=1).post(URL, json=["x" * 1_100_000]),
    ]  # fmt: skip
    assert [400, 404, 404, 405, 412, 415, 400, 413] == [error.status_code for error in errors]
    for error in errors:
        outcome = OperationOutcome.model_validate(error.get_json())
        assert outcome.issue[0].diagnostics
    bare = client(**signer.production()).post(URL, json=request())
    assert (401, b"") == (bare.status_code, bare.data)


@pytest.mark.row(117)
def test_what_the_service_is_for_is_published():
    """User, population, moment and output, and what it is not for."""
    text = (DOCS / "INTENDED_USE.md").read_text("utf-8")
    for said in ("| User |", "| Population |", "| Moment |", "| Output |", "## Decisions not supported"):
        assert said in text
