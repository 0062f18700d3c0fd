"""The fuzzing trial finds what it is made for, and a little of it runs here."""

import json
from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import Any

import pytest
from pypdf.errors import PyPdfError
from werkzeug.test import Client

from benchmarks.fuzz.bodies import seeds
from benchmarks.fuzz.calls import fuzzed_calls
from benchmarks.fuzz.decoders import fuzzed_decoders, is_ours, why
from benchmarks.fuzz.held import held
from benchmarks.fuzz.signed import header, production
from benchmarks.fuzz.watched import Watched, faults
from fhir_mappings.inputs import ModelInputs
from fhir_mappings.text.decode import text_of
from fhir_mappings.text.worker import PDF, document_text
from models.prediction import NotComputed, Prediction
from tests.cds_service.calls import client
from tests.fakes import FakePredictor
from tools.openapi import document

CARD = {"summary": "END risk", "indicator": "info", "source": {"label": "endwatch"}, "detail": "why"}
OUTCOME = b'{"resourceType": "OperationOutcome"}'


class _Broken(FakePredictor):
    def predict(self, inputs: ModelInputs, until: float = inf) -> Prediction | NotComputed:  # noqa: ARG002 - as all models take it
        raise ZeroDivisionError("glucose 999")


def answered(*cards: dict[str, Any]) -> bytes:
    """The body of an answer."""
    return json.dumps({"cards": cards}).encode()


@pytest.mark.parametrize(
    ("status", "kind", "body", "found"),
    [
        ("200", "risk", answered(CARD), []),
        ("200", "outside", answered(), []),
        ("200", "feedback", b'{"stored": 1}', []),
        ("200", "", b'{"status": "alive"}', []),
        ("200", "risk", answered(), ["no card"]),
        ("200", "repeated", b"", ["no card"]),
        ("200", "", answered(), ["no card"]),
        ("200", "risk", answered(CARD, CARD | {"summary": "x" * 140}), ["summary_is_short"]),
        ("200", "risk", answered(CARD | {"detail": "<b>x</b>"}), ["detail_has_no_html"]),
        ("412", "refused", OUTCOME, []),
        ("503", "failed", OUTCOME, []),
        ("500", "failed", OUTCOME, ["status"]),
        ("502", "failed", OUTCOME, ["status"]),
        ("400", "refused", b"<html>", ["no OperationOutcome"]),
        ("400", "refused", OUTCOME + b" Traceback (most recent call last)", ["traceback", "no OperationOutcome"]),
    ],
)
def test_what_is_wrong_with_an_answer_is_named(status: str, kind: str, body: bytes, found: list[str]):
    """A 5xx but 503, a traceback, no card for anybody but those outside, a card that breaks CDS Hooks."""
    assert found == faults(status, kind, body)


def test_a_failure_is_counted_by_its_shape():
    """The status and what was sent, without a value of the exception; the audit's kind is read."""
    path, body = seeds()["demo-flagged"]
    with Watched(predictor=_Broken(), shape="demo-flagged: nothing") as service:
        assert 500 == Client(service).post(path, data=body, content_type="application/json").status_code
    assert {"500 status: demo-flagged: nothing": 1} == service.seen.told()["faults"]
    assert {"failed": 1} == service.seen.kinds


def test_what_the_service_lets_through_is_counted():
    """A call that not even the service's own handler of errors sees; the trial goes on."""
    with Watched(shape="no environment") as service:
        assert b"KeyError" == b"".join(service({}, lambda *_: lambda _: None))
    assert {"500 status: no environment", "500 no OperationOutcome: no environment"} == set(service.seen.faults)


def test_changed_requests_end_in_cards_or_in_a_told_error():
    """The trial in small, the same for the same seed; some get through to the cards, some are refused."""
    seen = fuzzed_calls(40, seeded=7)
    assert {} == seen.faults
    assert 40 == seen.requests
    assert {"200", "400"} <= set(seen.statuses)
    assert seen.statuses == fuzzed_calls(40, seeded=7).statuses


def test_a_signed_call_is_one_of_production(tmp_path: Path):
    """Without a token, or with an odd one, it is refused; a right one that is refused counts as a fault."""
    path, body = seeds()["demo-flagged"]
    with Watched(settings=production(tmp_path), shape="signed") as service:
        for token in ({}, header(path, {"kid": "other"}), header(path, {"exp": 1e400}), header(path, {})):
            Client(service).post(path, data=body, content_type="application/json", headers=token)
    assert {"401": 3, "200": 1} == service.seen.statuses
    assert {"401 status: signed": 3} == service.seen.faults


def test_the_fhir_server_under_trial_answers_as_the_prefetch_would():
    """The same patient, sent or fetched, comes to the same conclusion."""
    path, body = seeds()["demo-occlusion"]
    request = json.loads(body)
    with Watched() as service:
        http = Client(service)
        http.post(path, json=request)
        service.fhir.answers = held(request.pop("prefetch"))
        http.post(path, json=request)
    assert {"occlusion": 2} == service.seen.kinds


def test_the_openapi_document_has_every_route():
    """Of the service itself: what demo and test mode add is no part of it."""
    routes = {rule.rule.replace("<service_id>", "end-risk") for rule in client().application.url_map.iter_rules()}
    described = set(document()["paths"])
    assert described <= routes
    assert {route for route in routes if route.startswith("/cds-services")} <= described


def references(node: Any) -> Iterator[str]:
    """Every ``$ref`` below."""
    if isinstance(node, dict):
        yield from [node["$ref"]] if "$ref" in node else []
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from references(inner)


def test_the_openapi_document_refers_to_what_it_holds():
    """Each reference has its schema, and each schema is referred to."""
    whole = document()
    schemas = {f"#/components/schemas/{name}" for name in whole["components"]["schemas"]}
    assert schemas == set(references(whole))


def test_the_service_answers_as_its_openapi_document_says():
    """Schemathesis in small, with requests that fit the document and some that do not."""
    documented = pytest.importorskip("benchmarks.fuzz.documented")
    assert {} == documented.documented_calls(16, seeded=7).faults


def test_an_answer_that_the_openapi_document_does_not_know_is_found():
    """Without its 400 the document is wrong, and schemathesis says so."""
    documented = pytest.importorskip("benchmarks.fuzz.documented")
    wrong = document()
    del wrong["paths"]["/cds-services/end-risk"]["post"]["responses"]["400"]
    found = documented.documented_calls(16, seeded=7, described=wrong).faults
    assert found
    assert all("POST /cds-services/end-risk " in fault for fault in found)


@pytest.mark.slow
def test_decoders_of_reports_bear_any_bytes():
    """Atheris in small: every content type is run to the end, and reaches into the decoders."""
    pytest.importorskip("atheris")
    for kind, found in fuzzed_decoders(150, seeded=7).items():
        assert (150, None) == (found["runs"], found["failed"]), kind
        assert found["branches"] > 30, kind


def test_what_stopped_a_decoder_is_told_without_its_words():
    """The kind of the exception and our last line; libFuzzer's own reason else."""
    log = """ === Uncaught Python exception: ===
ValueError: glucose 999
Traceback (most recent call last):
  File "/x/fhir_mappings/text/decode.py", line 7, in text_of
  File "/x/fhir_mappings/text/page.py", line 12, in tag
==1== ERROR: libFuzzer: fuzz target exited"""
    assert "ValueError page.py:12" == why(log)
    assert "timeout after 11 seconds" == why("==1== ERROR: libFuzzer: timeout after 11 seconds")
    assert "ended early" == why("Killed")


def test_only_our_own_line_is_held_against_us():
    """A parser may raise anything: the service's worker calls it a damaged file."""
    with pytest.raises(PyPdfError) as theirs:
        document_text(PDF, b"", pages=1, characters=1)
    with pytest.raises(TypeError) as ours:
        text_of(PDF, None)  # type: ignore[arg-type]
    assert (False, True) == (is_ours(theirs.value), is_ours(ours.value))
