"""One patient's view of one FHIR server: pages, sorting, other types, other patients."""

import time
from dataclasses import replace
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from cds_service.fhir_client.bundles import next_link, outcome_failed
from cds_service.fhir_client.client import FhirClient
from cds_service.fhir_client.paging import MOST_ENTRIES, MOST_PAGES, WrongPatientError
from cds_service.fhir_client.profiles import profiles
from cds_service.outbound.session import OutboundError
from fhir_mappings.queries import Search
from tests import builders as b
from tests.fakes import BASE, FakeFhir, session_with

ALL = Search("Observation", (("patient", b.PATIENT_ID), ("_sort", "-date"), ("_count", "200")))


def client(fhir: FakeFhir, token: str | None = None) -> FhirClient:
    """A client of this server with five seconds left."""
    return FhirClient(BASE, session_with(fhir), time.monotonic() + 5, token)


def paged(next_url: str) -> FakeFhir:
    """A first page whose ``next`` is this URL, and a last page under every path it may come to."""
    last = (200, b.searchset(b.nihss(2, 2)))

    def first(request: requests.PreparedRequest) -> tuple[int, Any]:
        is_first = "patient=" in (request.url or "")
        return (200, b.searchset(b.nihss(1, 1), next_url=next_url)) if is_first else last

    return FakeFhir({"Observation": first, "": last, "page": last})


@pytest.mark.parametrize(
    ("next_url", "asked"),
    [
        (f"{BASE}?_getpages=1", f"{BASE}?_getpages=1"),
        ("http://inner:8080/fhir?_getpages=1", f"{BASE}?_getpages=1"),
        ("http://inner:8080/r4?_getpages=1", f"{BASE}?_getpages=1"),
        ("http://inner:8080/r4/Observation?page=2", f"{BASE}/Observation?page=2"),
        ("?page=2", f"{BASE}/Observation?page=2"),
        (f"{BASE}/page?2", f"{BASE}/page?2"),
    ],
)
def test_a_next_link_is_asked_on_our_own_base(next_url: str, asked: str):
    """Behind a proxy it names an inner host or path; the token stays with the configured base."""
    fhir = paged(next_url)
    found = client(fhir).search(ALL, b.PATIENT_ID)
    assert (2, True) == (len(found.resources), found.complete)
    assert asked == fhir.asked[1].url


@pytest.mark.parametrize(
    "next_url",
    [
        "https://attacker.example/x?y=1",
        "https://attacker.example?y=1",
        "https://ehr.example.attacker.example/x?y=1",
        "//attacker.example/x?y=1",
        "mailto:@attacker.example?y=1",
        "javascript:alert(1)",
        "/admin?x=1",
        f"{BASE}/Observation/../../admin?x=1",
        f"{BASE}/Observation;x=%2e%2e?x=1",
        f"{BASE}\\..\\admin?x=1",
        f"{BASE}/../admin?x=1",
        f"{BASE}/%2e%2e/admin",
        "https://ehr.example/fhirx/a",
        "http://[",
    ],
)
def test_a_next_link_elsewhere_is_not_asked_and_the_answer_incomplete(next_url: str):
    """What cannot be told to be this server's next page is left unread, and said."""
    fhir = paged(next_url)
    found = client(fhir).search(ALL, b.PATIENT_ID)
    assert (1, False, 1) == (len(found.resources), found.complete, len(fhir.asked))


def test_a_page_that_fails_leaves_the_answer_incomplete():
    """The first page is kept."""
    fhir = FakeFhir({"Observation": (200, b.searchset(b.nihss(1, 1), next_url=f"{BASE}/gone?x=1"))})
    found = client(fhir).search(ALL, b.PATIENT_ID)
    assert (1, False) == (len(found.resources), found.complete)


def test_pages_without_end_are_given_up():
    """A server that always has one more page does not hold us."""
    count = iter(range(1000))

    def page(_: requests.PreparedRequest) -> tuple[int, Any]:
        number = next(count)
        return 200, b.searchset(b.nihss(1, number), next_url=f"{BASE}/Observation?page={number}")

    fhir = FakeFhir({"Observation": page})
    found = client(fhir).search(ALL, b.PATIENT_ID)
    assert (MOST_PAGES, MOST_PAGES, False) == (len(fhir.asked), len(found.resources), found.complete)


def many(count: int) -> list[b.Resource]:
    """So many scores, each of its own."""
    return [b.nihss(1, 1, id_=f"n{number}") for number in range(count)]


@pytest.mark.parametrize(("count", "pages"), [(MOST_ENTRIES + 1, 1), (MOST_ENTRIES // 2 + 1, 2)])
def test_entries_without_end_are_given_up(count: int, pages: int):
    """In one page or in several: what is kept is bounded, and said to be a part."""
    held = iter([many(2 * count)[:count], many(2 * count)[count:]])

    def page(_: requests.PreparedRequest) -> tuple[int, Any]:
        return 200, b.searchset(*next(held), next_url=f"{BASE}/Observation?x=1")

    fhir = FakeFhir({"Observation": page})
    found = client(fhir).search(ALL, b.PATIENT_ID)
    assert (pages, MOST_ENTRIES, False) == (len(fhir.asked), len(found.resources), found.complete)


def test_as_many_entries_as_may_be_are_a_whole_answer():
    """The bound itself is inside."""
    fhir = FakeFhir({"Observation": (200, b.searchset(*many(MOST_ENTRIES)))})
    found = client(fhir).search(ALL, b.PATIENT_ID)
    assert (MOST_ENTRIES, True) == (len(found.resources), found.complete)


def test_another_patient_beyond_the_bound_rejects_the_answer_too():
    """What is not kept is looked at all the same."""
    other = b.nihss(1, 1) | {"subject": {"reference": "Patient/p2"}}
    fhir = FakeFhir({"Observation": (200, b.searchset(*many(MOST_ENTRIES + 1), other))})
    with pytest.raises(WrongPatientError):
        client(fhir).search(ALL, b.PATIENT_ID)


@pytest.mark.parametrize("patient_id", ["", " "])
def test_nobody_in_particular_is_never_asked_for(patient_id: str):
    """HAPI answers ``patient=`` with every patient's data."""
    fhir = FakeFhir({"Observation": (200, b.searchset(b.nihss(1, 1)))})
    for search in (ALL, Search("Patient/p1")):
        with pytest.raises(OutboundError, match="no patient"):
            client(fhir).find(search, patient_id)
    assert [] == fhir.asked


def test_a_server_that_does_not_sort_is_asked_without():
    """400 to ``_sort``: once more without it, as selection is ours anyway, and with the same pages."""

    def unsorted(request: requests.PreparedRequest) -> tuple[int, Any]:
        return (400, {}) if "_sort" in (request.url or "") else (200, b.searchset(b.nihss(1, 1)))

    fhir = FakeFhir({"Observation": unsorted})
    assert 1 == len(client(fhir).search(ALL, b.PATIENT_ID).resources)
    assert [["200"], ["200"]] == [one["_count"] for one in fhir.params("Observation")]


def test_a_refused_search_is_not_repeated_without_cause():
    """Refused without ``_sort`` and ``_count`` too, it stays refused; what had neither is asked once."""
    fhir = FakeFhir({"Condition": (400, {})})
    search = Search("Condition", (("patient", "p1"),))
    for profile, asked in (("generic", 2), ("oracle", 1)):
        fhir.asked.clear()
        with pytest.raises(OutboundError, match="400"):
            replace(client(fhir), profile=profiles()[profile]).search(search, b.PATIENT_ID)
        assert asked == len(fhir.asked)


def test_entries_of_another_type_are_dropped_and_counted():
    """A server that does not read its parameters answers with anything."""
    found = client(FakeFhir({"Observation": (200, b.searchset(b.nihss(1, 1), b.condition()))})).search(
        ALL, b.PATIENT_ID
    )
    assert (["Observation"], 1) == ([raw["resourceType"] for raw in found.resources], found.dropped)


@pytest.mark.parametrize("severity", ["error", "fatal", None])
def test_an_error_among_the_entries_is_a_failure(severity: str | None):
    """CDS Hooks 2.0.1 asks to look inside Bundles; FHIR servers do the same in searchsets."""
    issue = {"code": "timeout"} | ({"severity": severity} if severity else {})
    outcome = {"resourceType": "OperationOutcome", "issue": [issue] if severity else []}
    with pytest.raises(OutboundError, match="error"):
        client(FakeFhir({"Observation": (200, b.searchset(b.nihss(1, 1), outcome))})).search(ALL, b.PATIENT_ID)


def test_a_warning_among_the_entries_is_no_failure():
    """Servers add hints to good answers."""
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "informational"}]}
    found = client(FakeFhir({"Observation": (200, b.searchset(b.nihss(1, 1), outcome))})).search(ALL, b.PATIENT_ID)
    assert (1, 0) == (len(found.resources), found.dropped)


@pytest.mark.parametrize("reference", ["Patient/xp1", "Patient/p1x", "Group/p1", "OtherPatient/p1", "p1", "urn:uuid:1"])
def test_whoever_is_not_this_patient_rejects_the_answer(reference: str):
    """Compared as type and id, not as the end of a text."""
    other = b.nihss(1, 1) | {"subject": {"reference": reference}}
    with pytest.raises(WrongPatientError):
        client(FakeFhir({"Observation": (200, b.searchset(other))})).search(ALL, b.PATIENT_ID)


@pytest.mark.parametrize("reference", ["Patient/p1", f"{BASE}/Patient/p1", "Patient/p1/_history/3"])
def test_this_patient_is_known_by_relative_absolute_and_versioned_references(reference: str):
    """All three are legal FHIR."""
    own = b.nihss(1, 1) | {"subject": {"reference": reference}}
    assert 1 == len(client(FakeFhir({"Observation": (200, b.searchset(own))})).search(ALL, b.PATIENT_ID).resources)


def test_another_patient_where_ours_was_asked_for_is_refused():
    """A read is held to the same rule as a search."""
    fhir = FakeFhir({"Patient/p1": (200, b.patient("p2")), "Encounter/e1": (200, b.encounter(patient="p2"))})
    for reference in ("Patient/p1", "Encounter/e1"):
        with pytest.raises(WrongPatientError):
            client(fhir).read(reference, b.PATIENT_ID)


@pytest.mark.parametrize(
    "reference", ["Encounter/..", "Encounter/?patient=x", "http:/x", "Encounter/a%2f", "encounter/1", "#a/b"]
)
def test_what_is_no_reference_is_not_asked(reference: str):
    """References come from charts, and go into URLs."""
    fhir = FakeFhir({})
    with pytest.raises(OutboundError, match="no reference"):
        client(fhir).read(reference, b.PATIENT_ID)
    assert [] == fhir.asked


def test_every_request_asks_for_fhir_json_past_the_cache_with_its_token():
    """And without a token none is made up."""
    fhir = FakeFhir({"Observation": (200, b.searchset())})
    for token in ("secret-1", None):
        client(fhir, token).search(ALL, b.PATIENT_ID)
    assert ["Bearer secret-1", None] == [one.headers.get("Authorization") for one in fhir.asked]
    assert {("application/fhir+json", "no-cache")} == {
        (one.headers["Accept"], one.headers["Cache-Control"]) for one in fhir.asked
    }


def test_the_token_is_not_in_the_text_of_a_client():
    """It must not reach a log by way of a traceback."""
    assert "secret-1" not in repr(client(FakeFhir({}), "secret-1"))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["link", "relation", "url", "entry", "resource", "resourceType", "issue", "severity"]),
            inner,
        )
    ),
)


@given(ANYTHING)
def test_no_shape_of_a_bundle_raises(bundle: Any):
    """Whatever JSON comes, looking into it is safe."""
    assert next_link(bundle) is None or isinstance(next_link(bundle), str)
    assert outcome_failed(bundle) in (True, False)
