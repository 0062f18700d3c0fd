"""Home drugs, drugs of the stay, and thrombolytics given."""

from typing import Any

import pytest
from hypothesis import given as given_
from hypothesis import strategies as st

from fhir_mappings.drugs import treatments_from
from fhir_mappings.observations import source_of
from fhir_mappings.reading import read_all
from fhir_mappings.snapshot import Issue, Stay, Treatment
from fhir_mappings.value_sets import drug_of, value_set
from tests.builders import PATIENT_ID, SNOMED, T0, Resource, at, medication_request, subject, when

STAY = Stay(T0, ("Encounter/e1",))
ATC = "http://www.whocc.no/atc"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


def mapped(*raws: Resource, live: bool = True) -> tuple[tuple[Treatment, ...], tuple[Issue, ...]]:
    """What these resources say of the drugs."""
    resources, unread = read_all(raws, "p1")
    assert () == unread
    drugs = {source_of(one): one for one in resources if one.get_resource_type() == "Medication"}
    return treatments_from([one for one in resources if source_of(one) not in drugs], drugs, STAY, live=live)


def states(*raws: Resource) -> list[tuple[str, str]]:
    """Kind and state of each treatment."""
    return [(found.kind, found.state) for found in mapped(*raws)[0]]


def given(text: str, hours: float = 1, status: str = "completed") -> Resource:
    """A MedicationAdministration."""
    return {
        "resourceType": "MedicationAdministration", "id": "a1", "status": status, "subject": subject(),
        "medicationCodeableConcept": {"text": text}, "effectiveDateTime": when(hours),
    }  # fmt: skip


def stated(text: str, status: str = "active", **more: Any) -> Resource:
    """A MedicationStatement."""
    return {
        "resourceType": "MedicationStatement", "id": "s1", "status": status, "subject": subject(),
        "medicationCodeableConcept": {"text": text}, **more,
    }  # fmt: skip


def said(*raws: Resource) -> list[tuple[str, str]]:
    """Code and text of each issue."""
    return [(issue.code, issue.text) for issue in mapped(*raws)[1]]


def period(start: float | None = None, end: float | None = None) -> dict[str, Any]:
    """An effectivePeriod, in days from arrival."""
    ends = {"start": start, "end": end}
    return {"effectivePeriod": {name: when(24 * days) for name, days in ends.items() if days is not None}}


def ordered(hours: float | None = -48, **more: Any) -> Resource:
    """An order of aspirin without a category, before arrival unless told otherwise."""
    order = medication_request("aspirin", hours or 0, category=None) | more
    return order if hours is not None else {name: value for name, value in order.items() if name != "authoredOn"}


def by_reference(reference: dict[str, str] | None, **more: Any) -> Resource:
    """A home drug whose drug is a reference."""
    order = medication_request("x") | {"medicationReference": reference} | more
    return {name: value for name, value in order.items() if name != "medicationCodeableConcept"}


def medication(*ingredients: dict[str, Any], id_: str = "d1", **more: Any) -> Resource:
    """A Medication with ingredients."""
    return {
        "resourceType": "Medication",
        "id": id_,
        **({"ingredient": list(ingredients)} if ingredients else {}),
        **more,
    }


def coded(system: str, code: str) -> Resource:
    """An order whose drug is a code without words."""
    return medication_request("") | {"medicationCodeableConcept": {"coding": [{"system": system, "code": code}]}}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Aspirin 81 MG Oral Tablet", "antiplatelet"),
        ("CLOPIDOGREL 75 mg", "antiplatelet"),
        ("apixaban 5 MG", "anticoagulant"),
        ("Warfarin sodium", "anticoagulant"),
        ("atorvastatin 40 mg", "statin"),
    ],
)
def test_a_drug_is_known_by_its_ingredient(text: str, kind: str) -> None:
    """Anywhere in its text, in any case."""
    assert [(kind, "before_admission")] == states(medication_request(text))


@pytest.mark.parametrize(
    ("system", "code", "kind"),
    [
        (RXNORM, "83367", "statin"),
        (RXNORM, "11289", "anticoagulant"),
        (ATC, "C10AA05", "statin"),
        (ATC, "B01AC06", "antiplatelet"),
        (ATC, "B01AF02", "anticoagulant"),
    ],
)
def test_a_drug_is_known_by_its_code_alone(system: str, code: str, kind: str) -> None:
    """RxNorm ingredients whole, ATC by its beginning."""
    assert [(kind, "before_admission")] == states(coded(system, code))


@pytest.mark.parametrize("kind", sorted(value_set("drugs")))
def test_every_code_of_a_drug_s_row_names_its_class(kind: str) -> None:
    """RxNorm and SNOMED CT whole, ATC with what follows it; by another system the code names nothing."""
    row = value_set("drugs")[kind]
    codings = [(system, code) for system, key in KEYS for code in row.get(key, ())]
    assert {kind} == {drug_of([coding]) for coding in codings}
    assert {None} == {drug_of([("urn:formulary", code)]) for _, code in codings}
    assert {None} == {drug_of([(system, f"{code}9")]) for system, code in codings if system != ATC}
    assert row["source"]


KEYS = ((RXNORM, "rxnorm"), (SNOMED, "snomed"), (ATC, "atc"))


@pytest.mark.parametrize(("code", "ingredient"), [("387152000", "alteplase"), ("127967007", "tenecteplase")])
def test_a_thrombolytic_is_known_by_its_snomed_substance(code: str, ingredient: str) -> None:
    """As the drug given, and as the ingredient of a Medication whose own code says nothing."""
    concept = {"coding": [{"system": SNOMED, "code": code}]}
    assert [("thrombolysis", "done")] == states(given("") | {"medicationCodeableConcept": concept})
    infusion = without_time(given(""), effectiveDateTime=when(1), medicationReference={"reference": "Medication/d1"})
    del infusion["medicationCodeableConcept"]
    drug = medication({"itemCodeableConcept": concept}, code={"text": "Infusion 3"})
    assert ([("thrombolysis", "done")], []) == (states(infusion, drug), said(infusion, drug))


def test_other_drugs_and_heparin_prophylaxis_are_passed_over() -> None:
    """Not every drug concerns us."""
    assert ([], []) == (states(medication_request("metformin")), states(coded(ATC, "B01AB05")))


@pytest.mark.parametrize(
    "order",
    [
        medication_request("aspirin", 2, category="community"),
        medication_request("aspirin", 2, category=None, intent="plan"),
        medication_request("aspirin", 2, category=None) | {"reportedBoolean": True},
        medication_request("aspirin", -48, category=None),
        medication_request("aspirin", -48, category="community", status="on-hold"),
        stated("aspirin"),
    ],
)
def test_a_home_drug_is_stated_reported_planned_of_the_community_or_older_than_the_stay(order: Resource) -> None:
    """Held on admission, it was still taken before."""
    assert [("antiplatelet", "before_admission")] == states(order)


def test_an_inpatient_order_of_the_stay_is_no_home_drug() -> None:
    """Aspirin begun on the stroke unit."""
    assert [("antiplatelet", "in_stay")] == states(medication_request("aspirin", 25, category="inpatient"))


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error", "draft"])
def test_an_order_that_was_none_is_left_out(status: str) -> None:
    """Neither taken nor planned."""
    assert [] == states(medication_request("aspirin", status=status))


def test_a_drug_that_is_not_taken_is_left_out() -> None:
    """A statement may say so; an order may forbid."""
    assert [] == states(stated("aspirin", "not-taken"), medication_request("statin") | {"doNotPerform": True})
    assert [] == states(medication_request("aspirin") | {"doNotPerform": True})


def test_an_order_that_ended_long_ago_is_no_home_drug() -> None:
    """A course of years ago was not taken before this stroke; one of last month was (assumption)."""
    assert [] == states(medication_request("aspirin", -24 * 400, status="completed"))
    assert [("antiplatelet", "before_admission")] == states(medication_request("aspirin", -24 * 30, status="completed"))


def test_a_home_drug_is_known_from_arrival_and_one_charted_later_from_then_on() -> None:
    """Nothing charted at hour 5 is seen at hour 3."""
    assert None is mapped(medication_request("aspirin", -48))[0][0].available
    assert at(5) == mapped(medication_request("aspirin", 5))[0][0].available


@pytest.mark.parametrize("status", ["completed", "in-progress", "stopped"])
def test_a_thrombolytic_given_in_the_stay_is_thrombolysis(status: str) -> None:
    """By its administration, whole or stopped."""
    (found,), _ = mapped(given("Alteplase 90 mg IV", status=status))
    assert ("thrombolysis", "done", at(1)) == (found.kind, found.state, found.effective)


def test_a_thrombolytic_of_the_sending_hospital_counts_and_an_old_one_does_not() -> None:
    """Drip and ship: within a day before arrival."""
    assert [("thrombolysis", "done")] == states(given("tenecteplase", -3))
    assert [] == states(given("tenecteplase", -24 * 30))


def test_an_order_of_a_thrombolytic_is_no_infusion() -> None:
    """Ordered is not given; neither is an administration that did not happen."""
    assert [] == states(medication_request("alteplase", 1, category="inpatient"), given("alteplase", status="not-done"))


@pytest.mark.parametrize(
    "reference",
    [
        "Medication/d1",
        "https://ehr.example/fhir/Medication/d1",
        "Medication/d1/_history/3",
        "https://ehr.example/fhir/Medication/d1/_history/3",
    ],
)
def test_a_drug_by_reference_is_looked_up(reference: str) -> None:
    """Among the chart's resources, by relative, absolute or versioned reference."""
    drug = medication(code={"text": "simvastatin"})
    assert [("statin", "before_admission")] == states(by_reference({"reference": reference}), drug)


def test_a_drug_by_uuid_or_inside_the_order_is_looked_up() -> None:
    """As in a Bundle, and as a contained resource."""
    uuid = "8d0a5c1e-0000-4000-8000-0123456789ab"
    drug = medication(id_=uuid, code={"text": "simvastatin"})
    assert [("statin", "before_admission")] == states(by_reference({"reference": f"urn:uuid:{uuid}"}), drug)
    held = by_reference({"reference": "#d1"}, contained=[medication(code={"text": "simvastatin"})])
    assert [("statin", "before_admission")] == states(held)


@pytest.mark.parametrize(
    "reference", [{"reference": "Medication/lost"}, {"reference": "#lost"}, {"display": "metformin"}]
)
def test_a_drug_that_cannot_be_looked_up_is_said(reference: dict[str, str]) -> None:
    """Unknown is not "none"."""
    expected = [("unread", "MedicationRequest/m1: the drug it refers to was not found")]
    assert (expected, []) == (said(by_reference(reference)), states(by_reference(reference)))


def test_the_display_of_a_reference_names_the_drug_where_that_is_lost() -> None:
    """Many servers send both."""
    lost = by_reference({"reference": "Medication/lost", "display": "Clopidogrel 75 mg tablet"})
    assert ([("antiplatelet", "before_admission")], []) == (states(lost), said(lost))


def test_a_medication_entered_in_error_names_no_drug() -> None:
    """And that is said."""
    drug = medication(code={"text": "simvastatin"}, status="entered-in-error")
    order = by_reference({"reference": "Medication/d1"})
    assert [("unread", "MedicationRequest/m1: the drug it refers to was entered in error")] == said(order, drug)


STATIN = {"itemCodeableConcept": {"coding": [{"system": RXNORM, "code": "36567"}]}}


@pytest.mark.parametrize(
    "code", [None, {"coding": [{"system": "urn:formulary", "code": "4711"}]}, {"text": "Tablet 7"}]
)
def test_ingredients_count_where_the_code_names_no_class(code: dict[str, Any] | None) -> None:
    """A formulary's own code, a name that says nothing, or no code at all."""
    drug = medication(STATIN, **({"code": code} if code else {}))
    order = by_reference({"reference": "Medication/d1"})
    assert ([("statin", "before_admission")], []) == (states(order, drug), said(order, drug))


def test_an_inactive_ingredient_does_not_count_and_a_referenced_one_does() -> None:
    """By reference within the order, or to another Medication."""
    order = by_reference({"reference": "Medication/d1"})
    assert [] == states(order, medication(STATIN | {"isActive": False}, code={"text": "Tablet 7"}))
    other = medication(id_="d2", code={"text": "warfarin"})
    combined = medication({"itemReference": {"reference": "Medication/d2"}})
    assert [("anticoagulant", "before_admission")] == states(order, combined, other)
    substance = {"resourceType": "Substance", "id": "s", "code": {"text": "aspirin"}}
    inside = by_reference(
        {"reference": "#d1"}, contained=[medication({"itemReference": {"reference": "#s"}}), substance]
    )
    assert [("antiplatelet", "before_admission")] == states(inside)


def test_a_code_that_is_not_known_and_has_no_name_is_said() -> None:
    """RxNorm and national codes are of products: without a name nobody can tell. Of ATC we know what is ours."""
    assert [("unread", "MedicationRequest/m1: its drug has a code that is not known and no name")] == said(
        coded(RXNORM, "243670")
    )
    assert [] == said(coded(ATC, "B01AB05"))


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("acetylsalicylic acid 75 mg tablet", ["antiplatelet"]),
        ("Aspirin81mg EC (do not crush)", ["antiplatelet"]),
        ("aspirin 81 mg, sugar free", ["antiplatelet"]),
        ("aspirin/dipyridamole 25/200 mg", ["antiplatelet"]),
        ("Aspirin 100 mg / atorvastatin 20 mg / ramipril 5 mg", ["antiplatelet", "statin"]),
        ("amlodipine-atorvastatin 5-40", ["statin"]),
        ("nystatin oral suspension", []),
        ("5-ASA (mesalamine)", []),
        ("no aspirin", []),
        ("No home aspirin", []),
        ("Patient not taking any aspirin", []),
        ("aspirin allergy", []),
        ("Allergy: aspirin", []),
        ("allergic to aspirin", []),
        ("aspirin-free analgesic", []),
        ("aspirin 81 mg tablet - discontinued", []),
        ("clopidogrel 75 mg instead of aspirin", ["antiplatelet"]),
        ("apixaban 5 mg (replaces warfarin)", ["anticoagulant"]),
        ("clopidogrel, no aspirin", ["antiplatelet"]),
        ("atorvastatin 40 mg, no aspirin", ["statin"]),
    ],
)
def test_a_name_counts_as_a_whole_word_that_nothing_denies(text: str, kinds: list[str]) -> None:
    """A combination counts through each of its parts; an allergy is no drug."""
    assert kinds == [kind for kind, _ in states(medication_request(text))]


def test_what_a_text_denies_is_said_and_overrides_a_code() -> None:
    """A code for aspirin with the words "aspirin allergy" contradicts itself: not used."""
    allergy = medication_request("aspirin allergy", rxnorm="1191")
    expected = [("contradictory", "antiplatelet MedicationRequest/m1 not counted: its text denies it")]
    assert ([], expected) == (states(allergy), said(allergy))


def test_a_reason_is_not_a_drug() -> None:
    """Neither why an order was written nor why it stopped."""
    order = medication_request("metformin") | {
        "statusReason": {"text": "replaced by apixaban"}, "reasonCode": [{"text": "aspirin allergy"}],
    }  # fmt: skip
    assert ([], []) == (states(order), said(order))


def test_an_order_reported_by_somebody_is_a_home_drug() -> None:
    """By reference as by a flag, though it was written in the stay."""
    reported = ordered(2, reportedReference={"reference": f"Patient/{PATIENT_ID}"})
    assert [("antiplatelet", "before_admission")] == states(reported)


@pytest.mark.parametrize(
    ("order", "state"),
    [
        (medication_request("aspirin", -3, category="inpatient"), "in_stay"),
        (medication_request("aspirin", -48, category="inpatient"), "before_admission"),
        (medication_request("aspirin", 60, category="discharge"), "in_stay"),
        (medication_request("aspirin", 60, category="discharge", intent="plan"), "in_stay"),
        (medication_request("aspirin", -24 * 30, category="discharge"), "before_admission"),
        (ordered(2), "in_stay"),
    ],
)
def test_treatment_of_the_day_before_arrival_and_plans_for_discharge_are_no_home_drugs(
    order: Resource, state: str
) -> None:
    """The sending hospital's first aspirin was not taken before this stroke."""
    assert [("antiplatelet", state)] == states(order)


@pytest.mark.parametrize(
    ("day", "home"), [("2026-03-01", True), ("2026-03-02", False), ("2025", True), ("2026-03", False)]
)
def test_part_of_a_date_counts_as_before_arrival_only_if_all_of_it_is(day: str, home: bool) -> None:
    """On the day of arrival nothing tells, and that is said."""
    order = ordered(authoredOn=day)
    doubt = [("assumed", "antiplatelet MedicationRequest/m1 not counted: before or after arrival is unknown")]
    assert [("antiplatelet", "before_admission" if home else "in_stay")] == states(order)
    assert ([] if home else doubt) == said(order)


def test_an_order_without_a_date_is_a_home_drug_only_where_it_says_so() -> None:
    """A category does; without one it is said."""
    assert [("antiplatelet", "in_stay")] == states(ordered(None))
    assert 1 == len(said(ordered(None)))
    community = medication_request("aspirin")
    del community["authoredOn"]
    assert ([("antiplatelet", "before_admission")], []) == (states(community), said(community))


@pytest.mark.parametrize(
    ("order", "why"),
    [
        (ordered(status="draft"), "draft"),
        (ordered(status="cancelled"), "cancelled"),
        (ordered(status="unknown"), "unknown"),
        (ordered(doNotPerform=True), "an order not to give it"),
        (ordered(intent="proposal"), "intent proposal"),
        (ordered(intent="option"), "intent option"),
    ],
)
def test_why_an_order_is_none_is_said(order: Resource, why: str) -> None:
    """One word on the card, as nothing else tells of the class."""
    expected = [("not-final", f"antiplatelet MedicationRequest/m1 not counted: {why}")]
    assert ([], expected) == (states(order), said(order))


def test_what_was_entered_in_error_is_not_said() -> None:
    """It never was."""
    assert [] == said(ordered(status="entered-in-error"))


def test_a_drug_on_hold_was_taken_before_and_that_is_said() -> None:
    """When it was put on hold nobody charts, unless the reason is the admission itself."""
    held = ordered(status="on-hold")
    assert [("antiplatelet", "before_admission")] == states(held)
    assert [("not-final", "antiplatelet MedicationRequest/m1 counted: on-hold")] == said(held)
    system = "http://terminology.hl7.org/CodeSystem/medicationrequest-status-reason"
    reason = {"statusReason": {"coding": [{"system": system, "code": "hospadm"}]}}
    assert [] == said(held | reason)
    assert [("antiplatelet", "before_admission")] == states(ordered(-24 * 400, status="stopped", **reason))


def test_an_order_stopped_not_long_ago_counts_and_is_said() -> None:
    """It may have been stopped at admission; one of years ago was not."""
    recent, old = ordered(-24 * 30, status="stopped"), ordered(-24 * 400, status="stopped")
    assert [("antiplatelet", "before_admission")] == states(recent)
    assert [("assumed", "antiplatelet MedicationRequest/m1 counted: stopped, when is unknown")] == said(recent)
    assert [("assumed", "antiplatelet MedicationRequest/m1 not counted: stopped, and written long ago")] == said(old)


def bounded(*ends: float | None) -> list[Resource]:
    """A dosage of one line for each end, in days from arrival."""
    return [
        {"timing": {"repeat": {"boundsPeriod": {"end": when(24 * end)}}}} if end else {"text": "daily"} for end in ends
    ]


@pytest.mark.parametrize(
    ("dosage", "home"),
    [
        (bounded(-60), False),
        (bounded(-3), True),
        (bounded(30), True),
        (bounded(-60, 30), True),
        (bounded(-60, None), True),
    ],
)
def test_an_order_whose_course_ended_before_arrival_is_no_home_drug(dosage: list[Resource], home: bool) -> None:
    """Every line of its dosage has to have ended, and more than a week ago (assumption)."""
    found = states(ordered(-24 * 80, status="completed", dosageInstruction=dosage))
    assert ([("antiplatelet", "before_admission")] if home else []) == found


@pytest.mark.parametrize(
    ("statement", "state"),
    [
        (stated("aspirin", **period(-400)), "before_admission"),
        (stated("aspirin", **period(-400, 30)), "before_admission"),
        (stated("aspirin", "completed", **period(-400, 1)), "before_admission"),
        (stated("aspirin", "stopped", **period(-400, -3)), "before_admission"),
        (stated("aspirin", "on-hold"), "before_admission"),
        (stated("aspirin", effectiveDateTime=when(2)), "before_admission"),
        (stated("aspirin", **period(1)), "in_stay"),
        (stated("aspirin", category={"coding": [{"code": "inpatient"}]}), "in_stay"),
    ],
)
def test_a_statement_tells_a_home_drug_unless_taking_began_in_the_stay(statement: Resource, state: str) -> None:
    """A drug history is often taken in the stay: its own time is not the drug's."""
    assert [("antiplatelet", state)] == states(statement)


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        (stated("aspirin", **period(-400, -60)), "ended before arrival"),
        (stated("aspirin", "completed", **period(None, -60)), "ended before arrival"),
        (stated("aspirin", "completed"), "completed, when is unknown"),
        (stated("aspirin", "stopped", **period(-400)), "stopped, when is unknown"),
        (stated("aspirin", "stopped", dateAsserted=when(2)), "stopped, when is unknown"),
        (stated("aspirin", "not-taken"), "not-taken"),
        (stated("aspirin", "intended"), "intended"),
        (stated("aspirin", "unknown"), "unknown"),
    ],
)
def test_a_drug_stated_as_over_or_not_taken_is_no_home_drug(statement: Resource, why: str) -> None:
    """What was no longer taken counts only by a charted end, in the week before arrival at the earliest."""
    assert [] == states(statement)
    assert [f"antiplatelet MedicationStatement/s1 not counted: {why}"] == [text for _, text in said(statement)]


def test_a_statement_is_known_from_when_it_was_asserted() -> None:
    """A drug history of hour 5 is not seen at hour 3, whenever the drug was begun."""
    history = stated("aspirin", dateAsserted=when(5), **period(-400))
    assert at(5) == mapped(history)[0][0].available
    assert None is mapped(stated("aspirin", dateAsserted=when(-48), **period(-400)))[0][0].available


def test_a_word_is_said_only_where_no_other_resource_settles_the_class() -> None:
    """Ten years of refills would hide the rest of the card; of what is open the last one is named."""
    old = [ordered(-24 * days, id=f"m{days}", status="stopped") for days in (900, 500, 700)]
    assert [
        ("assumed", "antiplatelet MedicationRequest/m500 not counted: stopped, and written long ago (and 2 more)")
    ] == said(*old)
    assert [] == said(*old, ordered())


def test_of_two_doubts_the_word_is_on_what_counts() -> None:
    """A card must not say "not counted" of a class that counts."""
    held = ordered(-24 * 200, id="held", status="on-hold")
    later = ordered(-48, id="later", status="cancelled")
    expected = [("not-final", "antiplatelet MedicationRequest/held counted: on-hold (and 1 more)")]
    assert ([("antiplatelet", "before_admission")], expected) == (states(held, later), said(held, later))


def test_without_a_stay_an_order_of_a_thrombolytic_is_not_said() -> None:
    """It may be of any year."""
    (order,), _ = read_all([medication_request("alteplase", 1)], "p1")
    assert ((), ()) == treatments_from([order], {}, None, live=True)


@pytest.mark.parametrize(
    ("hours", "more", "expected"),
    [
        (1, {}, ["in_stay"]),
        (-3, {}, ["in_stay"]),
        (-24 * 30, {}, ["before_admission"]),
        (-24 * 400, {}, []),
        (2, {"category": {"coding": [{"code": "community"}]}}, ["before_admission"]),
    ],
)
def test_what_was_given_long_before_or_at_home_is_a_home_drug(
    hours: float, more: dict[str, Any], expected: list[str]
) -> None:
    """The ambulance's aspirin is not."""
    assert expected == [state for _, state in states(given("aspirin", hours) | more)]


def without_time(raw: Resource, **more: Any) -> Resource:
    """The same without its effectiveDateTime."""
    return {name: value for name, value in raw.items() if name != "effectiveDateTime"} | more


def test_a_running_infusion_counts_from_its_start() -> None:
    """By its effectivePeriod, with or without an end; where only the end is charted, from then."""
    for bounds, hours in (({"start": when(1)}, 1), ({"start": when(1), "end": when(2)}, 1), ({"end": when(2)}, 2)):
        running = without_time(given("alteplase 81 mg", status="in-progress"), effectivePeriod=bounds)
        assert [("thrombolysis", at(hours))] == [(one.kind, one.effective) for one in mapped(running)[0]]


@pytest.mark.parametrize("text", ["prourokinase 35 mg", "rt-PA 63 mg IV", "TPA infusion", "tenecteplase 0.25 mg/kg"])
def test_thrombolytics_have_several_names(text: str) -> None:
    """Ingredients and the abbreviation of tissue plasminogen activator."""
    assert [("thrombolysis", "done")] == states(given(text))


def test_a_thrombolytic_of_unknown_time_counts_by_its_encounter_alone() -> None:
    """Nothing else ties it to this stay; part of a date is no time."""
    for undated in (
        without_time(given("alteplase"), effectiveDateTime="2026-03"),
        without_time(given("alteplase"), effectivePeriod={"end": "2026"}),
    ):
        tied = undated | {"context": {"reference": "Encounter/e1"}}
        assert [("thrombolysis", "done")] == states(tied)
        expected = [("assumed", "thrombolysis MedicationAdministration/a1 not counted: neither time nor encounter")]
        assert ([], expected) == (states(undated), said(undated))


@pytest.mark.parametrize("status", ["not-done", "on-hold", "unknown"])
def test_a_thrombolytic_that_may_not_have_been_given_is_said(status: str) -> None:
    """On hold it may never have begun."""
    found = given("alteplase", status=status)
    expected = [("not-final", f"thrombolysis MedicationAdministration/a1 not counted: {status}")]
    assert ([], expected) == (states(found), said(found))


def test_a_thrombolytic_ordered_or_stated_in_the_stay_and_not_given_is_said() -> None:
    """Unless an administration settles it."""
    order = medication_request("alteplase", 1, category="inpatient")
    expected = [("assumed", "thrombolysis MedicationRequest/m1 not counted: no administration")]
    assert (expected, []) == (said(order), said(order, given("alteplase")))
    assert 1 == len(said(stated("alteplase", effectiveDateTime=when(1))))
    assert [] == said(medication_request("alteplase", -24 * 400))


@pytest.mark.parametrize(
    "more",
    [
        {"medicationCodeableConcept": {"text": "alteplase 2 mg (Cathflo)"}},
        {"dosage": {"text": "2 mg into each lumen"}},
        {"dosage": {"route": {"text": "intracatheter"}}},
        {"dosage": {"route": {"coding": [{"display": "Intracatheter route"}]}}},
    ],
)
def test_alteplase_for_a_blocked_catheter_is_no_thrombolysis(more: dict[str, Any]) -> None:
    """By the words of its name, dosage or route (assumption); it is said."""
    flush = given("alteplase 2 mg") | more
    expected = [("assumed", "thrombolysis MedicationAdministration/a1 not counted: for a catheter")]
    assert ([], expected) == (states(flush), said(flush))


@pytest.mark.parametrize(("code", "kind"), [("B01AD02", "thrombolysis"), ("B01AD12", None), ("B01AD10", None)])
def test_protein_c_is_no_thrombolytic(code: str, kind: str | None) -> None:
    """ATC B01AD holds more than thrombolytics."""
    raw = given("x") | {"medicationCodeableConcept": {"coding": [{"system": ATC, "code": code}]}}
    assert ([kind] if kind else []) == [found for found, _ in states(raw)]


@pytest.mark.parametrize("code", ["B01AC09", "B01AC11", "B01AC21", "B01AC27"])
def test_drugs_for_pulmonary_hypertension_are_no_antiplatelets(code: str) -> None:
    """ATC B01AC holds prostacyclins, too."""
    assert [] == states(coded(ATC, code))


@given_(st.text(max_size=60), st.sampled_from(["aspirin", "warfarin", "alteplase"]), st.text(max_size=60))
def test_no_text_of_a_drug_raises(before: str, name: str, behind: str) -> None:
    """Whatever stands around a name, and nothing is named that does not stand there."""
    found = {kind for kind, _ in states(medication_request(f"{before}{name}{behind}"))}
    assert found <= {"antiplatelet", "anticoagulant", "statin"}
