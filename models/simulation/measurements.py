"""Observations of one stay: NIHSS scores, vital signs and laboratory values."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from math import exp
from pathlib import Path
from typing import Any

import numpy as np

from fhir_mappings.codes import MRS_CODE, ONSET_CODE, nihss_table
from models.simulation.charting import Exam
from models.simulation.stay import LOINC, TERMINOLOGY, UCUM, Record, SimulatedStay
from models.simulation.world import World

_VITALS_HOURS = (0.1, 1.0, 4.0, 8.0, 12.0, 24.0, 36.0, 48.0, 72.0, 96.0, 120.0, 144.0)
_RARE_VITALS_HOURS = (0.1, 12.0, 24.0, 48.0, 72.0, 96.0)
_LAB_ROUNDS = ((0.0, 1.0), (24.0, 0.7), (72.0, 0.5))  # hours after arrival, share drawn again: assumption
_REPEATED = ("glucose", "wbc", "neutrophils", "lymphocytes", "platelets", "creatinine", "crp")
_VITALS = {
    "heart_rate": ("8867-4", "/min", "/min", 6.0),
    "spo2": ("59408-5", "%", "%", 0.8),
    "temperature": ("8310-5", "°C", "Cel", 0.3),
}  # LOINC, unit, UCUM, SD of later readings (assumption)
_SD_PRESSURE = 9.0  # mmHg between readings: assumption
_SD_LABS = 0.12  # of the logarithm between rounds: assumption
_UNTESTABLE = {"system": LOINC, "code": "LA18461-6", "display": "Untestable"}


def _code(loinc: str) -> Record:
    return {"coding": [{"system": LOINC, "code": loinc}]}


def _category(name: str) -> list[Record]:
    return [{"coding": [{"system": f"{TERMINOLOGY}/observation-category", "code": name}]}]


def _quantity(value: float, unit: str, ucum: str, digits: int) -> Record:
    rounded = round(value, digits) if digits else round(value)
    return {"value": rounded, "unit": unit, "system": UCUM, "code": ucum}


def _observation(stay: SimulatedStay, what: str, loinc: str, category: str, hours: float) -> Record:
    content = {
        "status": "final",
        "category": _category(category),
        "code": _code(loinc),
        "effectiveDateTime": stay.when(hours),
    }
    return stay.record("Observation", what, content)


def _components(items: Mapping[str, int | None]) -> list[Record]:
    table = nihss_table()
    return [
        {"code": _code(table.items[item].loinc)}
        | ({"valueInteger": points} if points is not None else {"valueCodeableConcept": {"coding": [_UNTESTABLE]}})
        for item, points in items.items()
    ]


def _score(stay: SimulatedStay, number: int, exam: Exam, panel: bool) -> Iterator[Record]:
    """The total, and its items as a panel beside it or as its own components."""
    table = nihss_table()
    total = _observation(stay, f"n{number}", table.total, "survey", exam.hours) | {"valueInteger": exam.total}
    if not exam.items:
        yield total
    elif panel:
        yield total
        items = _observation(stay, f"np{number}", table.panel, "survey", exam.hours)
        yield items | {"component": _components(exam.items)}
    else:
        yield total | {"component": _components(exam.items)}


def score_records(stay: SimulatedStay, rng: np.random.Generator) -> Iterator[Record]:
    """Every charted NIHSS; one chart keeps to one way of charting items."""
    panel = rng.random() < 0.5
    for number, exam in enumerate(stay.exams):
        yield from _score(stay, number, exam, panel)


def _pressure(stay: SimulatedStay, number: int, hours: float, noise: np.ndarray[Any, Any]) -> Record:
    values = stay.person.values
    parts = (("8480-6", values["systolic_bp"] + noise[0]), ("8462-4", values["diastolic_bp"] + 0.6 * noise[1]))
    panel = _observation(stay, f"bp{number}", "85354-9", "vital-signs", hours)
    return panel | {
        "component": [
            {"code": _code(loinc), "valueQuantity": _quantity(value, "mmHg", "mm[Hg]", 0)} for loinc, value in parts
        ]
    }


def _vital(stay: SimulatedStay, name: str, number: int, hours: float, change: float) -> Record:
    loinc, unit, ucum, sd = _VITALS[name]
    value = stay.person.values[name] + sd * change
    if name == "temperature" and stay.person.number % 4 == 0:  # a quarter of charts hold Fahrenheit: assumption
        value, unit, ucum = value * 1.8 + 32, "°F", "[degF]"
    value = min(value, 100.0) if name == "spo2" else value
    observed = _observation(stay, f"{name.replace('_', '-')}{number}", loinc, "vital-signs", hours)
    return observed | {"valueQuantity": _quantity(value, unit, ucum, 1 if name == "temperature" else 0)}


def vital_records(world: World, stay: SimulatedStay, rng: np.random.Generator) -> Iterator[Record]:
    """Pressure panels, heart rates, temperatures and saturations; the first shows the value at arrival."""
    charted = {v.name for v in world.variables if rng.random() >= v.missing}
    noise = _SD_PRESSURE * rng.standard_normal((len(_VITALS_HOURS), 2))
    changes = rng.standard_normal((len(_VITALS_HOURS), len(_VITALS)))
    noise[0], changes[0] = 0.0, 0.0
    for number, hours in enumerate(_VITALS_HOURS):
        if hours >= stay.course.departure.hours:
            return
        if "systolic_bp" in charted:
            yield _pressure(stay, number, hours, noise[number])
        for column, name in enumerate(_VITALS):
            if name in charted and (name == "heart_rate" or hours in _RARE_VITALS_HOURS):
                yield _vital(stay, name, number, hours, float(changes[number, column]))


def before_stroke_records(world: World, stay: SimulatedStay, rng: np.random.Generator) -> Iterator[Record]:
    """The modified Rankin scale before the stroke, where charted, and in some charts the time last known well."""
    charted, points, as_observation = rng.random(3).tolist()
    if charted >= world["no_mrs_share"]:
        mrs = _observation(stay, "mrs", MRS_CODE, "survey", 0.5)
        worse = 1 + int(points < 0.5) + int(points < 0.15)  # shares: assumption
        code = _code(MRS_CODE) | {"text": "Pre-stroke modified Rankin scale"}
        yield mrs | {"code": code, "valueInteger": worse if stay.person.has("pre_stroke_disability") else 0}
    if stay.onset_charted and as_observation < 0.5:
        onset = _observation(stay, "onset", ONSET_CODE, "survey", 0.3)
        yield onset | {"valueDateTime": stay.when(-stay.course.delay_h)}


@cache
def _forms() -> dict[str, dict[str, tuple[str, str, str, float, int]]]:
    table = tomllib.loads((Path(__file__).parent / "forms.toml").read_text("utf-8"))
    return {name: {kind: tuple(row) for kind, row in rows.items()} for name, rows in table.items()}


def _is_missing(world: World, missing: float, nihss: float, drawn: float) -> bool:
    """Laboratory values are missing less often in severe strokes."""
    if missing <= 0:
        return False
    odds = missing / (1 - missing) * exp(world["missing_per_nihss_point"] * (nihss - 9))
    return drawn < odds / (1 + odds)


def _drawn_labs(world: World, stay: SimulatedStay, rng: np.random.Generator) -> list[str]:
    nihss = stay.person.values["nihss"]
    return [
        v.name for v in world.variables if v.name in _forms() and not _is_missing(world, v.missing, nihss, rng.random())
    ]


def lab_records(world: World, stay: SimulatedStay, rng: np.random.Generator) -> Iterator[Record]:
    """Laboratory values, issued after they were drawn; some are drawn again on later days."""
    kind = "other" if rng.random() < world["other_units_share"] else "ours"
    names = _drawn_labs(world, stay, rng)
    for number, (start, share) in enumerate(_LAB_ROUNDS):
        hours = start + 0.3 + 0.7 * rng.random()
        issued = hours + 0.4 + float(rng.exponential(0.6))
        if rng.random() >= share or hours >= stay.course.departure.hours:
            continue
        for name in names if number == 0 else [name for name in names if name in _REPEATED]:
            loinc, unit, ucum, factor, digits = _forms()[name][kind]
            changed = exp(_SD_LABS * rng.standard_normal()) if number else 1.0
            quantity = _quantity(stay.person.values[name] * changed * factor, unit, ucum, digits)
            drawn = _observation(stay, f"{name.replace('_', '-')}{number}", loinc, "laboratory", hours)
            yield drawn | {"issued": stay.when(issued), "valueQuantity": quantity}
