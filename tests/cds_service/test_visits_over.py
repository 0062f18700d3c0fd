"""Visits that are over: no template asks for them, and arrival may be the beginning of one."""

import time
from typing import Any

import pytest

from cds_service.fhir_client.client import FhirClient
from cds_service.fhir_client.collect import Case, collect
from fhir_mappings.chart import RawChart
from fhir_mappings.queries import CORE
from tests import builders as b
from tests.cds_service.calls import cards, prefetch, request
from tests.cds_service.test_collect import asked, server
from tests.fakes import BASE, FakeFhir, session_with

STAY = b.encounter("stay")
EMERGENCY = b.encounter("ed", -5, -0.5, "EMER", "finished")
SCORES = (b.nihss(6, -4.5), b.nihss(9, 1), b.nihss(9, 4))
SAID = "encounters may be incomplete (an emergency visit that is over): "
QUERIES = [query for query in CORE if query.key == "encounters"]


def answering(*encounters: b.Resource) -> FakeFhir:
    """A FHIR server that holds these visits and the scores of the emergency visit."""
    return FakeFhir(server(Encounter=(200, b.searchset(*encounters)), Observation=(200, b.searchset(*SCORES))))


def templated(*encounters: b.Resource) -> dict[str, Any]:
    """A prefetch as the templates fill it."""
    return prefetch(encounters=b.searchset(*encounters), nihss=b.searchset(*SCORES))


def charted(encounters: Any, fhir: FakeFhir | None = None) -> RawChart:
    """What is collected where this was sent as the encounters."""
    client = FhirClient(BASE, session_with(fhir), time.monotonic() + 5) if fhir else None
    return collect(QUERIES, Case(b.PATIENT_ID, b.at(6), prefetch={"encounters": encounters}, client=client))


def said(chart: RawChart) -> list[str]:
    """The texts of a chart's issues."""
    return [issue.text for issue in chart.issues]


def test_an_emergency_visit_that_is_over_counts_with_templates_as_without_prefetch():
    """Its end half an hour before admission, and no ``partOf``: the first NIHSS is of that visit."""
    held = answering(STAY, EMERGENCY)
    fetched = cards(asked(), fhir=held)
    assert "NIHSS 6 -> 9" in fetched[0]["summary"]
    filled = cards(request(prefetch=templated(STAY), fhirServer=BASE), fhir=answering(STAY, EMERGENCY))
    assert fetched[0]["summary"] == filled[0]["summary"]


def test_it_costs_one_search_a_call():
    """Beside a prefetch that the templates filled nothing else is asked."""
    fhir = answering(STAY, EMERGENCY)
    cards(request(prefetch=templated(STAY), fhirServer=BASE), fhir=fhir)
    assert ["Encounter"] == fhir.paths
    assert [False] == ["status" in one for one in fhir.params("Encounter")]


def test_what_was_sent_stays_beside_what_is_found():
    """Also where the server no longer, or not yet, tells of it."""
    chart = charted(b.searchset(STAY), FakeFhir({"Encounter": (200, b.searchset(EMERGENCY))}))
    assert ({"stay", "ed"}, []) == ({raw["id"] for raw in chart.resources["encounters"]}, said(chart))


@pytest.mark.parametrize("sent", [b.searchset(STAY), b.searchset(), None])
def test_without_a_server_it_is_said_that_one_may_be_missing(sent: Any):
    """What was sent is an answer all the same, and nobody is unknown for it."""
    chart = charted(sent)
    assert ([f"{SAID}no fhirServer was given"], frozenset()) == (said(chart), chart.unanswered)


def test_the_card_says_that_one_may_be_missing():
    """A reader knows that arrival may have been earlier."""
    (card,) = cards(request(prefetch=templated(STAY)))
    assert "Encounters may be incomplete (an emergency visit that is over): no fhirServer was given." in card[
        "detail"
    ].replace("\\", "")


def test_a_search_that_fails_leaves_what_was_sent_and_is_said():
    """No 412, and no diagnosis is in doubt for it."""
    chart = charted(b.searchset(STAY), FakeFhir({"Encounter": (403, {})}))
    assert ([f"{SAID}the FHIR server answered 403"], frozenset()) == (said(chart), chart.unanswered)
    assert ["stay"] == [raw["id"] for raw in chart.resources["encounters"]]


def test_what_was_cut_off_is_not_known_as_a_whole():
    """Nobody is outside the population for a page that could not be read."""
    chart = charted(b.searchset(STAY, next_url=f"{BASE}?page=2"))
    assert ["encounters may be incomplete: more exists, and no fhirServer was given"] == said(chart)
    assert frozenset({"encounters"}) == chart.unanswered


def linked(reference: str = "Encounter/ed") -> b.Resource:
    """The stay, as a part of another visit."""
    return STAY | {"partOf": {"reference": reference}}


@pytest.mark.parametrize("reference", ["Encounter/ed", "Encounter/ed/_history/2", f"{BASE}/Encounter/ed"])
def test_a_stay_that_is_part_of_a_visit_that_is_there_lacks_none(reference: str):
    """Arrival is the beginning of that visit."""
    chart = charted(b.searchset(linked(reference), b.encounter("ed", -5, class_="EMER")))
    assert [] == said(chart)


def test_a_visit_that_is_named_and_not_there_is_said_by_its_name():
    """Once, not twice."""
    assert ["Encounter/ed, an earlier encounter of this stay, was not read (no fhirServer was given)"] == said(
        charted(b.searchset(linked()))
    )


def test_one_visit_with_a_link_says_nothing_of_another():
    """A stay that no other names and that names none may have begun earlier."""
    day_care = b.encounter("day", class_="AMB", part_of="series")
    assert f"{SAID}no fhirServer was given" in said(charted(b.searchset(STAY, day_care)))


def test_with_a_server_links_do_not_spare_the_search():
    """What a stay is part of may be the whole admission, and the emergency visit another part of it."""
    fhir = FakeFhir({"Encounter": (200, b.searchset(linked(), EMERGENCY))})
    chart = charted(b.searchset(linked()), fhir)
    assert (["Encounter"], []) == (fhir.paths, said(chart))


def test_an_answer_with_a_visit_that_is_over_was_asked_for_more():
    """No template of ours filled it: nothing is asked, and nothing said."""
    fhir = FakeFhir({})
    chart = charted(b.searchset(STAY, EMERGENCY), fhir)
    assert ([], []) == (fhir.asked, said(chart))
    assert [] == said(charted(b.searchset(STAY, EMERGENCY)))


def with_self(url: str) -> b.Resource:
    """The stay alone, with what the server says that it was asked."""
    return b.searchset(STAY) | {"link": [{"relation": "self", "url": url}]}


@pytest.mark.parametrize("url", ["Encounter?patient=p1", f"{BASE}/Encounter?subject=Patient/p1&_count=50&_sort=-date"])
def test_an_answer_to_a_search_for_every_visit_is_whole(url: str):
    """FHIR R4, Search, Server Conformance: the link ``self`` tells which parameters were used."""
    fhir = FakeFhir({})
    chart = charted(with_self(url), fhir)
    assert ([], []) == (fhir.asked, said(chart))


@pytest.mark.parametrize(
    "url",
    [
        f"{BASE}/Encounter?patient=p1&status=in-progress&_count=20", f"{BASE}/Encounter?status:not=finished&patient=p1",
        f"{BASE}/Encounter", f"{BASE}/Encounter?_count=20", f"{BASE}?_getpages=x", f"{BASE}/Condition?patient=p1",
        "Encounter?patient=p1&class=IMP", "Encounter?patient=p1&date=ge2026-03-01", "https://[bad?patient=p1", "",
    ],
)  # fmt: skip
def test_any_other_search_is_not(url: str):
    """What it left out is not known."""
    assert [f"{SAID}no fhirServer was given"] == said(charted(with_self(url)))
