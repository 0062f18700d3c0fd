"""Writing the demo patients to a FHIR server."""

import json
from datetime import timedelta
from typing import Any

import pytest

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
