"""What an EHR sent along: answered, empty, failed or cut off; and what collecting makes of it."""

import time
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.errors import MissingData
from cds_service.fhir_client.client import FhirClient
from cds_service.fhir_client.collect import Case, collect, prefetched
from cds_service.fhir_client.prefetch import FAILED, Sent, sent
from fhir_mappings.queries import CLINICAL, CORE, Query
from tests import builders as b
from tests.cds_service.calls import prefetch
from tests.fakes import BASE, FakeFhir, session_with

QUERIES = {query.key: query for query in (*CORE, *CLINICAL)}
VITALS, MEDICATIONS = QUERIES["vitals"], QUERIES["medications"]


def given_for(query: Query, value: Any, since: datetime | None = None) -> Sent:
    """The prefetched answer to a query whose value is this."""
    return sent(query, {query.key: value}, b.PATIENT_ID, since)


def case(fhir: FakeFhir | None = None, held: dict[str, Any] | None = None) -> Case:
    """A call with this prefetch, six hours after arrival; without a server unless one is given."""
    client = FhirClient(BASE, session_with(fhir), time.monotonic() + 5) if fhir else None
    return Case(b.PATIENT_ID, b.at(6), prefetch=held, client=client)


def vitals(count: int, oldest: float) -> dict[str, Any]:
    """So many heart rates, newest first, back to an hour after arrival."""
    hours = [6 - (6 - oldest) * place / (count - 1) for place in range(count)]
    return b.searchset(*(b.observation("8867-4", 80, "/min", hour, f"hr{place}") for place, hour in enumerate(hours)))


def test_null_and_an_empty_bundle_are_answers_without_data():
    """CDS Hooks 2.0.1, prefetch: asked, and nothing charted."""
    assert Sent(()) == given_for(VITALS, None)
    assert Sent(()) == given_for(VITALS, b.searchset())


@pytest.mark.parametrize(
    "value",
    [
        {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]},
        {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "OperationOutcome", "issue": []}}]},
        {"resourceType": "Patient"},
        [],
        "x",
        {},
    ],
)
def test_what_is_no_answer_has_failed(value: Any):
    """Such a key is fetched as if it were absent."""
    assert FAILED == given_for(VITALS, value)
    assert FAILED == sent(VITALS, {}, b.PATIENT_ID)
    assert FAILED == sent(VITALS, None, b.PATIENT_ID)


def test_a_full_bundle_is_whole_only_if_it_reaches_back_to_the_window():
    """As many entries as ``_count`` asked for may be the newest of many more."""
    since = b.at(-1)
    assert given_for(VITALS, vitals(199, 0), since).complete
    assert not given_for(VITALS, vitals(200, 0), since).complete
    assert given_for(VITALS, vitals(200, -2), since).complete
    assert not given_for(VITALS, vitals(200, -2), None).complete


def test_a_cut_off_prefetch_is_completed_by_our_own_searches():
    """Both windows of vital signs are asked; what was prefetched stays."""
    arrival = b.observation("8480-6", 190, "mm[Hg]", 0, "arrival", category="vital-signs")
    fhir = FakeFhir({"Observation": (200, b.searchset(arrival))})
    chart = collect([VITALS], case(fhir, {"vitals": vitals(200, 1)}), t0=b.T0)
    assert (2, ()) == (len(fhir.asked), chart.issues)
    assert {"arrival", "hr0"} <= {raw["id"] for raw in chart.resources["vitals"]}


def test_a_cut_off_prefetch_without_server_is_used_and_said():
    """Part of an answer is better than none, as long as it is said."""
    chart = collect([VITALS], case(held={"vitals": vitals(200, 1)}), t0=b.T0)
    assert (200, ["incomplete"]) == (len(chart.resources["vitals"]), [issue.code for issue in chart.issues])
    assert frozenset() == chart.unanswered


def test_a_prefetched_patient_who_is_another_is_no_answer():
    """It is refused and said; ours is fetched, or the call is 412."""
    held = {"patient": b.patient("p2")}
    chart = collect([QUERIES["patient"]], case(FakeFhir({"Patient/p1": (200, b.patient())}), held))
    assert (["p1"], ["wrong-patient"]) == (
        [raw["id"] for raw in chart.resources["patient"]],
        [issue.code for issue in chart.issues],
    )
    with pytest.raises(MissingData, match="patient"):
        collect([QUERIES["patient"]], case(held=held))


def test_missing_data_names_every_required_key_and_the_first_as_field():
    """The EHR's integrators see at once what to send."""
    with pytest.raises(MissingData) as caught:
        collect(CORE, case(held={"patient": b.patient(), "procedures": None}))
    assert caught.value.message.startswith("encounters, conditions (")
    assert "prefetch.encounters" == caught.value.field


def test_a_half_that_fails_leaves_the_other_and_the_whole_unknown():
    """Many servers serve no MedicationAdministration: what was found counts, absence does not."""
    home = b.medication_request("Aspirin")
    fhir = FakeFhir({"MedicationRequest": (200, b.searchset(home)), "MedicationAdministration": (403, {})})
    chart = collect([MEDICATIONS], case(fhir), t0=b.T0)
    assert ("m1", frozenset({"medications"})) == (chart.resources["medications"][0]["id"], chart.unanswered)
    assert "medications partly unknown: the FHIR server answered 403" == chart.issues[0].text


def test_half_of_a_required_query_is_none():
    """What could not be read might hold the very thing that is required."""
    fhir = FakeFhir({"MedicationRequest": (200, b.searchset()), "MedicationAdministration": (403, {})})
    with pytest.raises(MissingData, match="403"):
        collect([replace(MEDICATIONS, required=True)], case(fhir), t0=b.T0)


def test_another_patients_answer_is_an_issue_of_its_own():
    """Optional data of somebody else: rejected as a whole, unknown, and said as what it was."""
    fhir = FakeFhir({"DiagnosticReport": (200, b.searchset(b.report("x"), b.report("y", patient="p2")))})
    chart = collect([QUERIES["reports"]], case(fhir), t0=b.T0)
    assert ({"wrong-patient", "query-failed"}, frozenset({"reports"})) == (
        {issue.code for issue in chart.issues},
        chart.unanswered,
    )
    assert "reports" not in chart.resources


def test_reports_are_asked_again_without_category_only_where_there_were_none():
    """Many reports carry no category."""

    def uncategorized(request: Any) -> tuple[int, Any]:
        return 200, b.searchset() if "category=" in request.url else b.searchset(b.report("text"))

    fhir = FakeFhir({"DiagnosticReport": uncategorized})
    assert 1 == len(collect([QUERIES["reports"]], case(fhir), t0=b.T0).resources["reports"])
    assert 2 == len(fhir.asked)
    fhir = FakeFhir({"DiagnosticReport": (200, b.searchset(b.report("text")))})
    collect([QUERIES["reports"]], case(fhir), t0=b.T0)
    assert 1 == len(fhir.asked)


def test_drugs_by_reference_are_read_once_each_and_bounded():
    """One second round; a chart with hundreds of references does not become hundreds of requests."""
    orders = [
        {**b.medication_request("x", id_=f"m{n}"), "medicationReference": {"reference": f"Medication/d{n}"}}
        for n in range(60)
    ]
    fhir = FakeFhir({f"Medication/d{n}": (200, {"resourceType": "Medication", "id": f"d{n}"}) for n in range(60)})
    chart = collect([MEDICATIONS], case(fhir, {"medications": b.searchset(*orders)}))
    assert (50, 50) == (len(chart.resources["follow-ups"]), len(fhir.asked))
    assert ["10 references were not read"] == [issue.text for issue in chart.issues]


def test_a_server_that_hangs_costs_no_more_than_the_deadline():
    """What is not there by then is unknown, also where a name look-up cannot be timed out."""

    def hang(_: Any) -> tuple[int, Any]:
        time.sleep(1)
        return 200, b.searchset()

    client = FhirClient(BASE, session_with(FakeFhir({"Observation": hang})), time.monotonic() + 0.2)
    begun = time.monotonic()
    chart = collect([VITALS], Case(b.PATIENT_ID, b.at(6), client=client), t0=b.T0)
    assert 0.7 > time.monotonic() - begun
    assert frozenset({"vitals"}) == chart.unanswered


def test_what_the_prefetch_carries_is_read_without_asking_anybody():
    """Failed and absent keys are left out, not counted as empty."""
    chart = prefetched(CLINICAL, case(held={key: prefetch()[key] for key in ("nihss", "labs")} | {"reports": "x"}))
    assert {"nihss", "labs"} == set(chart.resources)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["resourceType", "entry", "resource", "link", "id", "issue", "effectivePeriod", "start"]),
            inner | st.sampled_from(["Bundle", "Observation", "OperationOutcome", "Patient"]),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_no_value_of_a_prefetch_key_raises(value: Any):
    """Whatever an EHR sends under a key is an answer, or none."""
    for query in (VITALS, QUERIES["patient"]):
        assert isinstance(given_for(query, value), Sent)
