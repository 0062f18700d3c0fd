"""What an EHR sent along: answered, empty, failed or cut off; and what collecting makes of it."""

import threading
import time
from contextlib import suppress
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
DRUGS = (MEDICATIONS, QUERIES["administrations"])


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
    """What was found counts, absence does not."""
    chart = collect([VITALS], case(FakeFhir({"Observation": newest_only})), t0=b.T0)
    assert (["hr"], frozenset({"vitals"})) == ([raw["id"] for raw in chart.resources["vitals"]], chart.unanswered)
    assert "vitals partly unknown: the FHIR server answered 403" == chart.issues[0].text


def newest_only(request: Any) -> tuple[int, Any]:
    """A server that refuses a search by date."""
    return (403, {}) if "date=" in request.url else (200, b.searchset(b.observation("8867-4", 80, "/min", 5, "hr")))


def test_half_of_a_required_query_is_none():
    """What could not be read might hold the very thing that is required."""
    with pytest.raises(MissingData, match="403"):
        collect([replace(VITALS, required=True)], case(FakeFhir({"Observation": newest_only})), t0=b.T0)


INFUSION = {"resourceType": "MedicationAdministration", "id": "a1", "subject": b.subject()}
UNKNOWN = frozenset({"administrations"})


def test_administrations_are_asked_by_one_request_where_only_orders_were_sent():
    """An EHR that copied the templates before there was one for them: nobody asked, so we do."""
    fhir = FakeFhir({"MedicationAdministration": (200, b.searchset(INFUSION))})
    chart = collect(DRUGS, case(fhir, {"medications": b.searchset(b.medication_request("Aspirin"))}), t0=b.T0)
    assert (["MedicationAdministration"], frozenset()) == (fhir.paths, chart.unanswered)
    assert ["a1"] == [raw["id"] for raw in chart.resources["administrations"]]


@pytest.mark.parametrize(
    "held",
    [
        {"medications": b.searchset(), "administrations": b.searchset()},
        {"medications": b.searchset(), "administrations": None},
        {"medications": b.searchset(b.medication_request("Aspirin"), INFUSION)},
    ],
)
def test_administrations_that_were_sent_are_not_asked_again(held: dict[str, Any]):
    """Under their own key, empty or not, or beside the orders."""
    fhir = FakeFhir({"MedicationRequest": (200, b.searchset()), "MedicationStatement": (200, b.searchset())})
    chart = collect(DRUGS, case(fhir, held), t0=b.T0)
    assert (0, frozenset(), ()) == (len(fhir.params("Administration")), chart.unanswered, chart.issues)


@pytest.mark.parametrize(
    ("fhir", "why"),
    [(None, "no fhirServer was given"), (FakeFhir({"MedicationAdministration": (403, {})}), "answered 403")],
)
def test_what_was_given_is_unknown_where_nobody_answers_and_said_once(fhir: FakeFhir | None, why: str):
    """Many servers serve no MedicationAdministration. The orders that were sent stay."""
    chart = collect(DRUGS, case(fhir, {"medications": b.searchset(b.medication_request("Aspirin"))}), t0=b.T0)
    assert (UNKNOWN, ["m1"]) == (chart.unanswered, [raw["id"] for raw in chart.resources["medications"]])
    (issue,) = chart.issues
    assert issue.text.startswith("drugs given (thrombolysis) unknown: ")
    assert why in issue.text


def test_administrations_beside_an_error_are_asked():
    """A Bundle that tells of a failure answers nothing, also not for another key."""
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}
    fhir = FakeFhir({kind: (200, b.searchset()) for kind in ("MedicationRequest", "MedicationAdministration")})
    collect(DRUGS, case(fhir, {"medications": b.searchset(INFUSION, outcome)}), t0=b.T0)
    assert 1 == len(fhir.params("MedicationAdministration"))


@pytest.mark.parametrize("key", ["medications", "administrations"])
def test_a_part_of_what_was_given_does_not_say_that_no_more_was(key: str):
    """The newest page of a ward's administrations does not reach back to a thrombolysis at arrival."""
    held = {"medications": b.searchset()} | {key: b.searchset(INFUSION, next_url=f"{BASE}?page=2")}
    chart = collect(DRUGS, case(held=held), t0=b.T0)
    assert (True, ["a1"]) == (UNKNOWN <= chart.unanswered, [raw["id"] for raw in chart.resources["administrations"]])
    pages = FakeFhir({"MedicationAdministration": (200, held[key]), "": (500, {})})
    assert UNKNOWN == collect(DRUGS[1:], case(pages), t0=b.T0).unanswered


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


def test_reports_of_this_house_are_asked_for_beside_the_scan_that_a_transfer_brought():
    """An answer that holds only what is from before the stay says nothing of it."""
    brought, own = b.report("text", -3, "brought"), b.report("text", 1, "own")

    def uncategorized(request: Any) -> tuple[int, Any]:
        return 200, b.searchset(brought) if "category=" in request.url else b.searchset(brought, own)

    chart = collect([QUERIES["reports"]], case(FakeFhir({"DiagnosticReport": uncategorized})), t0=b.T0)
    assert {"brought", "own"} == {raw["id"] for raw in chart.resources["reports"]}


LACKING = ("nihss", "reports", "medications")


def together(waited_for: dict[str, Any]) -> FakeFhir:
    """A server that finds nothing at first, and answers what is asked in its place only once all of it is asked."""
    everybody = threading.Barrier(len(waited_for))

    def late(answer: Any) -> Any:
        def given(request: Any) -> Any:
            if "category=" in request.url:
                return 200, b.searchset()
            with suppress(threading.BrokenBarrierError):
                everybody.wait(2)
            return (504, {}) if everybody.broken else answer

        return given

    first = dict.fromkeys(("Observation", "MedicationRequest", "DiagnosticReport"), (200, b.searchset()))
    return FakeFhir(first | {path: late(answer) for path, answer in waited_for.items()})


def test_what_is_asked_in_the_place_of_several_answers_is_asked_at_once():
    """Forms, reports of any category and drugs stated: one round trip, not three."""
    form = {"resourceType": "QuestionnaireResponse", "id": "f1", "subject": b.subject()}
    stated = {"resourceType": "MedicationStatement", "id": "s1", "subject": b.subject()}
    found = (form, b.report("text", id_="r1"), stated)
    fhir = together({raw["resourceType"]: (200, b.searchset(raw)) for raw in found})
    chart = collect([QUERIES[key] for key in LACKING], case(fhir), t0=b.T0)
    assert {"nihss": ["f1"], "reports": ["r1"], "medications": ["s1"]} == {
        key: [raw["id"] for raw in raws] for key, raws in chart.resources.items()
    }
    assert (6, ()) == (len(fhir.asked), chart.issues)


def test_one_that_fails_in_anothers_place_leaves_the_rest():
    """Documents are asked after reports of any category; a form that cannot be had ends nothing."""
    document = {"resourceType": "DocumentReference", "id": "d1", "subject": b.subject()}
    nothing = dict.fromkeys(("Observation", "DiagnosticReport", "MedicationRequest"), (200, b.searchset()))
    fhir = FakeFhir(nothing | {"QuestionnaireResponse": (403, {}), "DocumentReference": (200, b.searchset(document))})
    chart = collect([QUERIES[key] for key in LACKING], case(fhir), t0=b.T0)
    assert ["d1"] == [raw["id"] for raw in chart.resources["reports"]]
    assert frozenset({"nihss", "medications"}) == chart.unanswered
    assert [
        "NIHSS partly unknown: the FHIR server answered 403 (QuestionnaireResponse)",
        "medications partly unknown: the FHIR server answered 404 (MedicationStatement)",
    ] == [issue.text for issue in chart.issues]


def test_pages_lost_of_what_is_asked_in_anothers_place_are_said():
    """A part of the drugs stated says nothing of the others."""
    stated = {"resourceType": "MedicationStatement", "id": "s1", "subject": b.subject()}
    first = b.searchset(stated, next_url=f"{BASE}/MedicationStatement/gone?page=2")
    fhir = FakeFhir({"MedicationRequest": (200, b.searchset()), "MedicationStatement": (200, first)})
    chart = collect([MEDICATIONS], case(fhir), t0=b.T0)
    assert (["s1"], frozenset({"medications"})) == (
        [raw["id"] for raw in chart.resources["medications"]], chart.unanswered,
    )  # fmt: skip
    assert ["medications may be incomplete: not all pages were read (MedicationStatement)"] == [
        issue.text for issue in chart.issues
    ]


def ordered(*references: str) -> dict[str, Any]:
    """A prefetch of orders of these drugs."""
    orders = [
        {**b.medication_request("x", id_=f"m{n}"), "medicationReference": {"reference": reference}}
        for n, reference in enumerate(references)
    ]
    return {"medications": b.searchset(*orders)}


def test_a_drug_by_a_url_of_our_own_base_is_read_once():
    """Oracle's servers write whole URLs."""
    fhir = FakeFhir({"Medication/d1": (200, {"resourceType": "Medication", "id": "d1"})})
    held = ordered(f"{BASE}/Medication/d1/_history/2", "https://EHR.example:443/fhir/Medication/d1")
    chart = collect([MEDICATIONS], case(fhir, held))
    assert [f"{BASE}/Medication/d1"] == [one.url for one in fhir.asked]
    assert (1, ()) == (len(chart.resources["follow-ups"]), chart.issues)


def test_a_document_of_another_server_is_neither_read_there_nor_here_and_said():
    """There the request, and its token, has no business; here the id may be another patient's document."""
    report = b.report("x") | {"presentedForm": [{"url": "https://elsewhere.example/fhir/Binary/b1"}]}
    fhir = FakeFhir({"Binary/b1": (200, {"resourceType": "Binary", "id": "b1"})})
    chart = collect([QUERIES["reports"]], case(fhir, {"reports": b.searchset(report)}))
    assert ([], {"reports"}) == (fhir.asked, set(chart.resources))
    assert ["references that are not on this call's FHIR server were not read (1)"] == [
        issue.text for issue in chart.issues
    ]


def test_without_a_server_no_absolute_reference_is_ours():
    """Nothing says whose base the prefetch came from."""
    chart = collect([MEDICATIONS], case(held=ordered(f"{BASE}/Medication/d1", "Medication/d2")))
    assert [
        "Medication/d2, a drug, was not read (no fhirServer was given)",
        "references that are not on this call's FHIR server were not read (1)",
    ] == [issue.text for issue in chart.issues]


@pytest.mark.parametrize(
    ("kind", "said"),
    [("Medication", "a drug"), ("Binary", "an attachment"), ("Observation", "a result"), ("Encounter", "an earlier")],
)
def test_what_was_not_read_is_called_what_it_is(kind: str, said: str):
    """An attachment is no drug."""
    bare = {key: value for key, value in b.report("x").items() if key != "conclusion"}
    held = {
        "Medication": ordered("Medication/x"),
        "Binary": {"reports": b.searchset(b.report("x") | {"presentedForm": [{"url": "Binary/x"}]})},
        "Observation": {"reports": b.searchset(bare | {"result": [{"reference": "Observation/x"}]})},
        "Encounter": {"encounters": b.searchset(b.encounter(part_of="x"))},
    }[kind]
    chart = collect([QUERIES[key] for key in held], case(held=held))
    assert f"{kind}/x, {said}" in chart.issues[-1].text


def test_drugs_stated_are_asked_where_only_infusions_were_found():
    """A chart with an infusion and no order may hold its home drugs as statements."""
    stated = {"resourceType": "MedicationStatement", "id": "s1", "status": "active", "subject": b.subject()}
    fhir = FakeFhir(
        {
            "MedicationRequest": (200, b.searchset()),
            "MedicationAdministration": (200, b.searchset(INFUSION)),
            "MedicationStatement": (200, b.searchset(stated)),
        }
    )
    chart = collect(DRUGS, case(fhir), t0=b.T0)
    assert ["s1", "a1"] == [raw["id"] for key in ("medications", "administrations") for raw in chart.resources[key]]


def test_drugs_by_reference_are_read_once_each_and_bounded():
    """One second round; a chart with hundreds of references does not become hundreds of requests."""
    held = ordered(*(f"Medication/d{n}" for n in range(60)))
    fhir = FakeFhir({f"Medication/d{n}": (200, {"resourceType": "Medication", "id": f"d{n}"}) for n in range(60)})
    chart = collect([MEDICATIONS], case(fhir, held))
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
