"""Strokes of this stay, strokes of the past, and histories."""

from typing import Any

import pytest

from fhir_mappings.conditions import diagnoses_from
from fhir_mappings.reading import read_all
from fhir_mappings.snapshot import Diagnosis, Issue, Stay
from fhir_mappings.value_sets import value_set
from tests.builders import T0, Resource, at, condition, when

STAY = Stay(T0, ("Encounter/e1", "Encounter/e0"))
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
UNDATED: dict[str, Any] = {"onset": None}


def mapped(*raws: Resource, stay: Stay | None = STAY, **more: Any) -> tuple[tuple[Diagnosis, ...], tuple[Issue, ...]]:
    """The diagnoses of these Conditions, which must all be readable."""
    resources, unread = read_all(raws, "p1")
    assert () == unread
    return diagnoses_from(resources, stay, **more)


def one(raw: Resource, stay: Stay | None = STAY, **more: Any) -> Diagnosis:
    """The single diagnosis of a Condition."""
    (found,), _ = mapped(raw, stay=stay, **more)
    return found


@pytest.mark.parametrize("kind", sorted(value_set("diagnoses")))
def test_every_code_of_a_value_set_is_read_as_its_kind(kind: str) -> None:
    """Each SNOMED code and each ICD-10 prefix, with and without a further digit; each row has a source."""
    row = value_set("diagnoses")[kind]
    raws = [condition(code, "x", f"s{code}") for code in row["snomed"]]
    raws += [condition(f"{code[:3]}.{code[3:]}9", "x", f"i{code}", ICD) for code in row["prefixes"]]
    assert {kind} == {found.kind for found in mapped(*raws)[0]}
    assert row["source"]


def test_all_snomed_codes_have_valid_check_digits() -> None:
    """Verhoeff's check, which every SNOMED CT identifier carries, catches a mistyped digit."""
    rows = [row for name in ("diagnoses", "procedures", "drugs") for row in value_set(name).values()]
    codes = [code for row in rows for code in row.get("snomed", ())]
    assert {"387152000", "422504002", "397046001"} <= set(codes)
    assert [] == [code for code in codes if not verhoeff(code)]
    assert not verhoeff("422504003")


def verhoeff(code: str) -> bool:
    """True where the last digit is Verhoeff's check digit of the others."""
    check = 0
    for place, digit in enumerate(map(int, reversed(code))):
        check = int(PRODUCTS[check][int(TURNS[place % 8][digit])])
    return check == 0


PRODUCTS = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
TURNS = (
    "0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip


def test_a_stroke_coded_twice_counts_as_the_specific_one() -> None:
    """ICD-10 I63.9 beside SNOMED CT "cerebrovascular accident" is an ischemic stroke."""
    raw = condition("230690007", "CVA")
    raw["code"]["coding"].append({"system": ICD, "code": "I63.9"})
    assert "ischemic_stroke" == one(raw).kind


@pytest.mark.parametrize("encounter", ["e1", "e0"])
def test_a_stroke_recorded_in_the_stay_belongs_to_it(encounter: str) -> None:
    """By any of the stay's Encounters, without a date."""
    found, issues = mapped(condition(encounter=encounter, **UNDATED))
    assert (True, ()) == (found[0].in_stay, issues)


def test_an_absolute_reference_names_the_stay_too() -> None:
    """Servers write references in either form."""
    raw = condition(**UNDATED) | {"encounter": {"reference": "https://ehr.example/fhir/Encounter/e1"}}
    assert one(raw).in_stay


@pytest.mark.parametrize("onset", [-24 * 7, -2, 30])
def test_a_stroke_dated_in_the_stay_or_shortly_before_belongs_to_it(onset: float) -> None:
    """Up to seven days before arrival."""
    assert True is one(condition(onset=onset)).in_stay


def test_an_old_dated_stroke_is_history() -> None:
    """It stays known, as a history."""
    found = one(condition(onset=-24 * 7 - 1))
    assert ("stroke_history", False) == (found.kind, found.in_stay)


def test_the_recorded_date_stands_in_for_the_onset() -> None:
    """Where no onset is charted."""
    assert one(condition(**UNDATED) | {"recordedDate": when(1)}).in_stay
    assert "stroke_history" == one(condition(**UNDATED) | {"recordedDate": when(-24 * 300)}).kind


def test_an_active_stroke_without_date_or_encounter_is_counted_and_said() -> None:
    """An assumption, on the card."""
    found, issues = mapped(condition(**UNDATED))
    assert (None, ["assumed"]) == (found[0].in_stay, [issue.code for issue in issues])


def test_an_undated_stroke_of_another_encounter_is_history() -> None:
    """The chart holds that Encounter, and it is not of this stay."""
    raw = condition(encounter="x9", **UNDATED)
    assert "stroke_history" == one(raw, elsewhere=frozenset({"Encounter/x9"})).kind


def test_an_undated_stroke_of_an_encounter_not_in_the_chart_is_in_doubt() -> None:
    """A finished emergency visit is often missing from the prefetch: never a reason to be outside."""
    found, issues = mapped(condition(encounter="e-unknown", **UNDATED))
    assert ("ischemic_stroke", None, 1) == (found[0].kind, found[0].in_stay, len(issues))


def test_a_stroke_of_years_ago_on_this_stays_problem_list_is_history() -> None:
    """The onset says more than the Encounter that recorded it."""
    assert "stroke_history" == one(condition(encounter="e1", onset=-24 * 400)).kind


@pytest.mark.parametrize(("date", "in_stay"), [("2026-03-02", True), ("2026-02", None), ("2026", None)])
def test_part_of_a_date_is_never_read_as_its_first_day(date: str, in_stay: bool | None) -> None:
    """February may lie within the week before 2 March or not: in doubt; last year's is history."""
    assert in_stay is one(condition(**UNDATED) | {"onsetDateTime": date}).in_stay
    assert "stroke_history" == one(condition(**UNDATED) | {"onsetDateTime": "2025-12"}).kind


@pytest.mark.parametrize("status", ["resolved", "inactive", "remission"])
def test_a_stroke_that_is_over_counts_only_where_the_chart_puts_it_in_the_stay(status: str) -> None:
    """Undated it is history; dated in the stay it is this stay's stroke."""
    assert "stroke_history" == one(condition(status=status, **UNDATED)).kind
    assert "ischemic_stroke" == one(condition(status=status, onset=0)).kind


def test_a_stroke_without_a_clinical_status_is_taken_as_active() -> None:
    """The status is often missing."""
    assert "ischemic_stroke" == one(condition(status=None)).kind


@pytest.mark.parametrize("verification", ["refuted", "entered-in-error"])
def test_a_refuted_stroke_is_left_out_and_said(verification: str) -> None:
    """It is no stroke, in no sense."""
    found, issues = mapped(condition(verification=verification))
    assert ((), ["not-final"]) == (found, [issue.code for issue in issues])


@pytest.mark.parametrize("verification", ["provisional", "differential", "unconfirmed", "confirmed"])
def test_an_unconfirmed_stroke_counts(verification: str) -> None:
    """In the first hours every stroke is provisional."""
    assert "ischemic_stroke" == one(condition(verification=verification)).kind


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Suspected stroke", ["unspecific_stroke"]),
        ("Acute CVA", ["unspecific_stroke"]),
        ("Cerebral infarction", ["unspecific_stroke"]),
        ("History of stroke", ["stroke_history"]),
        ("Family history of stroke", []),
        ("Heat stroke", []),
        ("Pneumonia", []),
    ],
)
def test_a_stroke_in_words_alone_is_unspecific(text: str, kinds: list[str]) -> None:
    """No code of ours: the words say that a stroke is named, not which."""
    raw = condition("1", text, system="urn:local")
    assert kinds == [found.kind for found in mapped(raw)[0]]


def test_a_condition_without_a_code_is_passed_over() -> None:
    """A Condition may carry only a category."""
    raw = condition()
    del raw["code"]
    assert ((), ()) == mapped(raw)


def test_a_history_needs_no_date() -> None:
    """Hypertension on the problem list."""
    found, issues = mapped(condition("38341003", "Hypertension", **UNDATED))
    assert (("hypertension", None), ()) == ((found[0].kind, found[0].in_stay), issues)


def test_a_diagnosis_is_known_from_its_record_on() -> None:
    """``recordedDate``, else the onset: a later diagnosis is not seen before."""
    late = condition("49436004", "AF", onset=60)
    assert at(60) == one(late).available
    assert at(70) == one(late | {"recordedDate": when(70)}).available


def test_the_onset_of_a_stroke_needs_a_time() -> None:
    """It is the time last known well: a date alone would make it midnight."""
    assert at(-2) == one(condition(onset=-2)).onset
    assert None is one(condition(**UNDATED) | {"onsetDateTime": "2026-03-02"}).onset
    assert at(-2) == one(condition(**UNDATED) | {"onsetPeriod": {"start": when(-2)}}).onset


def test_without_a_stay_an_old_stroke_is_history_and_a_new_one_is_in_doubt() -> None:
    """An outpatient with a stroke of 2015 on the problem list is not "unknown"."""
    assert "stroke_history" == one(condition(onset=-24 * 4000), None, as_of=at(4)).kind
    found = one(condition(onset=-2), None, as_of=at(4))
    assert ("ischemic_stroke", None) == (found.kind, found.in_stay)


def test_a_stroke_after_the_stay_is_not_of_it() -> None:
    """Dated after the end of the last Encounter."""
    assert "stroke_history" == one(condition(onset=100), Stay(T0, ("Encounter/e1",), at(90))).kind


@pytest.mark.parametrize("date", ["9999-12-31", "0001-01-01", "9999"])
def test_default_dates_break_nothing(date: str) -> None:
    """Servers write them for "not known"."""
    raw = condition(**UNDATED) | {"onsetDateTime": date}
    assert 1 == len(mapped(raw)[0])


def test_a_code_of_another_system_is_not_ours() -> None:
    """The same digits in another system mean something else."""
    assert () == mapped(condition("422504002", "x", system="urn:local"))[0]
