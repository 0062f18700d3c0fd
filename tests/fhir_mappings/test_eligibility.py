"""Who is inside, who is outside for a positive reason, and what is unknown."""

from dataclasses import replace
from typing import Any

import pytest

from fhir_mappings.eligibility import INSIDE, judge
from fhir_mappings.snapshot import (
    ClinicalSnapshot,
    Diagnosis,
    DiagnosisKind,
    NihssScore,
    Patient,
    Report,
    Stay,
    Treatment,
    TreatmentState,
)
from tests.builders import T0, at


def stroke(kind: DiagnosisKind = "ischemic_stroke", in_stay: bool | None = True) -> Diagnosis:
    """A diagnosis of the stay."""
    return Diagnosis(kind, "Stroke", f"Condition/{kind}", in_stay)


def thrombectomy(state: TreatmentState = "done") -> Treatment:
    """A thrombectomy two hours after arrival."""
    return Treatment("thrombectomy", state, "Thrombectomy", "Procedure/1", at(2), at(3))


def snapshot(*diagnoses: Diagnosis, **changes: Any) -> ClinicalSnapshot:
    """A woman of 70, four hours after arrival, with these diagnoses."""
    stay = Stay(T0, ("Encounter/e1",))
    return replace(ClinicalSnapshot(at(4), Patient("p1", 70, "female"), stay, diagnoses=diagnoses), **changes)


def named(text: str) -> Report:
    """A report one hour after arrival."""
    return Report("CT head", text, at(1), at(2), "DiagnosticReport/1")


def score(hours: float) -> NihssScore:
    """An NIHSS total."""
    return NihssScore(at(hours), at(hours), 9, {}, "Observation/1")


def test_an_adult_with_ischemic_stroke_is_inside() -> None:
    """The population the service is for."""
    assert judge(snapshot(stroke())) == INSIDE


def test_an_undated_active_stroke_counts_for_the_stay() -> None:
    """``in_stay`` None is an assumption that the mapping has said; it is no reason to be outside."""
    assert "inside" == judge(snapshot(stroke(in_stay=None))).kind


@pytest.mark.parametrize(
    ("code", "case"),
    [
        ("no-ischemic-stroke", snapshot()),
        ("no-ischemic-stroke", snapshot(stroke("stroke_history", in_stay=False), stroke("hypertension", None))),
        ("no-ischemic-stroke", snapshot(stay=None)),
        ("under-18", snapshot(stroke(), patient=Patient("p1", 17, "male"))),
        ("hemorrhagic-stroke", snapshot(stroke("hemorrhagic_stroke"))),
        ("hemorrhagic-stroke", snapshot(stroke("hemorrhagic_stroke"), stroke("unspecific_stroke"))),
        ("thrombectomy-done", snapshot(stroke(), treatments=(thrombectomy(),))),
        ("over-7-days", snapshot(stroke(), as_of=at(168.1))),
    ],
)
def test_each_positive_reason_puts_a_patient_outside(code: str, case: ClinicalSnapshot) -> None:
    """One row a reason, with a plain sentence for the audit."""
    answer = judge(case)
    assert ("outside", code, True) == (answer.kind, answer.code, answer.text.endswith("."))


@pytest.mark.parametrize(
    ("code", "case"),
    [
        ("stroke-not-coded", snapshot(stroke("unspecific_stroke"))),
        ("stroke-not-coded", snapshot(stay=Stay(T0, ("Encounter/e1",), reasons=("Suspected CVA",)))),
        ("stroke-not-coded", snapshot(nihss=(score(1),))),
        ("stroke-not-coded", snapshot(reports=(named("Acute infarct. Indication: ?stroke"),))),
        ("no-encounter", snapshot(stroke(), stay=None)),
        ("codes-contradict", snapshot(stroke(), stroke("hemorrhagic_stroke"))),
    ],
)
def test_what_is_in_doubt_is_unknown_and_never_outside(code: str, case: ClinicalSnapshot) -> None:
    """Stroke named but not coded, no arrival, or codes that contradict."""
    assert ("unknown", code) == (judge(case).kind, judge(case).code)


@pytest.mark.parametrize("years", [18, None])
def test_18_and_an_unknown_age_are_no_reason_to_be_outside(years: int | None) -> None:
    """Only an age known to be under 18 excludes."""
    assert "inside" == judge(snapshot(stroke(), patient=Patient("p1", years, None))).kind


def test_seven_days_to_the_minute_are_inside() -> None:
    """The limit itself belongs to the population."""
    assert "inside" == judge(snapshot(stroke(), as_of=at(168))).kind


def test_a_thrombectomy_decided_against_keeps_the_patient_inside() -> None:
    """``not_done`` is a decision, not a treatment."""
    assert "inside" == judge(snapshot(stroke(), treatments=(thrombectomy("not_done"),))).kind


def test_a_positive_reason_stands_before_what_is_unknown() -> None:
    """Thrombectomy done, with a stroke that is only named: outside."""
    answer = judge(snapshot(stroke("unspecific_stroke"), treatments=(thrombectomy(),)))
    assert "thrombectomy-done" == answer.code


def test_without_a_stay_no_thrombectomy_was_done_in_it() -> None:
    """Nothing says when it was: the missing encounter is what is unknown."""
    assert "no-encounter" == judge(snapshot(stroke(), stay=None, treatments=(thrombectomy(),))).code


def test_an_nihss_and_a_report_of_years_ago_name_no_stroke_of_this_stay() -> None:
    """A pneumonia after an old stroke is outside, not unknown."""
    old = replace(named("Stroke"), effective=at(-24 * 400))
    assert "no-ischemic-stroke" == judge(snapshot(nihss=(score(-24 * 400),), reports=(old,))).code


@pytest.mark.parametrize("text", ["Family history of stroke", "Heat stroke", "LV stroke volume 60 ml", "Strokectomy"])
def test_words_that_only_look_like_a_stroke_name_none(text: str) -> None:
    """Somebody else's stroke, another illness, a volume, another word."""
    assert "no-ischemic-stroke" == judge(snapshot(reports=(named(text),))).code


@pytest.mark.parametrize("lacking", [{"conditions"}, {"encounters"}, {"conditions", "encounters"}])
@pytest.mark.parametrize(
    "case",
    [
        snapshot(), snapshot(stroke("hemorrhagic_stroke")),
        snapshot(stroke(), as_of=at(169)), snapshot(stroke(in_stay=False)),
    ],
)  # fmt: skip
def test_a_part_of_the_diagnoses_or_encounters_puts_nobody_outside(case: ClinicalSnapshot, lacking: set[str]) -> None:
    """The one that is missing may be the stroke of this stay, or the stay."""
    assert "outside" == judge(case).kind
    judged = judge(replace(case, unanswered=frozenset(lacking)))
    assert ("unknown", "chart-incomplete") == (judged.kind, judged.code)


def test_a_reason_that_nothing_more_could_contradict_stands_with_a_part_of_the_chart() -> None:
    """An age, a thrombectomy, and a stroke that was found."""
    unanswered = frozenset({"conditions", "encounters"})
    young = Patient("p1", 12, "female")
    assert "under-18" == judge(snapshot(stroke(), patient=young, unanswered=unanswered)).code
    assert "thrombectomy-done" == judge(snapshot(stroke(), treatments=(thrombectomy(),), unanswered=unanswered)).code
    assert judge(snapshot(stroke(), unanswered=unanswered)) == INSIDE
