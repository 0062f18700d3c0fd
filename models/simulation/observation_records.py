"""Observations of one chart as FHIR: NIHSS scores, vital signs, laboratory values, what was before the stroke."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import groupby
from operator import attrgetter

from fhir_mappings.codes import MRS_CODE, ONSET_CODE, VITALS, nihss_table
from models.simulation.charting import Exam
from models.simulation.facts import Chart
from models.simulation.measurements import Value
from models.simulation.stay import LOINC, TERMINOLOGY, UCUM, Record, SimulatedStay, minute_of

MRS_H, ONSET_H = 0.5, 0.3
"""When the pre-stroke mRS and the time last known well are charted, in hours after arrival (assumption)."""

_PRESSURE_PANEL = "85354-9"
_UNTESTABLE = {"system": LOINC, "code": "LA18461-6", "display": "Untestable"}


@cache
def _code(loinc: str) -> Record:
    return {"coding": [{"system": LOINC, "code": loinc}]}


@cache
def _category(name: str) -> list[Record]:
    return [{"coding": [{"system": f"{TERMINOLOGY}/observation-category", "code": name}]}]


def _observation(stay: SimulatedStay, what: str, loinc: str, category: str, minute: int) -> Record:
    content = {
        "status": "final",
        "category": _category(category),
        "code": _code(loinc),
        "effectiveDateTime": stay.instant(minute),
    }
    return stay.record("Observation", what, content)


def observation_records(chart: Chart) -> Iterator[Record]:
    """Every Observation of a chart."""
    yield from _before_stroke(chart)
    for number, exam in enumerate(chart.exams):
        yield from _score(chart.stay, number, exam, as_panel=chart.as_panel)
    for what, values in groupby(chart.values, attrgetter("what")):
        yield _measured(chart.stay, what, tuple(values))


def _before_stroke(chart: Chart) -> Iterator[Record]:
    stay = chart.stay
    if chart.mrs is not None:
        mrs = _observation(stay, "mrs", MRS_CODE, "survey", minute_of(MRS_H))
        yield mrs | {"code": _code(MRS_CODE) | {"text": "Pre-stroke modified Rankin scale"}, "valueInteger": chart.mrs}
    if chart.onset_observed:
        onset = _observation(stay, "onset", ONSET_CODE, "survey", minute_of(ONSET_H))
        yield onset | {"valueDateTime": stay.when(-stay.course.delay_h)}


def _score(stay: SimulatedStay, number: int, exam: Exam, *, as_panel: bool) -> Iterator[Record]:
    """The total, and its items as a panel beside it or as its own components."""
    table, minute = nihss_table(), minute_of(exam.hours)
    total = _observation(stay, f"n{number}", table.total, "survey", minute) | {"valueInteger": exam.total}
    if not exam.items:
        yield total
    elif as_panel:
        yield total
        items = _observation(stay, f"np{number}", table.panel, "survey", minute)
        yield items | {"component": _items(exam.items)}
    else:
        yield total | {"component": _items(exam.items)}


def _items(items: Mapping[str, int | None]) -> list[Record]:
    table = nihss_table()
    return [
        {"code": _code(table.items[item].loinc)}
        | ({"valueInteger": points} if points is not None else {"valueCodeableConcept": {"coding": [_UNTESTABLE]}})
        for item, points in items.items()
    ]


def _measured(stay: SimulatedStay, what: str, values: tuple[Value, ...]) -> Record:
    """One value, or a pressure panel with its components."""
    first = values[0]
    category = "vital-signs" if first.form.analyte in VITALS else "laboratory"
    if first.form.analyte in ("systolic_bp", "diastolic_bp"):
        panel = _observation(stay, what, _PRESSURE_PANEL, category, first.minute)
        return panel | {"component": _components(values)}
    observed = _observation(stay, what, first.form.loinc, category, first.minute)
    issued = {} if first.issued is None else {"issued": stay.instant(first.issued)}
    return observed | issued | {"valueQuantity": _quantity(first)}


def _components(values: Iterable[Value]) -> list[Record]:
    return [{"code": _code(value.form.loinc), "valueQuantity": _quantity(value)} for value in values]


def _quantity(value: Value) -> Record:
    return {"value": value.sent, "unit": value.form.unit, "system": UCUM, "code": value.form.ucum}
