"""The structured inputs: their table, their windows, and what stays unobserved."""

import math
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.codes import analytes
from fhir_mappings.features import FeatureError, build_inputs, load_features, reports_of_stay
from fhir_mappings.inputs import Feature
from fhir_mappings.snapshot import (
    ClinicalSnapshot,
    Diagnosis,
    DiagnosisKind,
    Measurement,
    NihssScore,
    Patient,
    Report,
    Stay,
    Treatment,
    TreatmentState,
)
from tests.builders import NIHSS_ITEM_CODES, T0, at

TABLE = load_features()
BARE = ClinicalSnapshot(at(4), Patient("p1", 70, "female"), Stay(T0, ("Encounter/e1",)))
ROW = '\n[[feature]]\nname = "x"\nlabel = "X"\nunit = ""\nkind = "age"\nsource = "s"\n'


def feature(name: str, **changes: Any) -> Feature:
    """One input of a snapshot with these changes."""
    inputs = build_inputs(replace(BARE, **changes), TABLE)
    return next(one for one in inputs.features if name == one.name)


def measured(analyte: str, value: float, hours: float) -> Measurement:
    """A value of an analyte."""
    unit = analytes()[analyte].unit
    return Measurement(analyte, value, unit, at(hours), at(hours), f"Observation/{analyte}{hours:g}", str(value))


def score(total: int | None, hours: float, items: dict[str, int | None] | None = None) -> NihssScore:
    """One NIHSS examination."""
    return NihssScore(at(hours), at(hours), total, items or {}, f"Observation/n{hours:g}")


def test_the_inputs_stand_in_the_order_of_the_table():
    """The network's columns are these names in this order, whatever the chart holds."""
    assert TABLE.names == tuple(one.name for one in build_inputs(BARE, TABLE).features)


def test_the_number_of_measurements_is_no_input():
    """How often nurses look must not tell the model how ill the patient is."""
    assert not [name for name in TABLE.names if "count" in name or "number" in name]
    often = replace(BARE, nihss=tuple(score(5, hours) for hours in (1, 2, 3)))
    seldom = replace(BARE, nihss=(score(5, 1), score(5, 3)))
    assert build_inputs(seldom, TABLE).features == build_inputs(often, TABLE).features


def test_every_input_has_a_label_a_source_and_a_known_meaning():
    """Analytes and diagnoses are ones that the mappings give."""
    kinds = set(get_args(DiagnosisKind)) | {"antiplatelet", "anticoagulant", "statin"} | set(analytes())
    assert all(spec.label and spec.source for spec in TABLE.specs)
    assert {spec.of for spec in TABLE.specs if spec.of} <= kinds


def test_a_bare_chart_leaves_values_unobserved_and_fills_in_none():
    """Missing stays missing: no zero, no mean."""
    inputs = build_inputs(replace(BARE, patient=Patient("p1", None, None)), TABLE)
    unobserved = {one.name for one in inputs.features if not one.observed}
    assert {"age", "female", "nihss_baseline", "nihss_latest", "glucose", "hours_from_onset"} <= unobserved
    assert {"antiplatelet", "anticoagulant", "statin"} <= unobserved


def test_without_a_stay_there_are_no_inputs():
    """No arrival, no clock."""
    with pytest.raises(ValueError, match="stay"):
        build_inputs(replace(BARE, stay=None), TABLE)


def test_the_clock_runs_from_arrival():
    """Hours at ``as_of``, and hours from last known well to arrival."""
    assert 4 == build_inputs(BARE, TABLE).hours
    assert 2.5 == feature("hours_from_onset", last_known_well=at(-2.5)).value


def test_age_and_sex_come_from_the_patient():
    """An unknown sex is unobserved, never male."""
    assert (70.0, 1.0) == (feature("age").value, feature("female").value)
    assert 0.0 == feature("female", patient=Patient("p1", 70, "male")).value
    assert feature("female", patient=Patient("p1", 70, None)).value is None


def test_first_and_latest_pressure_are_the_ends_of_their_window():
    """From an hour before arrival on; an older value is of another day."""
    values = tuple(measured("systolic_bp", 100 + hours, hours) for hours in (3, -20, 1))
    assert 101 == feature("systolic_bp_first", measurements=values).value
    assert 103 == feature("systolic_bp_latest", measurements=values).value
    assert at(3) == feature("systolic_bp_latest", measurements=values).effective
    assert "Observation/systolic_bp3" == feature("systolic_bp_latest", measurements=values).source


@pytest.mark.parametrize(("hours", "seen"), [(-12.1, False), (-12, True), (3, True), (5, False)])
def test_laboratory_values_count_from_half_a_day_before_arrival_to_the_moment(hours: float, seen: bool):
    """Both ends of the window, and nothing later than ``as_of``."""
    assert seen is feature("glucose", measurements=(measured("glucose", 110, hours),)).observed


def test_slow_values_count_from_months_before():
    """LDL and HbA1c of the last ninety days."""
    assert feature("hba1c", measurements=(measured("hba1c", 6, -24 * 80),)).observed
    assert not feature("hba1c", measurements=(measured("hba1c", 6, -24 * 100),)).observed


def test_nihss_inputs_are_baseline_latest_and_their_difference():
    """By the END rule's baseline; a contradictory score counts for nothing."""
    nihss = (score(9, 1), score(12, 3), score(None, 3.5))
    assert 9 == feature("nihss_baseline", nihss=nihss).value
    assert 12 == feature("nihss_latest", nihss=nihss).value
    assert 3 == feature("nihss_change", nihss=nihss).value


def test_without_a_baseline_there_is_no_change():
    """A first score at 10 h is the latest, and no baseline."""
    changes = {"as_of": at(20), "nihss": (score(9, 10), score(12, 15))}
    assert (None, None) == (feature("nihss_baseline", **changes).value, feature("nihss_change", **changes).value)
    assert 12 == feature("nihss_latest", **changes).value


def test_motor_items_are_summed_only_where_all_four_are_known():
    """An untestable arm is not zero points."""
    items: dict[str, int | None] = {**dict.fromkeys(NIHSS_ITEM_CODES, 0), "5a": 2, "6a": 1}
    assert 3 == feature("nihss_motor", nihss=(score(3, 1, items),)).value
    assert feature("nihss_motor", nihss=(score(3, 1, items | {"5b": None}),)).value is None


def test_a_diagnosis_is_a_flag_unless_conditions_were_not_answered():
    """A failed query is "unknown", never "none"."""
    held = (Diagnosis("diabetes", "Diabetes", "Condition/1"),)
    assert (1.0, True) == (feature("diabetes", diagnoses=held).value, feature("diabetes").is_flag)
    assert 0.0 == feature("diabetes").value
    assert feature("diabetes", unanswered=frozenset({"conditions"})).value is None


@pytest.mark.parametrize(("state", "value"), [("before_admission", 1.0), ("in_stay", 0.0)])
def test_only_home_drugs_count(state: TreatmentState, value: float):
    """Aspirin started in the stay is no home drug."""
    drug = (Treatment("antiplatelet", state, "Aspirin", "MedicationRequest/1"),)
    assert value == feature("antiplatelet", treatments=drug, seen=frozenset({"medications"})).value


def test_drugs_are_unknown_where_they_were_not_answered():
    """Neither asked nor answered: no zero."""
    assert 0.0 == feature("statin", seen=frozenset({"medications"})).value
    assert feature("statin").value is None
    failed = {"seen": frozenset({"medications"}), "unanswered": frozenset({"medications"})}
    assert feature("statin", **failed).value is None


@pytest.mark.parametrize("key", ["procedures", "medications"])
def test_thrombolysis_is_unknown_where_a_query_failed(key: str):
    """And known where it is charted all the same."""
    lysis = (Treatment("thrombolysis", "done", "Alteplase", "Procedure/1", at(1), at(1)),)
    assert 0.0 == feature("thrombolysis").value
    assert feature("thrombolysis", unanswered=frozenset({key})).value is None
    assert 1.0 == feature("thrombolysis", treatments=lysis, unanswered=frozenset({key})).value


def test_reports_of_earlier_stays_are_not_read():
    """From a day before arrival on: transfers bring their scans."""
    texts = tuple(Report("CT", "Acute hemorrhage.", at(h), at(h), f"DiagnosticReport/{-h}") for h in (-25, -24, 1))
    assert ["DiagnosticReport/24", "DiagnosticReport/-1"] == [
        one.source for one in reports_of_stay(replace(BARE, reports=texts))
    ]
    assert 2 == len(build_inputs(replace(BARE, reports=texts), TABLE).findings)


@given(st.lists(st.tuples(st.floats(-48, 168), st.floats(60, 260)), max_size=8), st.floats(0, 168))
def test_no_value_after_the_moment_is_ever_an_input(series: list[tuple[float, float]], hours: float):
    """Whatever the series and the moment."""
    values = tuple(measured("systolic_bp", value, when) for when, value in series)
    moments: list[datetime] = [
        one.effective
        for one in build_inputs(replace(BARE, as_of=at(hours), measurements=values), TABLE).features
        if one.effective
    ]
    assert all(moment <= at(hours) for moment in moments)


def test_every_observed_input_is_a_finite_number():
    """Nothing a network cannot read."""
    assert all(math.isfinite(one.value) for one in build_inputs(BARE, TABLE).features if one.value is not None)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('version = "1"' + ROW + ROW, "x stands twice"),
        (ROW, "needs a version"),
        ('version = "1"', "at least one feature"),
        ('version = "1"' + ROW + 'colour = "red"', "x: field colour is not known"),
        ('version = "1"' + ROW.replace('label = "X"\n', ""), "x: field label is missing"),
        ('version = "1"' + ROW.replace('"age"', '"magic"'), "x: kind magic is not known"),
        ('version = "1"' + ROW.replace('"age"', '"measurement"'), "x: of = None is no analyte"),
    ],
)
def test_a_wrong_table_is_refused_with_its_field(tmp_path: Path, text: str, fault: str):
    """A typing error in a site's table never becomes a silent column."""
    path = tmp_path / "features.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(FeatureError, match=fault):
        load_features(path)


def test_a_good_table_of_ones_own_is_read(tmp_path: Path):
    """The faults above are the only ones in it."""
    path = tmp_path / "features.toml"
    path.write_text('version = "1"' + ROW, "utf-8")
    assert ("1", ("x",)) == (load_features(path).version, load_features(path).names)


def stale(hours: float, **changes: Any) -> dict[str, float]:
    """Names and ages of the old inputs at that hour."""
    inputs = build_inputs(replace(BARE, as_of=at(hours), **changes), TABLE)
    return {one.name: age for one, age in inputs.stale}


def test_a_latest_value_is_old_after_its_hours_and_one_of_arrival_never_is():
    """The temperature of 12 h ago is still good, that of 13 h ago is said to be old."""
    values = (measured("temperature", 37.0, 1), measured("systolic_bp", 150, 1))
    assert {} == stale(13, measurements=values)
    assert {"temperature_latest": 13.0, "systolic_bp_latest": 13.0} == stale(14, measurements=values)


def test_a_score_of_the_ambulance_is_not_the_latest_one():
    """A letter charted late must not stand for the examination of now."""
    there = replace(score(15, 3), not_a_baseline="prehospital")
    assert 9 == feature("nihss_latest", nihss=(score(9, 1), there)).value


def test_scores_with_different_untestable_items_have_no_difference():
    """Like is compared with like: the change is unknown, not 3."""
    intubated = replace(score(12, 3), items={"10": None})
    assert feature("nihss_change", nihss=(score(9, 1), intubated)).value is None
