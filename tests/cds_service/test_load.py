"""Writing the demo patients to a FHIR server."""

import json
import time
from datetime import timedelta
from typing import Any

import pytest
import requests

from cds_service.demo.load import load
from cds_service.demo.patients import as_of, demo_patients
from cds_service.outbound.session import OutboundError
from cds_service.settings import FhirServer, Settings
from tests import builders as b
from tests.fakes import BASE, FakeFhir, session_with

INNER = "http://inner:8080/fhir"
SETTINGS = Settings(mode="test", fhir_servers=(FhirServer(base=BASE, auth="none", also_known_as=(INNER,)),))
OK = (200, {"resourceType": "Bundle", "type": "transaction-response"})


def sent(fhir: FakeFhir) -> list[dict[str, Any]]:
    """The transactions that a server was asked for."""
    return [json.loads(request.body or b"") for request in fhir.asked]


def ids(bundles: list[dict[str, Any]]) -> list[str]:
    """What they write."""
    return [entry["request"]["method"] + " " + entry["request"]["url"] for one in bundles for entry in one["entry"]]


def test_loading_again_writes_the_same_ids_moved_to_the_new_now():
    """PUT with ids of our own, one transaction a patient: nobody is there twice."""
    fhir, again = FakeFhir({"": OK}), FakeFhir({"": OK})
    list(load(BASE, SETTINGS, session_with(fhir), b.at(0)))
    list(load(BASE, SETTINGS, session_with(again), b.at(48)))
    assert {"transaction"} == {one["type"] for one in sent(fhir)}
    assert ids(sent(fhir)) == ids(sent(again))
    assert len(ids(sent(fhir))) == len(set(ids(sent(fhir))))
    assert {timedelta(hours=48)} == {
        as_of(later) - as_of(first) for first, later in zip(sent(fhir), sent(again), strict=True)
    }


def test_a_server_is_written_to_under_the_base_of_our_own_list():
    """An alias names the entry; what is called is the entry's base."""
    fhir = FakeFhir({"": OK})
    next(load(INNER, SETTINGS, session_with(fhir), b.at(0)))
    assert BASE == (fhir.asked[0].url or "").rstrip("/")


def test_a_server_that_refuses_stops_the_loading():
    """No patient is told as written, and its answer is not repeated."""
    fhir = FakeFhir({"": (422, {"resourceType": "OperationOutcome", "text": "secret"})})
    with pytest.raises(OutboundError, match=r"^answered 422$"):
        next(load(BASE, SETTINGS, session_with(fhir), b.at(0)))
    assert 1 == len(fhir.asked) < len(demo_patients())


def test_a_server_that_is_still_starting_is_waited_for():
    """It is asked what it can until it tells; nothing is written before."""
    answers = iter([requests.ConnectionError(), (503, {}), (503, {}), (200, {"resourceType": "CapabilityStatement"})])

    def metadata(_: Any) -> Any:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    fhir = FakeFhir({"": OK, "metadata": metadata})
    next(load(BASE, SETTINGS, session_with(fhir), b.at(0), wait_s=30))
    assert ["", "metadata", "metadata", "metadata", "metadata"] == fhir.paths


def test_a_server_that_does_not_start_is_waited_for_in_vain_and_told():
    """By the time that was given; nothing is written."""
    fhir = FakeFhir({"": OK, "metadata": (503, {})})
    begun = time.monotonic()
    with pytest.raises(OutboundError, match=r"^answered 503"):
        next(load(BASE, SETTINGS, session_with(fhir), b.at(0), wait_s=1.5))
    assert time.monotonic() - begun < 5
    assert {"metadata"} == set(fhir.paths)
