"""Templates that never change under their key, our own searches, and the second round."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fhir_mappings.codes import MRS_CODE, ONSET_CODE
from fhir_mappings.procedures import BEFORE_ARRIVAL
from fhir_mappings.queries import (
    CLINICAL,
    CORE,
    Query,
    fallback_searches,
    is_lacking,
    own_searches,
    templates,
)
from fhir_mappings.references import elsewhere, follow_ups
from fhir_mappings.reports import REPORTS_BEFORE
from tests.builders import T0, Resource, at, encounter, medication_request, report, when

BASE = "https://ehr.example/fhir"
GOLDEN = Path(__file__).parents[1] / "golden" / "templates.json"
QUERIES = {query.key: query for query in (*CORE, *CLINICAL)}


def query(key: str) -> Query:
    """The query of a key."""
    return QUERIES[key]


def test_a_template_never_changes_under_its_key() -> None:
    """EHRs copied it when they registered the service: a changed query gets a new key (``labs-2``).

    A new key is added to the golden by hand; a line that stands there is never changed.
    """
    assert json.loads(GOLDEN.read_text("utf-8")) == templates()


def test_the_keys_are_the_documented_ones_in_their_order() -> None:
    """Core first, then clinical."""
    assert ["patient", "encounters", "conditions", "procedures"] == [one.key for one in CORE]
    assert ["nihss", "labs", "vitals", "reports", "medications", "administrations", "forms"] == [
        one.key for one in CLINICAL
    ]


def test_only_these_queries_are_required() -> None:
    """Patient, Encounter, Condition and NIHSS: without them a call is answered with 412."""
    assert {"patient", "encounters", "conditions", "nihss"} == {key for key, one in QUERIES.items() if one.required}


@pytest.mark.parametrize("key", QUERIES)
def test_a_template_is_bound_to_the_patient_and_carries_no_date_and_no_encounter(key: str) -> None:
    """CDS Hooks 2.0.1 has no ``today()``; ``encounterId`` is optional and seldom sent."""
    template = query(key).template
    assert template.startswith(query(key).resource_type)
    assert 1 == template.count("{{context.patientId}}") == template.count("{{")
    assert "date=" not in template
    assert "encounter" not in template


def test_a_query_knows_how_many_entries_its_template_asks_for() -> None:
    """The collector tells an incomplete Bundle by it."""
    counts = {key: f"_count={one.count}" in one.template for key, one in QUERIES.items() if one.count}
    keys = ("encounters", "nihss", "labs", "vitals", "reports", "administrations", "forms")
    assert dict.fromkeys(keys, True) == counts
    assert not any("_count" in one.template for one in QUERIES.values() if not one.count)


@pytest.mark.parametrize("key", sorted(set(QUERIES) - {"patient"}))
@pytest.mark.parametrize("t0", [None, T0])
def test_every_own_search_names_the_patient(key: str, t0: datetime | None) -> None:
    """A search without ``patient=`` would answer with everybody's data."""
    searches = (*own_searches(query(key), "p1", t0=t0, as_of=at(4)), *fallback_searches(query(key), "p1", t0=t0))
    assert searches or not query(key).fetched
    assert all(("patient", "p1") in search.params for search in searches)


def test_the_patient_is_read_and_not_searched() -> None:
    """One read by id, without parameters."""
    (search,) = own_searches(query("patient"), "p1", t0=None, as_of=T0)
    assert ("Patient/p1", ()) == (search.path, search.params)


def test_own_encounters_reach_thirty_days_back_whatever_their_status() -> None:
    """So the emergency visit that is finished is found."""
    (search,) = own_searches(query("encounters"), "p1", t0=None, as_of=T0)
    params = dict(search.params)
    assert "ge2026-01-31T08:00:00+00:00" == params["date"]
    assert "status" not in params


def test_own_nihss_begin_an_hour_before_arrival() -> None:
    """The window of the baseline."""
    (search,) = own_searches(query("nihss"), "p1", t0=T0, as_of=at(4))
    assert ("date", "ge2026-03-02T07:00:00+00:00") in search.params


def test_vital_signs_are_asked_in_two_windows() -> None:
    """Newest-first alone never reaches the arrival of a monitored patient."""
    newest, arrival = own_searches(query("vitals"), "p1", t0=T0, as_of=at(100))
    assert not [value for name, value in newest.params if name == "date"]
    assert ["ge2026-03-02T07:00:00+00:00", "lt2026-03-03T08:00:00+00:00"] == [
        value for name, value in arrival.params if name == "date"
    ]


@pytest.mark.parametrize("key", ["nihss", "labs"])
def test_own_searches_ask_for_every_code_of_the_template(key: str) -> None:
    """With the code system in front, in one list: how many fit into a request depends on the server."""
    (search,) = own_searches(query(key), "p1", t0=None, as_of=T0)
    codes = [token.removeprefix("http://loinc.org|") for token in dict(search.params)["code"].split(",")]
    assert query(key).template.split("code=")[1].split("&")[0].split(",") == codes


def test_only_windows_of_vital_signs_may_end_before_their_last_page() -> None:
    """The newest after two days; those of arrival once the first day is there."""
    spans = {
        key: [one.span for one in own_searches(each, "p1", t0=T0, as_of=at(4)) if one.span]
        for key, each in QUERIES.items()
    }
    assert {"vitals": [timedelta(hours=48), timedelta(hours=25)]} == {
        key: found for key, found in spans.items() if found
    }


def test_reports_are_asked_again_without_a_category_and_then_as_documents() -> None:
    """Many reports carry no category, and some stand in documents only."""
    again, documents = fallback_searches(query("reports"), "p1", t0=T0)
    assert ("DiagnosticReport", "DocumentReference") == (again.path, documents.path)
    assert "category" not in dict(again.params)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_reports_and_documents_are_asked_as_far_back_as_they_count(place: int) -> None:
    """A transfer brings its scans: those of the day before arrival may hold the hemorrhage."""
    searches = own_searches(query("reports"), "p1", t0=T0, as_of=at(4)) + fallback_searches(
        query("reports"), "p1", t0=T0
    )
    assert "ge2026-03-01T08:00:00+00:00" == dict(searches[place].params)["date"]
    assert at(-24) == T0 - REPORTS_BEFORE


def test_what_has_no_fallback_is_asked_once() -> None:
    """NIHSS may stand in forms, drugs in statements; for all else an empty answer is an answer."""
    fallbacks = {key: [one.path for one in fallback_searches(each, "p1", t0=T0)] for key, each in QUERIES.items()}
    assert {
        "nihss": ["QuestionnaireResponse"],
        "reports": ["DiagnosticReport", "DocumentReference"],
        "medications": ["MedicationStatement"],
    } == {key: paths for key, paths in fallbacks.items() if paths}


def test_reports_without_any_text_count_as_lacking() -> None:
    """A report that is only a code says nothing that could be read."""
    bare = {key: value for key, value in report("x").items() if key != "conclusion"}
    assert is_lacking(query("reports"), [bare])
    assert not is_lacking(query("reports"), [bare, report("No hemorrhage.")])
    assert is_lacking(query("nihss"), [])


@pytest.mark.parametrize(
    ("times", "lacks"),
    [
        ({"effectiveDateTime": when(-3), "issued": when(2)}, True), ({"effectiveDateTime": when(-0.5)}, False),
        ({"effectivePeriod": {"start": when(-30), "end": when(2)}}, True), ({"effectivePeriod": {}}, False),
        ({"issued": when(-3)}, True), ({"date": when(-3)}, True), ({"date": when(1)}, False), ({}, False),
    ],
)  # fmt: skip
def test_a_report_from_before_the_stay_says_nothing_of_those_of_the_stay(times: dict[str, Any], lacks: bool) -> None:
    """A transfer brings its scan under a category, and the reports of this house may carry none."""
    bare = {key: value for key, value in report("x").items() if key not in ("effectiveDateTime", "issued")}
    assert lacks is is_lacking(query("reports"), [bare | times], T0)
    assert not is_lacking(query("reports"), [bare | times])


def test_forms_are_offered_as_a_template_and_fetched_only_as_a_fallback() -> None:
    """One request less for everybody whose NIHSS stands in Observations."""
    assert () == own_searches(query("forms"), "p1", t0=T0, as_of=at(4))


@pytest.mark.parametrize("t0", [None, T0])
def test_administrations_are_asked_beside_orders_and_always_within_bounds(t0: datetime | None) -> None:
    """A ward charts hundreds: where arrival is unknown, no further back than a stay may have begun."""
    kinds = [
        [search.path for search in own_searches(query(key), "p1", t0=t0, as_of=at(4))]
        for key in ("medications", "administrations")
    ]
    assert [["MedicationRequest"], ["MedicationAdministration"]] == kinds
    (given,) = own_searches(query("administrations"), "p1", t0=t0, as_of=at(4))
    assert dict(given.params)["effective-time"].startswith("ge")


def test_administrations_are_asked_as_far_back_as_one_counts_for_the_stay() -> None:
    """Drip and ship: a thrombolytic begun at a sending hospital in the day before arrival is found."""
    (given,) = own_searches(query("administrations"), "p1", t0=T0, as_of=at(4))
    assert (("patient", "p1"), ("effective-time", "ge2026-03-01T08:00:00+00:00"), ("_count", "200")) == given.params
    assert at(-24) == T0 - BEFORE_ARRIVAL


def test_drugs_stated_are_asked_where_none_was_ordered_whatever_was_given() -> None:
    """An infusion of the stay says nothing about the drugs of home."""
    infusion = {"resourceType": "MedicationAdministration", "id": "a1"}
    assert is_lacking(query("medications"), [infusion])
    assert not is_lacking(query("medications"), [infusion, medication_request("aspirin")])


def test_the_second_round_reads_earlier_encounters_and_drugs_not_yet_held() -> None:
    """``partOf`` and ``medicationReference``, each once, without what is held."""
    order = medication_request("x") | {"medicationReference": {"reference": "Medication/d1"}}
    raws = [encounter("e1", part_of="e0"), encounter("e2", part_of="e1"), order, order]
    assert ("Encounter/e0", "Medication/d1") == follow_ups(raws, raws)


def by_reference(reference: str) -> Resource:
    """An order whose drug is a reference."""
    return medication_request("x") | {"medicationReference": {"reference": reference}}


@pytest.mark.parametrize(
    ("reference", "base"),
    [
        ("Medication/d1/_history/2", None),
        ("https://ehr.example/fhir/Medication/d1", BASE),
        ("https://ehr.example/fhir/Medication/d1/_history/2.1", f"{BASE}/"),
        ("HTTPS://EHR.Example:443/fhir/Medication/d1", BASE),
        ("https://ehr.example/fhir/Medication/d1", "https://EHR.example:443/fhir"),
        ("http://inner:8080/Medication/d1", "http://inner:8080"),
        ("http://[::1]:80/r4/tenant-1/Medication/d1", "http://[::1]/r4/tenant-1"),
    ],
)
def test_the_second_round_reads_references_on_our_own_base_by_type_and_id(reference: str, base: str | None) -> None:
    """What is listed names no host and no version: relative, or absolute where it begins with the chart's base."""
    assert (("Medication/d1",), ()) == wanted(reference, base)


@pytest.mark.parametrize(
    "base",
    [
        None, "https://elsewhere.example/fhir", "http://ehr.example/fhir", "https://ehr.example:8443/fhir",
        "https://ehr.example", "https://ehr.example/fhir/r4", "https://ehr.example/FHIR", "https://ehr.exampl/fhir",
        "https://nurse@ehr.example/fhir", "https://ehr.example:x/fhir", "",
    ],
)  # fmt: skip
def test_an_id_of_another_server_is_never_read_on_ours(base: str | None) -> None:
    """There it may name another patient's document. Without a base nothing absolute is ours."""
    assert ((), ("Medication/d1",)) == wanted("https://ehr.example/fhir/Medication/d1", base)


@pytest.mark.parametrize("host", ["ehr.example.evil.example", "ehr.example@evil.example", "evil@ehr.example", "x/fhir"])
def test_a_look_alike_of_our_base_is_another_server(host: str) -> None:
    """Scheme, host, port and path all have to agree."""
    for base in (BASE, "https://nurse@ehr.example/fhir"):
        assert ((), ("Medication/d1",)) == wanted(f"https://{host}/fhir/Medication/d1", base)


def wanted(reference: str, base: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a second round reads for an order of this drug, and what it leaves on other servers."""
    raws, bases = [by_reference(reference)], () if base is None else (base,)
    return follow_ups(raws, [], bases), elsewhere(raws, [], bases)


def test_a_server_is_the_same_under_all_its_names() -> None:
    """Read is always by type and id: what name a reference says makes no difference."""
    names = (BASE, "https://public.ehr.example/r4")
    raws = [by_reference(f"{name}/Medication/d{number}") for number, name in enumerate((*names, "https://x.example"))]
    assert (("Medication/d0", "Medication/d1"), ("Medication/d2",)) == (
        follow_ups(raws, [], names),
        elsewhere(raws, [], names),
    )


def test_one_resource_named_in_several_ways_is_read_once_and_not_if_held() -> None:
    """Relative, absolute and versioned references to it are the same; what is held is neither read nor missed."""
    raws = [by_reference(form) for form in ("Medication/d1/_history/2", "Medication/d1", f"{BASE}/Medication/d1")]
    held = [{"resourceType": "Medication", "id": "d1"}]
    assert ("Medication/d1",) == follow_ups(raws, [], (BASE,))
    assert ((), ()) == (follow_ups(raws, held, (BASE,)), elsewhere(raws, held))


def test_an_attachment_and_an_earlier_encounter_by_absolute_url_are_read() -> None:
    """Oracle's servers write attachments so."""
    document = {"resourceType": "DocumentReference", "content": [{"attachment": {"url": f"{BASE}/Binary/b1"}}]}
    stay = encounter("e1", part_of="e0") | {"partOf": {"reference": f"{BASE}/Encounter/e0/_history/1"}}
    assert ("Binary/b1", "Encounter/e0") == follow_ups([document, stay], [], (BASE,))
    assert ("Binary/b1", "Encounter/e0") == elsewhere([document, stay], [])


@pytest.mark.parametrize(
    "reference",
    [
        "Encounter/..", "Encounter/a?x=1", "https:/evil", "Patient/p2", "Encounter/$op", "#d1", "Encounter/a/b", 7,
        "https://ehr.example/fhir/Encounter/..", "https://ehr.example/fhir/Encounter/a?x=1", "ftp://h/Encounter/a",
        "https://ehr.example/fhir?next=/Encounter/a", "https://ehr.example/#/Encounter/a", "//ehr.example/Encounter/a",
        "https://ehr.example/fhir/Patient/p2", "https://ehr.example/fhir/Encounter/a/_history", "x/Encounter/a",
        "Encounter/a/_history/1/..", "Encounter/../_history/1", "Encounter/a/_history/", "https://Encounter/a",
        "urn:uuid:Encounter/a",
    ],
)  # fmt: skip
def test_the_second_round_reads_nothing_but_plain_encounters_and_drugs(reference: object) -> None:
    """A reference of a chart never climbs out of the server's base or turns into another request."""
    stay = encounter() | {"partOf": {"reference": reference}}
    for bases in ((BASE,), ("https://ehr.example",), ()):
        assert ((), ()) == (follow_ups([stay], [], bases), elsewhere([stay], [], bases))


def test_the_second_round_reads_attachments_and_the_results_of_reports_without_text() -> None:
    """Binary resources of reports and documents; a report that says its text needs no results."""
    url = {"contentType": "application/pdf", "url": "Binary/b1"}
    results = {"result": [{"reference": "Observation/o9"}]}
    bare = {key: value for key, value in report("x").items() if key != "conclusion"}
    document = {"resourceType": "DocumentReference", "content": [{"attachment": {"url": "Binary/b2"}}]}
    raws = [report("x") | {"presentedForm": [url]} | results, bare | results, document]
    assert ("Binary/b1", "Observation/o9", "Binary/b2") == follow_ups(raws, [])


@pytest.mark.parametrize("code", [ONSET_CODE, MRS_CODE])
def test_the_codes_from_before_the_stroke_have_valid_check_digits(code: str) -> None:
    """LOINC check digits are mod 10 (Luhn), and catch a mistyped code."""
    digits, check = code.split("-")
    doubled = [int(digit) * (1 + (place % 2 == 0)) for place, digit in enumerate(reversed(digits))]
    assert int(check) == -sum(value // 10 + value % 10 for value in doubled) % 10
