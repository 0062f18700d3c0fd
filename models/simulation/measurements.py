"""What is measured in one stay, as charted: vital signs and laboratory values, each with its times.

Drawn once: the FHIR writer and the direct path (`models.simulation.history`) read the same values.
"""

from collections.abc import Iterator
from math import exp
from typing import NamedTuple

import numpy as np

from models.simulation.forms import Form, form_table, lab_forms, vital_forms, vital_spreads
from models.simulation.stay import SimulatedStay, minute_of
from models.simulation.world import World

_PRESSURE = ("systolic_bp", "diastolic_bp")
_OFTEN = "heart_rate"


class Value(NamedTuple):
    """One charted value: the resource it stands in, how it is written, the number as sent, its minutes after ``t0``."""

    what: str
    form: Form
    sent: float
    minute: int
    issued: int | None


def vital_values(world: World, stay: SimulatedStay, rng: np.random.Generator) -> Iterator[Value]:
    """Pressures, heart rates, saturations and temperatures; the first reading shows the value at arrival."""
    rounds = form_table()["vital_rounds"]
    hours, rare = rounds["hours"], frozenset(rounds["rare_hours"])
    forms = vital_forms(fahrenheit=rng.random() < form_table()["fahrenheit"]["share"])
    missing = {one.name: one.missing for one in world.variables}
    charted = [drawn >= missing[name] for name, drawn in zip(forms, rng.random(len(forms)).tolist(), strict=True)]
    noise = rng.standard_normal((len(hours), len(forms))) * vital_spreads()
    noise[0] = 0.0
    readings = (np.array([stay.person.values[name] for name in forms]) + noise).tolist()
    for number, (hour, reading) in enumerate(zip(hours, readings, strict=True)):
        if hour >= stay.course.departure.hours:
            return
        for form, value, there in zip(forms.values(), reading, charted, strict=True):
            if there and (form.analyte in _PRESSURE or form.analyte == _OFTEN or hour in rare):
                yield _reading(form, value, number, hour)


def _reading(form: Form, value: float, number: int, hour: float) -> Value:
    what = f"bp{number}" if form.analyte in _PRESSURE else f"{form.analyte.replace('_', '-')}{number}"
    value = min(value, 100.0) if form.analyte == "spo2" else value
    return Value(what, form, form.sent(value), minute_of(hour), None)


def lab_values(world: World, stay: SimulatedStay, rng: np.random.Generator) -> Iterator[Value]:
    """Laboratory values, issued after they were drawn; some are drawn again on later days."""
    table = form_table()["lab_rounds"]
    least_h, mean_h = table["issued_after_h"]
    forms = lab_forms("other" if rng.random() < world["other_units_share"] else "ours")
    names = _measured(world, stay, rng)
    for number, (start, share) in enumerate(zip(table["hours"], table["shares"], strict=True)):
        at, drawn = rng.random(2).tolist()
        hour, issued = start + 0.3 + 0.7 * at, least_h + float(rng.exponential(mean_h))
        changes = np.exp(table["sd_log"] * rng.standard_normal(len(names))).tolist()
        if drawn >= share or hour >= stay.course.departure.hours:
            continue
        for name, change in zip(names, changes, strict=True):
            if number and name not in table["repeated"]:
                continue
            sent = forms[name].sent(stay.person.values[name] * (change if number else 1.0))
            what = f"{name.replace('_', '-')}{number}"
            yield Value(what, forms[name], sent, minute_of(hour), minute_of(hour + issued))


def _measured(world: World, stay: SimulatedStay, rng: np.random.Generator) -> list[str]:
    """The laboratory values that this chart holds; fewer are missing in severe strokes."""
    shift = exp(world["missing_per_nihss_point"] * (stay.person.values["nihss"] - 9))
    labs = [one for one in world.variables if one.name in form_table()["labs"]]
    return [
        one.name
        for one, drawn in zip(labs, rng.random(len(labs)).tolist(), strict=True)
        if not _is_missing(one.missing, shift, drawn)
    ]


def _is_missing(share: float, shift: float, drawn: float) -> bool:
    odds = share / (1 - share) * shift
    return drawn < odds / (1 + odds)
