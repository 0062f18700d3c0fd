"""Rows 31-41, 108, 109 and 111: the templates, and what came of them."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from cds_service.settings import FhirServer
from tests import builders as b
from tests.cds_service.calls import client, prefetch, request
from tests.conformance.answered import URL, Json
from tests.conformance.charts import AUTHORIZATION, PATHS, TOKEN, chart_server, tokens, without
from tests.fakes import BASE, FakeFhir

REQUIRED = ("patient", "encounters", "conditions", "nihss")
TYPES = {key: path.split("/")[0] for path, key in PATHS.items()} | {"nihss": "Observation", "labs": "Observation"}
OUTCOME: Json = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
NEXT = f"{BASE}/Observation?patient=p1&page=2"
USERS = ("userPractitionerId", "userPractitionerRoleId", "userPatientId", "userRelatedPersonId")


def templates() -> dict[str, str]:
    """The templates that discovery offers, by key."""
    found: dict[str, str] = client().get("/cds-services").get_json()["services"][0]["prefetch"]
    return found


def named_tokens() -> list[str]:
    """What stands between double braces in any of them."""
    return [token for query in templates().values() for token in re.findall(r"\{\{(.*?)\}\}", query)]


def parameters() -> list[tuple[str, str]]:
    """Every search parameter of every template."""
    searches = [query.split("?", 1)[1] for query in templates().values() if "?" in query]
    return [(name, value) for one in searches for name, _, value in (part.partition("=") for part in one.split("&"))]


def called(body: Json, fhir: FakeFhir | None = None) -> tuple[int, Json]:
    """Status and body of a call."""
    response = client(fhir).post(URL, json=body)
    return response.status_code, response.get_json()


def detail(body: Json, fhir: FakeFhir | None = None) -> str:
    """The one card's detail."""
    status, answer = called(body, fhir)
    assert 200 == status, answer
    text: str = answer["cards"][0]["detail"]
    return text


@pytest.mark.row(31)
def test_no_single_brace_stands_in_a_template():
    """Each token is opened and closed by two."""
    assert named_tokens()
    assert not [query for query in templates().values() if re.search(r"[{}]", re.sub(r"\{\{[^{}]+\}\}", "", query))]


@pytest.mark.row(32, 33, 108)
def test_each_token_is_a_field_of_the_context_or_an_id_of_the_user():
    """At the root, primitive and always there: no path below it, no function, no other key's result."""
    fields = {"context.userId", "context.patientId"}
    assert set(named_tokens()) <= fields | set(USERS)


@pytest.mark.row(34)
def test_templates_keep_to_the_portable_part_of_search():
    """Reads, and searches by token, reference, ``_sort`` and ``_count``; no modifier, chain or include."""
    names = {name for name, _ in parameters()}
    assert names <= {"patient", "status", "code", "category", "_sort", "_count"}
    assert not [value for _, value in parameters() if re.match(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)\d", value)]
    reads = [query for query in templates().values() if "?" not in query]
    assert ["Patient/{{context.patientId}}"] == reads


@pytest.mark.row(109)
def test_templates_use_count_alone():
    """``_maxresults`` is of the ballot, and servers refuse what they do not know."""
    assert "_maxresults" not in {name for name, _ in parameters()}
    assert {value.isdigit() for name, value in parameters() if name == "_count"} == {True}


@pytest.mark.row(35)
def test_a_key_that_we_did_not_offer_changes_nothing():
    """It may be another service's: its data are not ours to use."""
    score = b.searchset(b.nihss(20, 5, "foreign"))
    more = {"nihss-of-another": score, "": score, "Observation": score, "broken": "x"}
    assert detail(request()) == detail(request(prefetch=prefetch() | more))


@pytest.mark.row(36)
@pytest.mark.parametrize("key", [*REQUIRED, "labs", "procedures", "reports", "medications", "administrations"])
def test_only_the_key_that_is_wanting_is_fetched(key: str):
    """And the card is the one of a whole prefetch. Where no drug was ordered, statements are asked for too."""
    fhir = chart_server()
    assert detail(without(key), fhir) == detail(request())
    assert {TYPES[key]} == {path.split("/")[0] for path in fhir.paths} - {"MedicationStatement"}


@pytest.mark.row(36)
def test_nothing_is_fetched_where_all_was_sent():
    """A whole prefetch needs no server."""
    fhir = chart_server()
    assert detail(without(), fhir)
    assert [] == fhir.asked


FAILED: tuple[Callable[[], Any], ...] = (
    lambda: OUTCOME,
    lambda: b.searchset(OUTCOME),
    lambda: b.searchset(b.nihss(9, 1), OUTCOME),
)


@pytest.mark.row(37)
@pytest.mark.parametrize("failed", FAILED)
def test_an_outcome_in_place_of_data_is_a_failed_query(failed: Callable[[], Any]):
    """As the value or in an entry: it is fetched anew, or the call is 412."""
    fhir = chart_server()
    assert detail(without(prefetch=prefetch(nihss=failed())), fhir) == detail(request())
    assert {"Observation"} == set(fhir.paths)
    assert 412 == called(request(prefetch=prefetch(nihss=failed())))[0]


@pytest.mark.row(37)
@pytest.mark.parametrize("failed", FAILED)
def test_an_outcome_in_the_server_s_own_answer_is_a_failed_query_too(failed: Callable[[], Any]):
    """Half an answer that says it failed is none: 412, not a card on half the scores."""
    assert 412 == called(without("nihss"), chart_server(Observation=(200, failed())))[0]


@pytest.mark.row(37)
def test_an_outcome_that_only_warns_leaves_the_data():
    """A hint about a search is no failure."""
    hint = {"resourceType": "OperationOutcome", "issue": [{"severity": "information", "code": "informational"}]}
    body = request(prefetch=prefetch(nihss=b.searchset(b.nihss(9, 1), b.nihss(9, 4), hint)))
    assert detail(request()) == detail(body)


@pytest.mark.row(38)
def test_an_absent_key_is_fetched():
    """Nobody asked, so we do."""
    fhir = chart_server()
    assert detail(without("procedures"), fhir)
    assert ["Procedure"] == fhir.paths


@pytest.mark.row(38)
@pytest.mark.parametrize("key", ["procedures", "labs", "medications", "reports"])
@pytest.mark.parametrize("nothing", [None, b.searchset(), {"resourceType": "Bundle", "type": "searchset"}])
def test_null_and_an_empty_bundle_are_answers_and_not_fetched(key: str, nothing: Any):
    """Asked, and nothing there: no 412, and not asked again by the same query."""
    fhir = chart_server(DiagnosticReport=(200, b.searchset()), MedicationStatement=(200, b.searchset()))
    said = detail(without(prefetch=prefetch(**{key: nothing})), fhir)
    assert "unknown" not in said.split("**Data**")[1].split("**Monitoring**")[0].lower()
    assert TYPES[key] not in fhir.paths or key == "reports"  # reports are asked for once more without a category


@pytest.mark.row(38)
@pytest.mark.parametrize("key", REQUIRED[1:])
@pytest.mark.parametrize("nothing", [None, b.searchset()])
def test_a_required_key_without_data_is_no_412(key: str, nothing: Any):
    """The query was answered: the card says what follows from it, or the patient is outside."""
    assert 200 == called(request(prefetch=prefetch(**{key: nothing})))[0]


@pytest.mark.row(39)
def test_further_pages_of_a_prefetch_are_completed_from_the_server():
    """The whole is asked for anew, and the card is that of a whole prefetch."""
    paged = b.searchset(b.nihss(9, 1), next_url=NEXT)
    fhir = chart_server()
    assert detail(without(prefetch=prefetch(nihss=paged)), fhir) == detail(request())
    assert {"Observation"} == set(fhir.paths)


@pytest.mark.row(39)
def test_further_pages_that_cannot_be_had_are_said():
    """What there is is used, with a note."""
    paged = b.searchset(b.observation("2345-7", 130, "mg/dL", 1, "glucose"), next_url=NEXT)
    assert "Labs may be incomplete" in detail(request(prefetch=prefetch(labs=paged)))


@pytest.mark.row(40)
@pytest.mark.parametrize("key", REQUIRED)
@pytest.mark.parametrize("more", [{}, {"fhirServer": BASE}, {"fhirServer": BASE, "fhirAuthorization": AUTHORIZATION}])
def test_required_data_that_cannot_be_had_is_412(key: str, more: Json):
    """No server, none that answers without a token, or one that fails: the key is named, and there are no cards."""
    given = {name: value for name, value in prefetch().items() if name != key}
    listed = (FhirServer(base=BASE, auth="call"),)
    response = client(FakeFhir({}), fhir_servers=listed).post(URL, json=request(prefetch=given, **more))
    assert (412, "OperationOutcome") == (response.status_code, response.get_json()["resourceType"])
    assert f"prefetch.{key}" in response.get_json()["issue"][0]["expression"]
    assert "cards" not in response.get_json()


@pytest.mark.row(40)
@pytest.mark.parametrize("key", ["procedures", "labs", "vitals", "reports", "medications", "administrations", "forms"])
def test_other_data_that_cannot_be_had_are_no_412(key: str):
    """The card says what is unknown."""
    given = {name: value for name, value in prefetch().items() if name != key}
    assert 200 == called(request(prefetch=given))[0]


@pytest.mark.row(41)
@pytest.mark.parametrize(
    ("more", "auth", "asked"),
    [
        ({"fhirServer": BASE, "fhirAuthorization": AUTHORIZATION}, "call", True),
        ({"fhirServer": BASE}, "call", False),
        ({"fhirServer": BASE}, "none", True),
        ({}, "none", False),
        ({"fhirServer": "https://other.example/fhir", "fhirAuthorization": AUTHORIZATION}, "call", False),
    ],
)
def test_the_server_s_own_entry_decides_whether_it_is_asked(more: Json, auth: Any, asked: bool):
    """With a token; without one only where it is listed as open; never one that is not listed."""
    fhir = chart_server()
    given = {name: value for name, value in prefetch().items() if name != "labs"}
    service = client(fhir, fhir_servers=(FhirServer(base=BASE, auth=auth),))
    assert 200 == service.post(URL, json=request(prefetch=given, **more)).status_code
    assert asked == bool(fhir.asked)


@pytest.mark.row(111)
def test_further_pages_of_our_own_search_are_read_with_the_token():
    """Every page, and no other server."""
    pages = iter([(200, b.searchset(b.nihss(9, 1), next_url=NEXT)), (200, b.searchset(b.nihss(9, 4)))])
    fhir = chart_server(Observation=lambda _: next(pages))
    assert detail(without("nihss"), fhir) == detail(request())
    assert (2, {f"Bearer {TOKEN}"}) == (len(fhir.asked), tokens(fhir))
