"""One deadline for a whole call: what could not be read in time is left out, and said."""

import base64
import json
import threading
import time
from collections.abc import Callable
from math import inf
from typing import Any

import pytest
import requests

from cds_service.app import create_app
from cds_service.fhir_client.ask import ask
from cds_service.fhir_client.client import FhirClient
from cds_service.hooks.identity import RecentAnswers
from cds_service.hooks.messages import parse_request
from cds_service.outbound.connection import POOL
from cds_service.outbound.session import LARGEST_ANSWER
from cds_service.record.keeping import audit_of, store_of
from cds_service.service import Service
from cds_service.settings import FhirServer, Issuer, Settings
from cds_service.starting import start_faults
from fhir_mappings.queries import Search
from tests import builders as b
from tests.cds_service.calls import cards, client, prefetch, request
from tests.cds_service.test_collect import asked, server
from tests.fakes import BASE, Answer, FakeFhir, FakePredictor, session_with

URL = "/cds-services/end-risk"
MS = {"deadline_ms": 1500, "reserve_ms": 500}
"""A second for fetching."""


def lacking(*keys: str) -> dict[str, Any]:
    """A call whose prefetch lacks these keys."""
    sent = {key: value for key, value in prefetch().items() if key not in keys}
    return request(fhirServer=BASE, prefetch=sent)


def slow(seconds: float, answer: Answer) -> Callable[[requests.PreparedRequest], Answer]:
    """The same answer, late, as a server that observes no deadline gives it."""

    def late(_: requests.PreparedRequest) -> Answer:
        time.sleep(seconds)
        return answer

    return late


def test_a_required_read_that_is_late_is_412_in_time():
    """Naming it, and that it timed out."""
    service = client(FakeFhir({"Condition": slow(3, (200, b.searchset()))}), **MS)
    begun = time.monotonic()
    response = service.post(URL, json=lacking("conditions"))
    assert (412, True) == (response.status_code, time.monotonic() - begun < 2.5)
    assert "conditions" in response.get_json()["issue"][0]["diagnostics"]
    assert "timed out" in response.get_json()["issue"][0]["diagnostics"]


def test_an_optional_read_that_is_late_is_said():
    """The card comes without it."""
    (card,) = cards(lacking("labs"), fhir=FakeFhir({"Observation": slow(3, (200, b.searchset()))}), **MS)
    assert "Labs unknown: the FHIR server timed out" in card["detail"]


def test_pages_that_came_in_time_are_used_where_the_next_is_late():
    """A part is better than nothing, and said to be one."""
    first = b.searchset(b.observation("2345-7", 231, "mg/dL", 1, "glucose"), next_url=f"{BASE}/Observation/later?x=1")
    fhir = FakeFhir({"Observation": (200, first), "Observation/later": (503, {})})
    (card,) = cards(lacking("labs"), fhir=fhir, **MS)
    assert "Labs may be incomplete: not all pages were read" in card["detail"]
    assert "Labs unknown" not in card["detail"]


def attached(number: int) -> list[b.Resource]:
    """A report of this hour whose text stands in a Binary, and that."""
    report = {key: value for key, value in b.report("", hours=number, id_=f"r{number}").items() if key != "conclusion"}
    data = base64.b64encode(b"No hemorrhage.").decode()
    binary = {"resourceType": "Binary", "id": f"b{number}", "contentType": "text/plain", "data": data}
    return [report | {"presentedForm": [{"contentType": "text/plain", "url": f"Binary/b{number}"}]}, binary]


def test_attachments_are_read_newest_first_and_those_that_came_too_late_are_named():
    """Whatever the order in which the server lists their reports: a pool takes the newest first."""
    pairs = [attached(number) for number in range(20)][::-7] + [attached(number) for number in range(20)]
    binaries = {f"Binary/{raw['id']}": slow(0.1, (200, raw)) for _, raw in pairs}
    late = {"Binary/b0": slow(3, (200, {}))}
    fhir = FakeFhir({"DiagnosticReport": (200, b.searchset(*(report for report, _ in pairs)))} | binaries | late)
    (card,) = cards(lacking("reports"), fhir=fhir, deadline_ms=2500, reserve_ms=500)
    asked = [(one.url or "").rpartition("/")[2] for one in fhir.asked if "Binary" in (one.url or "")]
    assert {f"b{number}" for number in range(20 - POOL, 20)} == set(asked[:POOL])
    assert "Binary/b0, an attachment, was not read (the FHIR server timed out)" in card["detail"]


def test_eight_requests_are_in_flight_at_once():
    """Over a link of 40 ms eight reads take two of its round trips, and not eight."""
    working, most, lock = 0, 0, threading.Lock()

    def counted(_: requests.PreparedRequest) -> Answer:
        nonlocal working, most
        with lock:
            working += 1
            most = max(most, working)
        time.sleep(0.1)
        with lock:
            working -= 1
        return 200, b.searchset()

    searches = [Search("Observation", (("code", str(number)),)) for number in range(24)]
    one = FhirClient(BASE, session_with(FakeFhir({"Observation": counted})), time.monotonic() + 5)
    assert [True] * 24 == [answer.resources is not None for answer in ask(one, b.PATIENT_ID, searches)]
    assert 8 == most


def test_a_bundle_of_tens_of_thousands_of_results_does_not_outlast_the_deadline():
    """29 MB of laboratory values: to read them takes seconds, so that they are left out and said."""
    rows = [b.observation("2345-7", 130, "mg/dL", 1, f"o{n}", category="laboratory") for n in range(64_000)]
    large = json.dumps(b.searchset(*rows)).encode()
    assert 28_000_000 < len(large) < LARGEST_ANSWER

    def labs(asked: requests.PreparedRequest) -> Answer:
        return 200, large if "2345-7" in str(asked.url) else b.searchset(b.nihss(9, 1))

    service = client(FakeFhir(server(Observation=labs)))
    begun, worked = time.monotonic(), time.process_time()
    answer = service.post(URL, json=asked())
    assert (True, True) == (1.0 > time.process_time() - worked, 3.5 > time.monotonic() - begun)
    (card,) = answer.get_json()["cards"]
    assert "Labs unknown: the FHIR server gave no answer (answer too large for the time left)" in card["detail"]


def opened(issuers: tuple[Issuer, ...], issuer: str | None) -> float:
    """Seconds that a call of this EHR has for fetching."""
    settings = Settings(mode="test", fhir_servers=(FhirServer(base=BASE, auth="none"),), issuers=issuers)
    session = session_with(FakeFhir({}))
    service = Service(
        settings, FakePredictor(), session, lambda: b.at(6), store_of(settings), audit_of(settings), RecentAnswers()
    )
    case = service.open(parse_request(request(fhirServer=BASE)), issuer, time.monotonic())
    assert case.client is not None
    return case.client.until - time.monotonic()


@pytest.mark.parametrize(
    ("issuer", "seconds"), [("https://slow.example", 9.4), ("https://ehr.example", 1.9), (None, 1.9)]
)
def test_an_ehr_that_waits_longer_gets_its_own_deadline(issuer: str | None, seconds: float):
    """Less the reserve; all others have the setting's."""
    issuers = (Issuer(iss="https://slow.example", deadline_ms=10_000), Issuer(iss="https://ehr.example"))
    assert seconds == pytest.approx(opened(issuers, issuer), abs=0.3)


@pytest.mark.parametrize(
    ("given", "faulty"),
    [
        ({}, False), ({"deadline_ms": 600}, True), ({"reserve_ms": 2500}, True),
        ({"issuers": (Issuer(iss="x", deadline_ms=600),)}, True),
        ({"issuers": (Issuer(iss="x", deadline_ms=700), Issuer(iss="y"))}, False),
    ],
)  # fmt: skip
def test_a_reserve_that_leaves_no_time_for_fetching_is_a_fault_at_the_start(given: dict[str, Any], faulty: bool):
    """Else every call without a whole prefetch would be 412."""
    faults = start_faults(Settings(mode="test", fhir_servers=(FhirServer(base=BASE),), **given), "simulated")
    assert faulty == any("ENDWATCH_RESERVE_MS" in fault for fault in faults)


def test_the_model_reads_text_until_just_before_the_deadline():
    """A call of the present has a moment from which no more is read."""
    model, begun = FakePredictor(), time.monotonic()
    assert 200 == client(predictor=model, deadline_ms=5000).post(URL, json=request(prefetch=prefetch())).status_code
    assert 4.5 < model.until - begun < 5.5


def test_a_past_moment_is_read_whole():
    """What is replayed has nobody who waits."""
    service = create_app(Settings(mode="demo"), predictor=(model := FakePredictor()), clock=lambda: b.at(6), live=False)
    assert 200 == service.test_client().post(URL, json=request(prefetch=prefetch())).status_code
    assert inf == model.until
