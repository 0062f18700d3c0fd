"""From a raw chart to what was known at a moment."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_mappings.chart import RawChart
from fhir_mappings.eligibility import judge
from fhir_mappings.pipeline import history_from, seen_at, snapshot_from
from fhir_mappings.snapshot import ClinicalSnapshot, Issue
from tests.builders import (
    LOINC,
    Resource,
    at,
    condition,
    encounter,
    medication_request,
    nihss,
    observation,
    patient,
    procedure,
    report,
    subject,
    when,
)


def chart(**more: Sequence[Any]) -> RawChart:
    """A stroke patient's chart; named keys replace or add what was answered."""
    held: dict[str, Sequence[Any]] = {
        "patient": [patient()],
        "encounters": [encounter("e0", -2, 0, "EMER", "finished"), encounter("e1", reason="Stroke")],
        "conditions": [condition(), condition("38341003", "Hypertension", "c2", onset=None)],
        "procedures": [procedure("472191000119101", 1)],
        "nihss": [nihss(9, 0), nihss(12, 6)],
        "labs": [observation("2345-7", 130, "mg/dL", 0.5, "glucose", ucum="mg/dL")],
        "vitals": [observation("8480-6", 150, "mm[Hg]", 0.2, "sbp", ucum="mm[Hg]", category="vital-signs")],
        "reports": [report("No hemorrhage.", 1, issued=5)],
        "medications": [medication_request("aspirin")],
    }
    return RawChart("p1", {key: tuple(raws) for key, raws in (held | more).items()})


def seen(hours: float, *, live: bool = False, **more: Sequence[Any]) -> ClinicalSnapshot:
    """What was known of that chart at that hour, replayed unless live."""
    return snapshot_from(chart(**more), at(hours), live=live)


def onset(hours: float, charted: float) -> Resource:
    """An onset Observation, charted at that hour."""
    raw = observation("11368-8", None, hours=charted, id_="onset")
    return raw | {"valueDateTime": when(hours)}


def test_every_part_of_a_chart_reaches_the_snapshot() -> None:
    """One fact of each kind, from resource to snapshot."""
    found = seen(24)
    assert (70, "female", at(-2)) == (found.patient.age_years, found.patient.sex, found.stay and found.stay.t0)
    assert [9, 12] == [score.total for score in found.nihss]
    assert {"glucose", "systolic_bp"} == {one.analyte for one in found.measurements}
    assert ["No hemorrhage."] == [one.text for one in found.reports]
    assert {"ischemic_stroke", "hypertension"} == {one.kind for one in found.diagnoses}
    assert {("thrombolysis", "done"), ("antiplatelet", "before_admission")} == {
        (one.kind, one.state) for one in found.treatments
    }
    assert "inside" == judge(found).kind


def test_a_report_effective_at_1_and_issued_at_5_is_unseen_at_3() -> None:
    """Nothing available only after ``as_of`` is ever used, live as in replay."""
    assert () == seen(3).reports == seen(3, live=True).reports
    assert 1 == len(seen(5).reports)


def test_live_a_result_without_issued_is_available_at_once() -> None:
    """The chart itself is the proof; the lag stands in only where ``as_of`` is past."""
    assert {"glucose", "systolic_bp"} == {one.analyte for one in seen(0.6, live=True).measurements}
    assert {"systolic_bp"} == {one.analyte for one in seen(0.6).measurements}


def test_live_a_result_of_the_future_is_not_used() -> None:
    """A clock that runs ahead does not let tomorrow in."""
    assert [9] == [score.total for score in seen(3, live=True).nihss]


def test_live_what_is_of_the_future_is_said() -> None:
    """A clock ahead of ours must not hide a score without a word; a replayed moment has a future, and says nothing."""
    ahead = chart(nihss=[nihss(9, 0), nihss(14, 6.2, "n2")])
    issues = [one for one in snapshot_from(ahead, at(6)).issues if one.code == "not-available"]
    assert ["Observation/n2 left out: after the moment of the call (such results: 1)"] == [one.text for one in issues]
    assert "not-available" not in {one.code for one in snapshot_from(ahead, at(6), live=False).issues}
    assert "not-available" not in {one.code for one in snapshot_from(ahead, at(7)).issues}


def test_later_procedures_diagnoses_and_drugs_are_unseen() -> None:
    """As is every other fact with a later time."""
    late = {
        "procedures": [procedure("397046001", 10)],
        "conditions": [condition(), condition("49436004", "AF", "c2", onset=10)],
        "medications": [medication_request("aspirin", 10)],
    }
    assert {"ischemic_stroke"} == {one.kind for one in seen(5, **late).diagnoses}
    assert () == seen(5, **late).treatments
    assert 2 == len(seen(24, **late).treatments)


def test_one_history_gives_the_snapshot_of_every_moment() -> None:
    """Training maps a stay once; each draw equals a mapping of its own."""
    history = history_from(chart(), at(100), live=False)
    for hours in (0, 1, 3, 6, 24):
        assert seen(hours) == seen_at(history, at(hours))


def test_the_end_of_the_stay_is_not_known_before_it_came() -> None:
    """A discharge that lies ahead."""
    ended = [encounter(end=90)]
    stays = [seen(hours, encounters=ended).stay for hours in (24, 100)]
    assert [None, at(90)] == [stay and stay.end for stay in stays]


def test_issues_of_what_is_not_seen_yet_are_not_said() -> None:
    """A preliminary report of tomorrow is no word on today's card."""
    early = [report("x", 10, status="preliminary")]
    assert () == seen(5, reports=early).issues
    assert ["not-final"] == [issue.code for issue in seen(24, reports=early).issues]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ({"resourceType": "Observation", "id": "bad", "status": "final", "subject": subject()}, "malformed"),
        (observation("2345-7", 1, "mg/dL", id_="bad", patient="p2"), "wrong-patient"),
        ({"resourceType": "Nonsense"}, "malformed"),
        ("not a resource", "malformed"),
        (None, "malformed"),
    ],
)
def test_one_bad_resource_never_hides_the_others(bad: Any, code: str) -> None:
    """It is left out and said; all else is as without it."""
    good, found = seen(24), seen(24, follow_ups=[bad])
    assert [code] == [issue.code for issue in found.issues]
    assert (good.measurements, good.nihss, good.diagnoses) == (found.measurements, found.nihss, found.diagnoses)


def test_the_same_resource_under_two_keys_is_used_once() -> None:
    """A blood pressure may be found as a laboratory row and as a vital sign."""
    twice = [observation("8480-6", 150, "mm[Hg]", 0.2, "sbp", ucum="mm[Hg]")]
    assert seen(24, labs=twice).measurements == seen(24, labs=[]).measurements


def test_an_observation_is_used_wherever_it_was_found() -> None:
    """An NIHSS among the laboratory rows, a glucose among the vital signs."""
    assert [7] == [score.total for score in seen(24, nihss=[], labs=[nihss(7, 1)]).nihss]
    glucose = observation("2345-7", 130, "mg/dL", 1, "g", ucum="mg/dL")
    assert "glucose" in {one.analyte for one in seen(24, labs=[], vitals=[glucose]).measurements}


def test_what_was_not_answered_stays_unknown() -> None:
    """Keys, and the collector's issues, reach the snapshot."""
    said = Issue("query-failed", "procedures unknown", about="procedures")
    raw = RawChart("p1", {"patient": (patient(),), "encounters": ()}, frozenset({"procedures"}), (said,))
    found = snapshot_from(raw, at(1))
    assert (frozenset({"procedures"}), frozenset({"patient", "encounters"})) == (found.unanswered, found.seen)
    assert said in found.issues


def test_without_a_patient_age_and_sex_are_unknown() -> None:
    """Said, and nothing made up."""
    found = seen(1, patient=[])
    assert (None, None) == (found.patient.age_years, found.patient.sex)
    assert "malformed" in {issue.code for issue in found.issues}


def test_age_is_judged_at_arrival() -> None:
    """A birthday during the stay changes nothing."""
    assert 70 == seen(100, patient=[patient(birth_date="1955-03-03")]).patient.age_years


def test_last_known_well_is_the_onset_observation_else_the_onset_of_the_stroke() -> None:
    """LOINC 11368-8 before the Condition; the newest one counts."""
    strokes = [condition(onset=-5)]
    assert at(-5) == seen(3, conditions=strokes).last_known_well
    assert at(-4) == seen(3, conditions=strokes, labs=[onset(-4, 1)]).last_known_well
    later = [onset(-4, 1), onset(-6, 2) | {"id": "onset-2"}]
    assert at(-6) == seen(3, conditions=strokes, labs=later).last_known_well


def test_an_onset_of_another_event_or_of_the_future_is_not_used() -> None:
    """After arrival, a year before it, charted later, or without a time."""
    strokes = [condition(onset=None)]
    others = [onset(1, 1), onset(-24 * 365, 1), onset(-4, 9), onset(-4, 1) | {"valueDateTime": "2026-03-02"}]
    assert [None] * 4 == [seen(3, conditions=strokes, labs=[one]).last_known_well for one in others]


def test_pre_stroke_disability_is_read_from_before_the_stay() -> None:
    """A modified Rankin scale charted later is the outcome, unless it says pre-stroke."""
    earlier, later = (observation("75859-9", 2, hours=hours, id_="mrs") for hours in (-100, 20))
    said = observation("75859-9", 2, hours=20, id_="mrs", display="Pre-stroke modified Rankin scale")
    scores = [seen(30, labs=[one]).pre_stroke_mrs for one in (earlier, later, said)]
    assert [2, None, 2] == [one and one.value for one in scores]


def test_a_half_point_of_disability_is_not_rounded() -> None:
    """The scale has whole points: the value is left out and said."""
    found = seen(3, labs=[observation("75859-9", 2.5, hours=-100, id_="mrs")])
    assert (None, ["implausible"]) == (found.pre_stroke_mrs, [issue.code for issue in found.issues])


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 9999)
    | st.text(max_size=8)
    | st.sampled_from([LOINC, when(0), "final"]),
    lambda leaf: st.lists(leaf, max_size=3) | st.dictionaries(st.sampled_from(["code", "coding", "text"]), leaf),
    max_leaves=6,
)
SOUND = (
    patient(), encounter("e9"), condition(id_="c9"), nihss(9, 20, "n9"), report("x", id_="r9"),
    procedure("397046001", id_="p9"), medication_request("aspirin", id_="m9"),
)  # fmt: skip
FIELDS = sorted({field for raw in SOUND for field in raw} - {"resourceType"})


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SOUND), st.dictionaries(st.sampled_from(FIELDS), JSON, min_size=1, max_size=3))
def test_no_resource_however_broken_raises(raw: Resource, faults: dict[str, Any]) -> None:
    """Any field of any resource replaced by anything: an issue or a value, never an exception."""
    found = seen(24, follow_ups=[raw | faults])
    assert found.stay is not None
    assert 9 in [score.total for score in found.nihss]
