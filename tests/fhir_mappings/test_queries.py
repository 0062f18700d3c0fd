"""Templates that never change under their key, our own searches, and the second round."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from fhir_mappings.codes import MRS_CODE, ONSET_CODE
from fhir_mappings.queries import (
    CLINICAL,
    CORE,
    Query,
    fallback_searches,
    follow_ups,
    is_lacking,
    own_searches,
    templates,
)
from tests.builders import T0, at, encounter, medication_request, report

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
    assert ["nihss", "labs", "vitals", "reports", "medications", "forms"] == [one.key for one in CLINICAL]


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
    assert dict.fromkeys(("encounters", "nihss", "labs", "vitals", "reports", "forms"), True) == counts
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
def test_long_code_lists_are_split_and_lose_no_code(key: str) -> None:
    """Each list stays under about 1,500 characters; together they ask for what the template asks."""
    searches = own_searches(query(key), "p1", t0=None, as_of=T0)
    lists = [dict(search.params)["code"] for search in searches]
    codes = [token.removeprefix("http://loinc.org|") for text in lists for token in text.split(",")]
    asked = query(key).template.split("code=")[1].split("&")[0].split(",")
    assert max(map(len, lists)) <= 1500
    assert asked == codes


def test_reports_are_asked_again_without_a_category_and_then_as_documents() -> None:
    """Many reports carry no category, and some stand in documents only."""
    again, documents = fallback_searches(query("reports"), "p1", t0=T0)
    assert ("DiagnosticReport", "DocumentReference") == (again.path, documents.path)
    assert "category" not in dict(again.params)


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


def test_forms_are_offered_as_a_template_and_fetched_only_as_a_fallback() -> None:
    """One request less for everybody whose NIHSS stands in Observations."""
    assert () == own_searches(query("forms"), "p1", t0=T0, as_of=at(4))


def test_administrations_are_asked_with_the_stay() -> None:
    """Thrombolytics given: MedicationAdministration from arrival on, once arrival is known."""
    kinds = [search.path for search in own_searches(query("medications"), "p1", t0=T0, as_of=at(4))]
    assert ["MedicationRequest", "MedicationAdministration"] == kinds


def test_the_second_round_reads_earlier_encounters_and_drugs_not_yet_held() -> None:
    """``partOf`` and ``medicationReference``, each once, without what is held."""
    order = medication_request("x") | {"medicationReference": {"reference": "Medication/d1"}}
    raws = [encounter("e1", part_of="e0"), encounter("e2", part_of="e1"), order, order]
    assert ("Encounter/e0", "Medication/d1") == follow_ups(raws, raws)


@pytest.mark.parametrize(
    "reference",
    ["Encounter/..", "Encounter/a?x=1", "https:/evil", "Patient/p2", "Encounter/$op", "#d1", "Encounter/a/b", 7],
)
def test_the_second_round_reads_nothing_but_plain_encounters_and_drugs(reference: object) -> None:
    """A reference of a chart never climbs out of the server's base or turns into another request."""
    assert () == follow_ups([encounter() | {"partOf": {"reference": reference}}], [])


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
