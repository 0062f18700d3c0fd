"""The rows of one stay: which moments give one, which are refused and counted, and what a row may know."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from fhir_mappings.chart import RawChart
from fhir_mappings.features import build_inputs, load_features
from fhir_mappings.pipeline import History, history_from, seen_at
from fhir_mappings.site import DEFAULT_SITE
from fhir_mappings.snapshot import Diagnosis, Treatment
from models.training.cohort import CohortError, latest_moment
from models.training.dataset import StayRows, rows_of, rows_of_history
from models.training.departures import Departure
from models.training.known import known_at, refuse_future
from models.training.labels import label_table, outcome_of
from tests import builders as fhir
from tests.models.histories import history, left, until

STROKE = Diagnosis("ischemic_stroke", "Ischemic stroke", "Condition/c1", in_stay=True)
HOURS = (1.0, 6.0, 24.0, 72.0)


def _rows(charted: History, departures: tuple[Departure, ...] = (), **more: Any) -> StayRows:
    """The rows at four landmarks."""
    charted = replace(charted, **({"diagnoses": (STROKE,)} | more))
    at = partial(seen_at, charted)
    return rows_of_history("p1", charted, outcome_of(charted, departures), at, load_features(), hours=HOURS)


def _starts(rows: StayRows) -> list[float]:
    return [target.start_h for _, target in rows.rows]


def _refused(row: str, code: str | None = None) -> str:
    reason = label_table()["refusal"][row]["reason"]
    return f"row refused: {reason}" + (f": {code}" if code else "")


def test_rows_stand_at_the_landmark_hours_that_are_asked_for() -> None:
    """Each once, in order; a stay that is watched to the end loses none."""
    rows = _rows(history())
    assert (list(HOURS), {}) == (_starts(rows), rows.lost)
    assert rows.record is not None
    assert ((1.0, 9), (13.0, 9)) == rows.record.scores[:2]


def test_row_outcome_precedes() -> None:
    """END at 13 h leaves the rows at 1 and 6 h; the two later ones are refused and counted."""
    rows = _rows(history(((1.0, 9), (13.0, 12))))
    assert ([1.0, 6.0], {_refused("outcome_precedes"): 2}) == (_starts(rows), rows.lost)
    assert all(target.event for _, target in rows.rows)


def test_row_competing_precedes() -> None:
    """A discharge at 60 h leaves three rows."""
    rows = _rows(history(until(60)), left("discharge_alive", 60))
    assert ([1.0, 6.0, 24.0], {_refused("competing_precedes"): 1}) == (_starts(rows), rows.lost)


def test_row_beyond_follow_up() -> None:
    """A gap after 13 h leaves two rows, and the stay itself is counted as censored."""
    rows = _rows(history(((1.0, 9), (13.0, 9), (60.0, 12))))
    expected = {_refused("beyond_follow_up"): 2, "stay censored: gap in the NIHSS series": 1}
    assert ([1.0, 6.0], expected) == (_starts(rows), rows.lost)


def test_row_outside_population() -> None:
    """After the thrombectomy at 2 h the patient is outside, as in serving, whatever the label says of the watch."""
    done = Treatment("thrombectomy", "done", "Thrombectomy", "Procedure/1", fhir.at(2), fhir.at(2))
    rows = _rows(history(), treatments=(done,))
    assert ([1.0], {_refused("outside_population", "thrombectomy-done"): 3}) == (_starts(rows), rows.lost)


def test_row_unknown_population() -> None:
    """Where codes contradict each other there is no row."""
    bleeding = replace(STROKE, kind="hemorrhagic_stroke")
    rows = _rows(history(), diagnoses=(STROKE, bleeding))
    assert ([], {_refused("unknown_population", "codes-contradict"): 4}) == (_starts(rows), rows.lost)


def test_a_stay_without_label_is_counted_with_its_reason() -> None:
    """Each reason of the END rule for itself."""
    rows = _rows(history(((7.0, 9), (9.0, 9))))
    assert (None, (), {"stay without label: no NIHSS total within 6 h of arrival": 1}, 2) == (
        rows.record, rows.rows, rows.lost, rows.totals,
    )  # fmt: skip


def test_a_rise_long_before_a_procedure_is_counted() -> None:
    """The stay whose charted END the table does not count stands among the losses."""
    rows = _rows(history(((1.0, 9), (13.0, 12))), left("craniectomy", 40))
    reason = label_table()["decision"]["rise_long_before_procedure"]["reason"]
    assert {f"stay competing: {reason}": 1, _refused("outcome_precedes"): 2} == rows.lost


# ---- what a row may know ------------------------------------------------------------------------


def _chart(*observations: Any, **more: Any) -> RawChart:
    held = {
        "patient": (fhir.patient(),),
        "encounters": (fhir.encounter(end=200, status="finished"),),
        "conditions": (fhir.condition(onset=-2),),
        "nihss": tuple(fhir.nihss(9, hour) for hour in range(1, 170, 12)),
        "labs": observations,
        "reports": (fhir.report("IMPRESSION: Hyperdense MCA.", 1, issued=2), fhir.report("No change.", 20, "r2")),
    }
    return RawChart("p1", held | more)


def _onset(hours: float, charted: float) -> Any:
    return fhir.observation("11368-8", None, hours=charted, id_=f"onset-{charted}") | {
        "valueDateTime": fhir.when(hours)
    }


def test_rows_are_those_of_serving() -> None:
    """Reports that an earlier row has read give the same inputs as reading them again."""
    chart = _chart(fhir.observation("2345-7", 120, "mg/dL", hours=3))
    (stay,) = rows_of(chart, load_features())
    history_ = history_from(chart, latest_moment(chart), live=False)
    at = known_at(chart, history_, DEFAULT_SITE)
    assert 11 == len(stay.rows)
    assert 3 == len({inputs.sentences for inputs, _ in stay.rows})
    assert [build_inputs(at(inputs.as_of), load_features()) for inputs, _ in stay.rows] == [one for one, _ in stay.rows]


def test_a_time_last_known_well_that_is_charted_late_is_not_known_before() -> None:
    """The onset charted at 30 h replaces that of the diagnosis from then on; both are before arrival."""
    chart = _chart(_onset(-5, charted=30))
    (stay,) = rows_of(chart, load_features(), hours=(1, 24, 48))
    known = [next(f.value for f in inputs.features if f.name == "hours_from_onset") for inputs, _ in stay.rows]
    assert [2.0, 2.0, 5.0] == known


def test_a_value_that_was_corrected_later_stands_as_it_was() -> None:
    """The version that the chart held at the moment of the row counts."""
    versions = [fhir.observation("2345-7", value, "mg/dL", hours=3, issued=at) for value, at in ((120, 3), (150, 30))]
    (stay,) = rows_of(_chart(*versions), load_features(), hours=(24, 48))
    known = [next(f.value for f in inputs.features if f.name == "glucose") for inputs, _ in stay.rows]
    assert [120.0, 150.0] == known


def test_row_known_after_as_of() -> None:
    """A value, a score or a report that was available later is named; what the row does not use may be late."""
    chart = _chart(fhir.observation("2345-7", 120, "mg/dL", hours=3, issued=13))
    held = history_from(chart, latest_moment(chart), live=False)
    at_12 = replace(seen_at(held, fhir.at(12)), measurements=held.measurements)
    report = replace(at_12.reports[0], available=fhir.at(12.1))
    too_much = {
        r"glucose \(Observation/o1\)": at_12,
        r"nihss_latest \(Observation/nihss-169\)": replace(at_12, measurements=(), nihss=held.nihss),
        r"a report \(DiagnosticReport/r1\)": replace(at_12, measurements=(), reports=(report,)),
    }
    for named, snapshot in too_much.items():
        inputs = build_inputs(snapshot, load_features())
        with pytest.raises(CohortError, match=f"^{named} was known only after as_of"):
            refuse_future(inputs, snapshot)
    unused = replace(at_12, measurements=(replace(held.measurements[0], analyte="lactate"),))
    refuse_future(build_inputs(unused, load_features()), unused)


def test_a_row_that_knows_its_future_is_refused_on_the_way() -> None:
    """The check stands in the path of every row."""
    charted = replace(history(), diagnoses=(STROKE,))
    everything = partial(replace, charted)
    with pytest.raises(CohortError, match="nihss_latest"):
        rows_of_history(
            "p1", charted, outcome_of(charted), lambda at: everything(as_of=at), load_features(), hours=(6,)
        )


# ---- several stays of one patient ---------------------------------------------------------------


def test_each_admission_of_a_patient_is_a_stay_of_its_own() -> None:
    """Both are labeled by their own scores; a row of the first knows nothing of the second."""
    month = 30 * 24
    encounters = (
        fhir.encounter("e1", end=200, status="finished"),
        fhir.encounter("e2", start=month, end=month + 200, status="finished"),
    )
    conditions = (
        fhir.condition(id_="c1", onset=0, encounter="e1"),
        fhir.condition(id_="c2", onset=month, encounter="e2"),
    )
    second = [fhir.nihss(4 if hour < 24 else 8, month + hour) for hour in range(1, 170, 12)]
    nihss = (*_chart().resources["nihss"], *second)
    first, last = rows_of(_chart(encounters=encounters, conditions=conditions, nihss=nihss), load_features())
    assert ("p1", "p1/2") == (first.stay, last.stay)
    assert first.record is not None
    assert last.record is not None
    assert ("event_free", "end") == (first.record.outcome.kind, last.record.outcome.kind)
    assert (fhir.T0, fhir.at(month)) == (first.record.t0, last.record.t0)
    latest = {next(f.value for f in inputs.features if f.name == "nihss_latest") for inputs, _ in first.rows}
    assert {9.0} == latest


def test_a_later_admission_for_something_else_hides_no_stroke() -> None:
    """The stroke stay gives its rows; the other admission has no label, and that is counted."""
    other = fhir.encounter("e2", start=1000, end=1100, status="finished")
    first, last = rows_of(_chart(encounters=(*_chart().resources["encounters"], other)), load_features())
    assert 11 == len(first.rows)
    assert {"stay without label: no NIHSS total within 6 h of arrival": 1} == last.lost


def test_the_population_is_judged_at_the_moment_of_the_row() -> None:
    """A stroke coded at 10 h makes rows from then on; before it eligibility is unknown."""
    coded = fhir.condition(onset=-2) | {"recordedDate": fhir.when(10)}
    (stay,) = rows_of(_chart(conditions=(coded,)), load_features(), hours=(6, 12))
    assert ([12.0], {_refused("unknown_population", "stroke-not-coded"): 1}) == (_starts(stay), stay.lost)
