"""Home drugs, drugs of the stay, and thrombolytics given."""

from typing import Any

import pytest

from fhir_mappings.drugs import treatments_from
from fhir_mappings.observations import source_of
from fhir_mappings.reading import read_all
from fhir_mappings.snapshot import Issue, Stay, Treatment
from tests.builders import T0, Resource, at, medication_request, subject, when

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


def test_a_drug_by_reference_is_looked_up() -> None:
    """Among the chart's resources, by relative or absolute reference, and inside the order itself."""
    order = medication_request("x")
    del order["medicationCodeableConcept"]
    drug = {"resourceType": "Medication", "id": "d1", "code": {"text": "simvastatin"}}
    for reference in ("Medication/d1", "https://ehr.example/fhir/Medication/d1"):
        assert [("statin", "before_admission")] == states(
            order | {"medicationReference": {"reference": reference}}, drug
        )
    held = order | {"medicationReference": {"reference": "#d1"}, "contained": [drug]}
    assert [("statin", "before_admission")] == states(held)


def test_a_drug_that_cannot_be_looked_up_is_said() -> None:
    """Unknown is not "none"."""
    order = medication_request("x") | {"medicationReference": {"reference": "Medication/lost"}}
    del order["medicationCodeableConcept"]
    found, issues = mapped(order)
    assert ((), ["unread"]) == (found, [issue.code for issue in issues])
