"""Labels: one test a row of the table of outcomes, and the moments at which a stay is predicted."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.chart import RawChart
from fhir_mappings.pipeline import seen_at
from fhir_mappings.snapshot import ClinicalSnapshot, NihssScore, Patient, Stay, Treatment
from models.simulation.cohort import simulate
from models.training.cohort import read_charts
from models.training.departures import Departure, DepartureKind, departure_table, departures_from
from models.training.labels import Outcome, label_chart, landmarks, outcome_of
from tests import builders as fhir

DAILY = tuple((float(hour), 9) for hour in range(1, 170, 12))


def _history(scores: Sequence[tuple[float, int | None]] = DAILY, until: float = 200, **more: Any) -> ClinicalSnapshot:
    """A history whose NIHSS totals are pairs of hour and points."""
    charted = tuple(NihssScore(fhir.at(h), fhir.at(h), points, {}, f"Observation/{h}") for h, points in scores)
    stay = Stay(fhir.T0, ("Encounter/e1",))
    return replace(ClinicalSnapshot(fhir.at(until), Patient("p1", 70, "female"), stay, nihss=charted), **more)


def _left(kind: DepartureKind, hours: float) -> tuple[Departure, ...]:
    return (Departure(kind, fhir.at(hours), "Encounter/e1"),)


def _until(hours: float, points: int = 9) -> tuple[tuple[float, int], ...]:
    return tuple((float(hour), points) for hour in range(1, int(hours), 12))


def test_no_baseline_is_no_label() -> None:
    """Without a score within 6 h of arrival the rule cannot be applied, and it is said."""
    outcome = outcome_of(_history(((7.0, 9), (20.0, 12))))
    assert ("no_label", 0.0) == (outcome.kind, outcome.watched_until_h)
    assert "no NIHSS total within 6 h" in outcome.reason


def test_no_stay_is_no_label() -> None:
    """Without an Encounter there is no arrival to count from."""
    assert "no_label" == outcome_of(_history(stay=None)).kind


def test_a_charted_rise_is_end_between_the_scores_around_it() -> None:
    """The event is known to lie after the last clear score and not after the raised one."""
    outcome = outcome_of(_history(((1.0, 9), (13.0, 10), (25.0, 11), (37.0, 14))))
    assert ("end", 13.0, 25.0) == (outcome.kind, outcome.last_clear_h, outcome.raised_h)
    assert outcome.end_state is not None
    assert outcome.end_state.variants["four_points"]


def test_followed_for_seven_days_without_a_rise_is_free_of_end() -> None:
    """Nothing is censored where the scores reach 168 h without a gap."""
    outcome = outcome_of(_history())
    assert ("event_free", 168.0) == (outcome.kind, outcome.watched_until_h)


@pytest.mark.parametrize("kind", ["discharge_alive", "other_death", "comfort_care", "thrombectomy", "craniectomy"])
def test_what_overtakes_the_watch_competes(kind: DepartureKind) -> None:
    """These are competing events, never plain censoring."""
    outcome = outcome_of(_history(_until(60)), _left(kind, 60))
    assert ("competing", kind, 60.0, None) == (outcome.kind, outcome.competing, outcome.competing_h, outcome.censored_h)


@pytest.mark.parametrize(("counts_as", "kind"), [("end", "end"), ("competing", "competing")])
def test_neurological_death_without_a_rise_counts_as_end(counts_as: Literal["end", "competing"], kind: str) -> None:
    """END in the primary analysis, competing in the sensitivity analysis."""
    left = _left("neurological_death", 60)
    outcome = outcome_of(_history(_until(60)), left, neurological_death=counts_as)
    assert kind == outcome.kind
    if kind == "end":
        assert (49.0, 60.0) == (outcome.last_clear_h, outcome.raised_h)


def test_a_transfer_out_is_censored() -> None:
    """What happens in another hospital is not charted here."""
    outcome = outcome_of(_history(_until(60)), _left("transfer", 60))
    assert ("censored", 60.0, None) == (outcome.kind, outcome.censored_h, outcome.competing)


@pytest.mark.parametrize("kind", ["thrombectomy", "craniectomy"])
@pytest.mark.parametrize(("rise_h", "expected"), [(22.0, "end"), (26.0, "competing")])
def test_a_procedure_competes_unless_the_rise_was_charted_before(
    kind: DepartureKind, rise_h: float, expected: str
) -> None:
    """A rise two hours before the procedure is END; one after it is not."""
    scores = ((1.0, 9), (13.0, 9), (rise_h, 13))
    assert expected == outcome_of(_history(scores), _left(kind, 24)).kind


def test_the_first_of_several_departures_counts() -> None:
    """Comfort care at 40 h comes before the death at 60 h that it foresaw."""
    left = (*_left("neurological_death", 60), *_left("comfort_care", 40))
    outcome = outcome_of(_history(_until(40)), left)
    assert ("competing", "comfort_care") == (outcome.kind, outcome.competing)


def test_what_happens_after_the_window_does_not_compete() -> None:
    """A discharge on day 9 leaves the stay free of END."""
    assert "event_free" == outcome_of(_history(until=300), _left("discharge_alive", 210)).kind


@pytest.mark.parametrize(
    ("scores", "censored_h"),
    [
        (((1.0, 9), (26.0, 9), (38.0, 9)), 1.0),  # the first follow-up later than 24 h after the baseline
        (((1.0, 9), (20.0, 9), (57.0, 12)), 20.0),  # a gap of 37 h, and a rise after it
        (((1.0, 9), (20.0, 9), (50.0, 9)), 50.0),  # nothing more until 168 h
        (((1.0, 9), (20.0, None), (40.0, 9)), 1.0),  # a score without a total is no score
    ],
)
def test_a_gap_in_the_scores_censors_at_the_last_adequate_score(
    scores: Sequence[tuple[float, int | None]], censored_h: float
) -> None:
    """A score within 24 h of baseline, then gaps of at most 36 h; what comes after a gap is not known."""
    outcome = outcome_of(_history(scores))
    assert ("censored", censored_h) == (outcome.kind, outcome.censored_h)


def test_gaps_of_just_36_hours_are_adequate() -> None:
    """The limits themselves are allowed."""
    scores = ((0.0, 9), (24.0, 9), (60.0, 9), (96.0, 9), (132.0, 9))
    assert "event_free" == outcome_of(_history(scores)).kind


@pytest.mark.parametrize(("kind", "expected"), [("discharge_alive", "censored"), ("other_death", "competing")])
def test_a_gap_hides_a_discharge_but_no_death(kind: DepartureKind, expected: str) -> None:
    """Whether END preceded the discharge is unknown; a death is known without scores."""
    assert expected == outcome_of(_history(((1.0, 9), (13.0, 9))), _left(kind, 60)).kind


def test_a_chart_that_ends_early_is_censored_there() -> None:
    """A stay still open at 70 h is known up to then."""
    outcome = outcome_of(_history(_until(70), until=70))
    assert ("censored", 70.0, "the chart ends") == (outcome.kind, outcome.censored_h, outcome.reason)


# ---- departures, read from the raw chart --------------------------------------------------------


def _chart(disposition: str | None = "home", **more: tuple[Any, ...]) -> RawChart:
    encounter = fhir.encounter(end=60, status="finished")
    if disposition:
        encounter["hospitalization"] = {"dischargeDisposition": {"coding": [{"code": disposition}]}}
    return RawChart("p1", {"patient": (fhir.patient(),), "encounters": (encounter,)} | more)


def _kinds(chart: RawChart, **more: Any) -> list[tuple[str, float]]:
    stay = Stay(fhir.T0, ("Encounter/e1",), end=fhir.at(60))
    left = departures_from(chart, _history(stay=stay, **more))
    return [(one.kind, (one.at - fhir.T0) / timedelta(hours=1)) for one in left]


@pytest.mark.parametrize(
    ("disposition", "kind"),
    [
        (code, kind if kind != "death" else "other_death")
        for kind, row in departure_table()["dispositions"].items()
        for code in row["codes"]
    ],
)
def test_each_disposition_names_its_kind(disposition: str, kind: str) -> None:
    """Every row of the table of dispositions is read at the end of the stay."""
    assert [(kind, 60.0)] == _kinds(_chart(disposition))


def test_an_ended_stay_without_disposition_counts_as_discharged_alive() -> None:
    """The assumption of the table."""
    assert [("discharge_alive", 60.0)] == _kinds(_chart(None))


@pytest.mark.parametrize(
    ("code", "system", "verification", "kind"),
    [
        ("G93.5", "http://hl7.org/fhir/sid/icd-10-cm", "confirmed", "neurological_death"),
        ("274100004", fhir.SNOMED, None, "neurological_death"),
        ("G93.5", "http://hl7.org/fhir/sid/icd-10-cm", "refuted", "other_death"),
        ("I26.99", "http://hl7.org/fhir/sid/icd-10-cm", "confirmed", "other_death"),
    ],
)
def test_a_death_is_neurological_where_a_condition_of_the_stay_says_so(
    code: str, system: str, verification: str | None, kind: str
) -> None:
    """The stroke itself is no cause of death; herniation or hemorrhage is, unless refuted."""
    patient = fhir.patient() | {"deceasedDateTime": fhir.when(58)}
    cause = fhir.condition(code, "cause", system=system, onset=50, verification=verification)
    conditions = (fhir.condition(), cause)
    assert [(kind, 58.0)] == _kinds(_chart("exp", patient=(patient,), conditions=conditions))


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("completed", [("comfort_care", 30.0), ("discharge_alive", 60.0)]),
        ("not-done", [("discharge_alive", 60.0)]),
    ],
)
def test_comfort_care_counts_from_its_procedure(status: str, expected: list[tuple[str, float]]) -> None:
    """Where coded and done; a decision against it is none."""
    procedure = fhir.procedure("133918004", 30, status=status)
    assert expected == _kinds(_chart(procedures=(procedure,)))


def test_a_thrombectomy_done_is_a_departure_and_one_declined_is_none() -> None:
    """Reperfusion comes from the mapped treatments, with their state."""
    done = Treatment("thrombectomy", "done", "Thrombectomy", "Procedure/1", fhir.at(5))
    declined = replace(done, state="not_done", effective=fhir.at(2))
    found = _kinds(_chart(), treatments=(done, declined))
    assert [("thrombectomy", 5.0), ("discharge_alive", 60.0)] == found


# ---- the moments of prediction ------------------------------------------------------------------


def _hours(outcome: Outcome, seed: int = 1) -> list[float]:
    moments = landmarks(_history(), outcome, np.random.default_rng(seed))
    return [(moment - fhir.T0) / timedelta(hours=1) for moment in moments]


def test_a_stay_free_of_end_is_predicted_at_every_landmark_and_at_random_times() -> None:
    """1, 3, 6, 12, 24, 48, 72 and 96 h, and three times drawn; the same generator draws the same."""
    hours = _hours(outcome_of(_history()))
    assert {1, 3, 6, 12, 24, 48, 72, 96} <= set(hours)
    assert 11 == len(hours)
    assert hours == _hours(outcome_of(_history()))


@given(
    hour=st.floats(0.5, 168), seed=st.integers(0, 50), ending=st.sampled_from(["raised_h", "competing_h", "censored_h"])
)
def test_no_moment_lies_at_or_after_the_end_of_the_watch(hour: float, seed: int, ending: str) -> None:
    """Rows exist only while no END is charted, nothing has competed and the follow-up goes on."""
    kinds = {"raised_h": "end", "competing_h": "competing", "censored_h": "censored"}
    outcome = replace(Outcome("event_free", "test"), kind=kinds[ending], **{ending: hour})
    drawn = _hours(outcome, seed)
    assert all(0 < moment < hour for moment in drawn)
    assert drawn == sorted(set(drawn))
    assert {mark for mark in (1, 3, 6, 12, 24, 48, 72, 96) if mark < hour - 1e-6} <= set(drawn)


def test_without_a_label_there_is_no_moment() -> None:
    """A stay without baseline gives no row."""
    assert [] == _hours(Outcome("no_label", "no baseline"))


# ---- the whole way ------------------------------------------------------------------------------


def test_simulated_charts_are_labeled_by_what_is_charted(tmp_path: Path) -> None:
    """Through files, mapping and rule: END and its absence occur, and every moment comes before a charted rise."""
    simulate(25, 21, "a", tmp_path, None)
    labeled = [label_chart(chart) for chart in read_charts(tmp_path)]
    assert {"end", "event_free", "competing"} <= {outcome.kind for _, outcome in labeled}
    for history, outcome in labeled:
        for as_of in landmarks(history, outcome, np.random.default_rng(1)):
            seen = seen_at(history, as_of)
            assert outcome_of(replace(seen, as_of=as_of)).kind != "end"
