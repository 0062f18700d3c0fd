"""What a chart holds: every form of every kind of resource, drawn once and read as it was meant."""

from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from fhir_mappings.chart import RawChart
from fhir_mappings.pipeline import history_from
from models.simulation.cohort import draw_charts
from models.simulation.facts import Chart
from models.simulation.forms import form_table, lab_forms, vital_forms
from models.simulation.history import history_of
from models.simulation.records import records_of_chart
from models.simulation.stay import Record, minute_of
from models.simulation.world import load_world


@cache
def charts(count: int = 250) -> tuple[Chart, ...]:
    """Charts of world A."""
    return tuple(draw_charts(load_world("a"), count, 5))


def _medications(chart: Chart) -> list[Record]:
    return [record for record in records_of_chart(chart) if record["resourceType"].startswith("Medication")]


def _numbers_without_source(node: Any, path: str = "") -> Iterator[str]:
    if isinstance(node, dict):
        held = [value for value in node.values() if isinstance(value, int | float | list)]
        if held and not str(node.get("source", "")).strip() and "ours" not in node:
            yield path
        for key, value in node.items():
            yield from _numbers_without_source(value, f"{path}.{key}")


def test_every_number_of_the_forms_has_its_source_beside_it() -> None:
    """No share, time or spread without a source; laboratory forms share the one of their table."""
    assert [] == list(_numbers_without_source(form_table()))
    assert form_table()["lab_forms"]["source"]
    assert [".x"] == list(_numbers_without_source({"x": {"share": 0.5}}))


@pytest.mark.parametrize("kind", ["ours", "other"])
def test_a_laboratory_value_is_read_as_it_was_meant(kind: str) -> None:
    """Within the rounding of the form, the mappings find the value that was charted."""
    for name, form in lab_forms(kind).items():
        value = {"glucose": 104.0, "d_dimer": 1.2, "fibrinogen": 3.1, "inr": 1.1}.get(name, 9.0)
        smallest = abs(form.read(10**-form.decimals) - form.read(0))
        assert form.read(form.sent(value)) == pytest.approx(value, abs=0.51 * smallest + 1e-3 * value), name


def test_fahrenheit_is_a_form_of_temperature() -> None:
    """98.6 degrees are 37."""
    warm = vital_forms(fahrenheit=True)["temperature"]
    assert 98.6 == warm.sent(37.0)
    assert 37.0 == pytest.approx(warm.read(98.6))


def test_home_drugs_come_in_every_form() -> None:
    """Community, reported and planned orders, statements, administrations, each directly and by reference."""
    drugs = [drug for chart in charts() for drug in chart.drugs if drug.kind != "thrombolysis"]
    counts = Counter((drug.form, drug.refers) for drug in drugs)
    forms = {"community", "reported", "plan", "statement", "administration"}
    assert forms <= {form for form, refers in counts if refers}
    assert forms <= {form for form, refers in counts if not refers}
    assert {"inpatient", "given"} <= {form for form, _ in counts}
    kinds = {record["resourceType"] for chart in charts() for record in _medications(chart)}
    assert {"Medication", "MedicationRequest", "MedicationStatement", "MedicationAdministration"} == kinds


def test_every_drug_is_read_as_it_was_meant() -> None:
    """Each form comes through the mappings with its state, its time and the moment it was known."""
    seen = set()
    for chart in charts():
        if not chart.drugs or {(drug.form, drug.refers) for drug in chart.drugs} <= seen:
            continue
        seen |= {(drug.form, drug.refers) for drug in chart.drugs}
        history = history_of(chart, chart.stay.at(minute_of(200.0)))
        raw = {"encounters": _of(chart, "Encounter"), "medications": tuple(_medications(chart))}
        read = history_from(RawChart(chart.stay.patient_id, raw), history.as_of, live=False)
        drugs = [one for one in history.treatments if one.source.startswith("Medication")]
        assert set(drugs) == set(read.treatments)
    assert len(seen) >= 10


def _of(chart: Chart, kind: str) -> tuple[Record, ...]:
    return tuple(record for record in records_of_chart(chart) if record["resourceType"] == kind)


def test_thrombolysis_is_a_procedure_or_a_drug_given() -> None:
    """Both forms occur, never both in one chart."""
    procedures = [any(done.kind == "thrombolysis" for done in chart.done) for chart in charts()]
    given = [any(drug.kind == "thrombolysis" for drug in chart.drugs) for chart in charts()]
    assert any(procedures)
    assert any(given)
    assert not any(one and two for one, two in zip(procedures, given, strict=True))


def test_no_two_scores_stand_in_one_minute() -> None:
    """An extra score that falls into the minute of a planned one is not charted twice."""
    for chart in charts():
        minutes = [minute_of(exam.hours) for exam in chart.exams]
        assert sorted(set(minutes)) == minutes


def test_nothing_is_charted_after_the_patient_left() -> None:
    """Scores, vital signs and laboratory values end with the stay."""
    for chart in charts():
        last = minute_of(chart.stay.course.departure.hours)
        assert all(value.minute <= last for value in chart.values)
        assert all(minute_of(exam.hours) <= last for exam in chart.exams)


def test_the_text_of_a_report_comes_in_three_forms() -> None:
    """Conclusion, attachment and narrative all occur, one a chart."""
    reports = [record for chart in charts() for record in _of(chart, "DiagnosticReport")]
    assert {"conclusion", "presentedForm", "text"} <= set().union(*reports)
    assert all(sum(name in record for name in ("conclusion", "presentedForm", "text")) == 1 for record in reports)
