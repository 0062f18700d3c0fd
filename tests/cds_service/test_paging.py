"""What becomes of the pages of one search: forgotten, repeated, doubled, mixed, unsorted."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from cds_service.fhir_client.bundles import newest_first, version_of
from cds_service.fhir_client.client import FhirClient
from cds_service.fhir_client.paging import Found, WrongPatientError
from cds_service.outbound.session import OutboundError
from fhir_mappings.queries import Search
from fhir_mappings.snapshot import Raw
from tests import builders as b
from tests.fakes import BASE, Answer, FakeFhir, session_with

ALL = Search("Observation", (("patient", b.PATIENT_ID), ("_sort", "-date")))
BY_CODE = Search(
    "Observation", (("patient", b.PATIENT_ID), ("code", "http://loinc.org|72089-6,http://site.example|NIH"))
)
Pages = dict[str, Answer | list[Answer]]


def page(*raws: Raw, then: str | None = None) -> Answer:
    """One page, and which is next."""
    return 200, b.searchset(*raws, next_url=f"{BASE}/Observation?page={then}" if then else None)


def answering(pages: Pages) -> Callable[[requests.PreparedRequest], Answer]:
    """Pages by number, the first under "1"; of a list one after the other, the last for ever."""

    def answer(request: requests.PreparedRequest) -> Answer:
        number = parse_qs(urlsplit(request.url or "").query).get("page", ["1"])[0]
        held = pages[number]
        if isinstance(held, list):
            return held.pop(0) if len(held) > 1 else held[0]
        return held

    return answer


def found(pages: Pages, search: Search = ALL) -> tuple[Found, FakeFhir]:
    """What a search brings from these pages, and the server that was asked."""
    fhir = FakeFhir({"Observation": answering(pages)})
    return FhirClient(BASE, session_with(fhir), time.monotonic() + 5).search(search, b.PATIENT_ID), fhir


def ids(answer: Found) -> list[str]:
    """The ids, in order."""
    return [raw["id"] for raw in answer.resources]


def test_a_search_whose_pages_were_forgotten_is_begun_once_more():
    """HAPI keeps them for an hour, others for a minute, and then answers 410."""
    answer, fhir = found({
        "1": [page(b.nihss(1, 1), then="2"), page(b.nihss(3, 3), b.nihss(1, 1), then="3")],
        "2": (410, {}), "3": page(b.nihss(2, 2)),
    })  # fmt: skip
    assert (["nihss-3", "nihss-2", "nihss-1"], True, 4) == (ids(answer), answer.complete, len(fhir.asked))


def test_pages_that_are_forgotten_again_are_left_unread():
    """Once more is once: what was read is kept, and said to be a part."""
    answer, fhir = found({"1": page(b.nihss(1, 1), then="2"), "2": (410, {})})
    assert (["nihss-1"], False, 4) == (ids(answer), answer.complete, len(fhir.asked))


def test_a_second_beginning_that_fails_keeps_what_the_first_brought():
    """The server may be down by then."""
    answer, _ = found({"1": [page(b.nihss(1, 1), then="2"), (404, {})], "2": (410, {})})
    assert (["nihss-1"], False) == (ids(answer), answer.complete)


def test_another_patient_after_the_second_beginning_rejects_the_answer():
    """No page is believed by halves."""
    other = b.nihss(1, 1) | {"subject": {"reference": "Patient/p2"}}
    with pytest.raises(WrongPatientError):
        found({"1": [page(b.nihss(1, 1), then="2"), page(other)], "2": (410, {})})


def test_a_first_page_that_is_gone_is_a_failure():
    """There is nothing to begin again."""
    with pytest.raises(OutboundError, match="410"):
        found({"1": (410, {})})


@pytest.mark.parametrize(
    "answer", [(200, []), (200, {"resourceType": "OperationOutcome"}), (200, b"<html>"), (403, {})]
)
def test_a_later_page_that_is_none_leaves_the_first(answer: Answer):
    """Whatever comes in its place."""
    held, _ = found({"1": page(b.nihss(1, 1), then="2"), "2": answer})
    assert (["nihss-1"], False) == (ids(held), held.complete)


def test_a_later_page_with_another_patient_rejects_the_first_too():
    """Wherever it stands."""
    other = b.nihss(1, 1) | {"subject": {"reference": "Patient/p2"}}
    with pytest.raises(WrongPatientError):
        found({"1": page(b.nihss(1, 1), then="2"), "2": page(other)})


OTHER = {"subject": {"reference": "Patient/p2"}}


@pytest.mark.parametrize(
    "foreign",
    [
        b.condition() | OTHER, b.patient("p2"), b.encounter() | OTHER,
        {"resourceType": "AllergyIntolerance", "id": "a1", "patient": {"reference": f"{BASE}/Patient/p2/_history/1"}},
    ],
)  # fmt: skip
def test_another_patients_entry_rejects_the_answer_whatever_its_type(foreign: Raw):
    """A server that mixes patients mixed up the search, also where the entry was not asked for."""
    with pytest.raises(WrongPatientError):
        found({"1": page(b.nihss(1, 1), foreign)})


@pytest.mark.parametrize(
    "other",
    [
        b.condition(), b.patient(), {"resourceType": "Location", "id": "x"}, {"resourceType": "List", "subject": []},
        {"resourceType": "AllergyIntolerance", "patient": {"reference": f"Patient/{b.PATIENT_ID}"}}, {"patient": "p2"},
    ],
)  # fmt: skip
def test_an_entry_that_was_not_asked_for_is_left_out_where_it_is_of_nobody_else(other: Raw):
    """Counted, so that it is said."""
    answer, _ = found({"1": page(b.nihss(1, 1), other)})
    assert (["nihss-1"], 1) == (ids(answer), answer.dropped)


@pytest.mark.parametrize("cycle", [["2"], ["2", "3"], ["1"]])
def test_pages_in_a_circle_end_at_once(cycle: list[str]):
    """A ``next`` that was read before brings nothing new: the answer is a part."""
    order = ["1", *cycle, cycle[0]]
    pages: Pages = {one: page(b.nihss(1, int(one)), then=order[place + 1]) for place, one in enumerate(order[:-1])}
    answer, fhir = found(pages)
    assert (len(pages), False) == (len(answer.resources), answer.complete)
    assert len(fhir.asked) <= len(order)


def versioned(total: int, number: str | None, hours: float | None = None) -> Raw:
    """One score in one of its versions."""
    meta = {"versionId": number} | ({"lastUpdated": b.when(hours)} if hours is not None else {})
    return b.nihss(total, 1) | {"meta": meta}


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (versioned(4, "9", 1), versioned(7, "2", 2)), (versioned(4, "9"), versioned(7, "10")),
        (versioned(4, "a", 1), versioned(7, "b", 2)), (versioned(4, None), versioned(7, "1", 0)),
    ],
)  # fmt: skip
def test_a_resource_on_two_pages_counts_once_in_its_newest_version(older: Raw, newer: Raw):
    """Pages are no snapshot: what is charted meanwhile moves the others on, or stands twice."""
    for first, second in ((older, newer), (newer, older)):
        answer, _ = found({"1": page(first, then="2"), "2": page(second)})
        assert [7] == [raw["valueInteger"] for raw in answer.resources]


def test_resources_without_an_id_are_all_kept():
    """They cannot be told apart, and the reading says what is wrong with them."""
    bare = {key: value for key, value in b.nihss(1, 1).items() if key != "id"}
    answer, _ = found({"1": page(bare, bare, bare | {"id": 7})})
    assert 3 == len(answer.resources)


def test_whatever_the_order_of_the_server_the_newest_comes_first():
    """``_sort`` is never relied on; what has no time comes last."""
    timeless = {key: value for key, value in b.nihss(1, 9).items() if key != "effectiveDateTime"}
    answer, _ = found({"1": page(timeless, b.nihss(1, 1), b.nihss(1, 3), then="2"), "2": page(b.nihss(1, 2))})
    assert ["nihss-3", "nihss-2", "nihss-1", "nihss-9"] == ids(answer)


@given(st.permutations([b.nihss(1, hours) for hours in (1, 2, 2.5, 3)] + [b.nihss(1, 2, id_="same-time")]))
def test_the_order_does_not_depend_on_how_things_came(raws: list[Raw]):
    """Of one moment the id decides."""
    assert ["nihss-3", "nihss-2.5", "nihss-2", "same-time", "nihss-1"] == [raw["id"] for raw in newest_first(raws)]


@pytest.mark.parametrize(
    "meta",
    [
        None, [], "x", {"versionId": 3}, {"versionId": "٣"}, {"versionId": "9" * 5000}, {"lastUpdated": "soon"},
    ],
)  # fmt: skip
def test_no_shape_of_meta_raises(meta: Any):
    """Whatever stands there, versions can be ordered."""
    assert version_of({"meta": meta}) <= version_of({"meta": {"versionId": "4", "lastUpdated": b.when(0)}})


def test_a_server_that_does_not_filter_by_code_is_noticed():
    """What was not asked for is left out and counted; a code counts in any spelling of its system."""
    local = b.observation("NIH", 4, id_="local", system="http://site.example", hours=2)
    oid = b.observation("72089-6", 5, id_="oid", system="urn:oid:2.16.840.1.113883.6.1", hours=1)
    answer, _ = found({"1": page(local, oid, b.observation("2345-7", 130, "mg/dL", 1, "glucose"))}, BY_CODE)
    assert (["local", "oid"], 1, True) == (ids(answer), answer.dropped, answer.complete)


@pytest.mark.parametrize("code", [None, {}, {"text": "NIHSS"}, {"coding": None}, {"coding": ["x"]}, {"coding": [{}]}])
def test_what_has_no_code_was_not_asked_for_by_code(code: Any):
    """And a search that is not by code takes it."""
    bare = b.nihss(1, 1) | {"code": code}
    assert (0, 1) == (len(found({"1": page(bare)}, BY_CODE)[0].resources), found({"1": page(bare)}, BY_CODE)[0].dropped)
    assert 1 == len(found({"1": page(bare)})[0].resources)


def test_blanks_around_a_code_do_not_hide_it():
    """A quirk of servers that is mended later must not lose the resource before."""
    padded = b.nihss(1, 1) | {"code": {"coding": [{"system": b.LOINC, "code": "72089-6 "}]}}
    assert 1 == len(found({"1": page(padded)}, BY_CODE)[0].resources)


def test_remarks_on_the_search_are_no_results():
    """An entry whose mode is outcome is passed over, whatever resource it holds."""
    bundle = b.searchset(b.nihss(1, 1))
    remark = {"resource": b.nihss(9, 2), "search": {"mode": "outcome"}}
    bundle["entry"].append(remark)
    answer, _ = found({"1": (200, bundle)})
    assert (["nihss-1"], 0) == (ids(answer), answer.dropped)


def vitals(*hours: float) -> list[Raw]:
    """A heart rate at each hour."""
    return [b.observation("8867-4", 80, "/min", hour, f"hr-{hour:g}", category="vital-signs") for hour in hours]


@pytest.mark.parametrize(
    ("sort", "first", "second", "read"),
    [
        ("-date", (100, 76), (75, 51), 2),  # 49 hours of the newest
        ("-date", (100, 51), (), 1),
        ("date", (0, 24), (25, 49), 2),  # arrival, the oldest first
        ("-date", (51, 100), (50, 1), 3),  # the server sorts otherwise: to the end
        ("date", (49, 0), (51, 50), 3),
    ],
)  # fmt: skip
def test_pages_of_a_window_end_when_it_is_covered_in_order(
    sort: str, first: tuple[float, ...], second: tuple[float, ...], read: int
):
    """Vital signs of a week are 3,000 and more; only an order that is seen to be kept ends the reading."""
    from datetime import timedelta

    search = Search("Observation", (("patient", b.PATIENT_ID), ("_sort", sort)), timedelta(hours=48))
    answer, fhir = found(
        {"1": page(*vitals(*first), then="2"), "2": page(*vitals(*second), then="3"), "3": page()}, search
    )
    assert (read, True) == (len(fhir.asked), answer.complete)
