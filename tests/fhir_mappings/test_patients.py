"""Age and sex, and which Encounters make up the stay."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.patients import encounter_named, patient_from, stay_from
from fhir_mappings.reading import read_all
from fhir_mappings.snapshot import Issue, Stay
from tests.builders import T0, Resource, at, encounter, patient


def read(*raws: Resource) -> tuple[Any, ...]:
    """The validated resources; every one must be readable."""
    resources, issues = read_all(raws, "p1")
    assert () == issues
    return resources


def stay(*raws: Resource, hours: float = 4, encounter_id: str | None = None) -> Stay:
    """The stay that these Encounters make at that hour."""
    found, _ = stay_from(read(*raws), at(hours), encounter_id=encounter_id)
    assert found is not None
    return found


def stay_issues(*raws: Resource, hours: float = 4) -> tuple[Issue, ...]:
    """What was said of these Encounters."""
    return stay_from(read(*raws), at(hours))[1]


@pytest.mark.parametrize(
    ("born", "years"),
    [("1955-03-02", 71), ("1955-03-03", 70), ("1955-03", 71), ("1955", 71), (None, None), ("2026-03-03", None)],
)
def test_age_is_in_whole_years_at_arrival(born: str | None, years: int | None) -> None:
    """The birthday itself counts; part of a date gives the highest age it can; the future none."""
    (resource,) = read(patient(birth_date=born))
    assert years == patient_from(resource, T0)[0].age_years


def test_a_default_birth_date_is_no_age() -> None:
    """0001-01-01 stands for "not known" on some servers."""
    (resource,) = read(patient(birth_date="1800-01-01"))
    found, issues = patient_from(resource, T0)
    assert (None, ["malformed"]) == (found.age_years, [issue.code for issue in issues])


def test_an_age_from_part_of_a_date_is_said() -> None:
    """It is an assumption."""
    (resource,) = read(patient(birth_date="1955"))
    assert ["assumed"] == [issue.code for issue in patient_from(resource, T0)[1]]


@pytest.mark.parametrize(
    ("gender", "sex"), [("female", "female"), ("male", "male"), ("other", None), ("unknown", None)]
)
def test_sex_is_female_male_or_unknown(gender: str, sex: str | None) -> None:
    """The model knows two; the rest is not guessed."""
    (resource,) = read(patient(gender=gender))
    assert sex == patient_from(resource, T0)[0].sex


@given(st.dates())
def test_no_birth_date_breaks_the_age(born: Any) -> None:
    """Any date gives an age from 0 to 130, or none."""
    (resource,) = read(patient(birth_date=born.isoformat()))
    age = patient_from(resource, T0)[0].age_years
    assert age is None or 0 <= age <= 130


def test_one_inpatient_encounter_is_the_stay() -> None:
    """Arrival is its start."""
    assert Stay(T0, ("Encounter/e1",), None, ("Left weakness",)) == stay(encounter(reason="Left weakness"))


@pytest.mark.parametrize("part_of", ["e1", None])
def test_the_emergency_visit_before_it_gives_the_arrival(part_of: str | None) -> None:
    """By ``partOf``, or because less than six hours lie between them; the inpatient one is named first."""
    found = stay(encounter("e0", -5, -1, "EMER", "finished", part_of=part_of), encounter("e1"))
    assert (at(-5), ("Encounter/e1", "Encounter/e0")) == (found.t0, found.encounters)


def test_the_ward_may_be_part_of_the_emergency_visit() -> None:
    """``partOf`` links in either direction, and over any gap."""
    assert at(-20) == stay(encounter("e0", -20, -10, "EMER", "finished"), encounter("e1", part_of="e0")).t0


def test_two_parts_of_one_whole_belong_together() -> None:
    """Emergency and ward both ``partOf`` an Encounter that is not in the chart."""
    found = stay(encounter("e0", -20, -10, "EMER", "finished", part_of="x"), encounter("e1", part_of="x"))
    assert at(-20) == found.t0


def test_a_gap_of_six_hours_begins_another_stay() -> None:
    """Under six hours is one stay, six are two."""
    assert T0 == stay(encounter("e0", -10, -6, "EMER", "finished"), encounter("e1")).t0
    assert at(-10) == stay(encounter("e0", -10, -5.9, "EMER", "finished"), encounter("e1")).t0


@pytest.mark.parametrize("class_", ["AMB", "HH", "VR"])
def test_other_classes_are_no_stay(class_: str) -> None:
    """An outpatient visit gives no arrival."""
    assert (None, ()) == stay_from(read(encounter(class_=class_)), at(4))


@pytest.mark.parametrize("class_", ["EMER", "IMP", "ACUTE", "NONAC", "SS", "OBSENC"])
def test_emergency_and_inpatient_classes_are_a_stay(class_: str) -> None:
    """HL7 v3 ActEncounterCode."""
    assert T0 == stay(encounter(class_=class_)).t0


@pytest.mark.parametrize("status", ["planned", "cancelled", "entered-in-error"])
def test_an_encounter_that_did_not_happen_is_no_stay(status: str) -> None:
    """Planned, cancelled, entered in error."""
    assert None is stay_from(read(encounter(status=status)), at(4))[0]


def test_an_encounter_that_begins_later_is_not_seen() -> None:
    """At hour -1 the stay of hour 0 does not exist."""
    assert None is stay_from(read(encounter()), at(-1))[0]


def test_the_open_stay_is_chosen_before_a_closed_one() -> None:
    """A day case that ended after the ward's Encounter began elsewhere is not this stay."""
    found = stay(encounter("old", -24 * 20, -24 * 15, status="finished"), encounter("e1"))
    assert ("Encounter/e1",) == found.encounters


def test_of_two_open_stays_the_later_is_used_and_said() -> None:
    """The CDS Hooks Sandbox never sends ``encounterId``."""
    old, new = encounter("old", -24 * 60), encounter("e1", class_="EMER")
    assert ("Encounter/e1",) == stay(old, new).encounters
    assert ["assumed"] == [issue.code for issue in stay_issues(old, new)]


def test_the_encounter_that_the_call_names_decides() -> None:
    """``context.encounterId`` wins over what is open."""
    old, new = encounter("old", -24 * 60), encounter("e1", class_="EMER")
    assert ("Encounter/old",) == stay(old, new, encounter_id="old").encounters


def test_an_encounter_never_closed_does_not_swallow_the_next_arrival() -> None:
    """An inpatient Encounter left open three years ago must not put arrival three years back."""
    forgotten = encounter("old", -24 * 1000)
    assert T0 == stay(forgotten, encounter("e1", class_="EMER")).t0
    assert T0 == stay(forgotten, encounter("e1")).t0


def test_an_open_ward_goes_on_in_the_next_ward() -> None:
    """A transfer to the stroke unit as an Encounter of its own, the first one left open."""
    assert T0 == stay(encounter("e1"), encounter("e2", 30), hours=40).t0


def test_a_finished_visit_without_an_end_is_not_open() -> None:
    """Its start stands for its end."""
    found = stay(encounter("e0", -48, None, "EMER", "finished"), encounter("e1"))
    assert ("Encounter/e1",) == found.encounters


@pytest.mark.parametrize("start", [None, "2026-03", "0001-01-01T00:00:00Z"])
def test_an_encounter_without_a_usable_start_is_left_out_and_said(start: str | None) -> None:
    """No ``t0`` is made up."""
    raw = encounter() | {"period": {"start": start} if start else {"end": "2026-03-09"}}
    assert None is stay_from(read(raw), at(4))[0]
    assert ["malformed"] == [issue.code for issue in stay_issues(raw)]


def test_a_start_without_a_time_is_midnight_and_said() -> None:
    """A date alone moves arrival by up to a day."""
    raw = encounter() | {"period": {"start": "2026-03-02"}}
    assert at(-8) == stay(raw).t0
    assert ["assumed"] == [issue.code for issue in stay_issues(raw)]


def test_a_reason_that_only_its_code_calls_a_stroke_says_so() -> None:
    """Eligibility reads words: a coded reason without them must not be lost."""
    coded = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I63.9"}], "text": "Weakness"}
    raw = encounter() | {"reasonCode": [coded], "reasonReference": [{"display": "Fall"}]}
    assert ("Weakness (stroke)", "Fall") == stay(raw).reasons


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Encounter/e1", "Encounter/e1"),
        ("https://ehr.example/fhir/Encounter/e1", "Encounter/e1"),
        ("Encounter/e1/_history/3", "Encounter/e1"),
        ("urn:uuid:5f2d", None),
        ("Patient/p1", None),
    ],
)
def test_a_reference_names_its_encounter_in_any_form(text: str, name: str | None) -> None:
    """Relative, absolute, or to a version."""
    (raw,) = read(encounter() | {"partOf": {"reference": text}})
    assert name == encounter_named(raw.partOf)
