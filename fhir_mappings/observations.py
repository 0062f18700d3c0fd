"""Laboratory values, vital signs and scales from Observations."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from fhir_mappings.codes import VITALS, Analyte, AnalyteCode, analyte_for, analytes
from fhir_mappings.snapshot import Issue, Measurement
from fhir_mappings.units import FEU_PER_DDU, ChartUnits, UnitError, dimer_kind
from fhir_mappings.windows import available_at, doubt_of_time, effective_of, instant

USED = frozenset({"final", "amended", "corrected", "preliminary", "unknown", "registered"})
"""Observation statuses whose values are used."""
EARLY = frozenset({"preliminary", "unknown", "registered"})
"""Those among them that are used with a word on the card."""
_COMPARATORS = frozenset({"<", "<=", ">=", ">"})
_BY_MOLES = frozenset({"SCnc", "SFr"})
"""LOINC properties whose units count moles; MCnc, NCnc and MFr do not."""

_ABSENT_SYSTEM = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_ABSENT: Mapping[str, str] = {
    "unknown": "unknown",
    "asked-unknown": "asked and not known",
    "temp-unknown": "not known yet",
    "not-asked": "not asked",
    "asked-declined": "declined",
    "masked": "masked",
    "not-applicable": "not applicable",
    "unsupported": "not supported by the source",
    "as-text": "charted as text",
    "error": "measured with an error",
    "not-a-number": "not a number",
    "negative-infinity": "too low to be given",
    "positive-infinity": "too high to be given",
    "not-performed": "not performed",
    "not-permitted": "not permitted",
}
"""Plain words of the FHIR R4 value set data-absent-reason (http://hl7.org/fhir/ValueSet/data-absent-reason)."""

_OTHER_FORMS = {"valueRange": "range", "valueRatio": "ratio", "valueSampledData": "series of samples"}
"""Forms of a value that are no single number."""


def codings_of(concept: Any) -> tuple[tuple[str | None, str | None], ...]:
    """(system, code) pairs of a CodeableConcept."""
    return tuple((coding.system, coding.code) for coding in (concept.coding or ())) if concept else ()


def source_of(resource: Any) -> str:
    """``Type/id`` of a read resource."""
    return f"{resource.get_resource_type()}/{resource.id}"


def measurements_from(observations: Sequence[Any], *, live: bool) -> tuple[tuple[Measurement, ...], tuple[Issue, ...]]:
    """All values of our analytes, oldest first, and why others are not used.

    A blood pressure panel counts through its components. Codes that are not ours are passed over.
    """
    found: list[Measurement] = []
    issues: list[Issue] = []
    units = ChartUnits()
    for observation in observations:
        values, said = _read_one(observation, units, live=live)
        found += values
        issues += said
    return tuple(sorted(found, key=lambda one: (one.effective, one.source))), tuple(issues)


def _parts(observation: Any) -> Iterable[tuple[Any, AnalyteCode]]:
    """The Observation itself and its components, as far as they measure an analyte of ours."""
    for part in (observation, *(observation.component or ())):
        if code := analyte_for(codings_of(part.code)):
            yield part, code


def _read_one(observation: Any, units: ChartUnits, *, live: bool) -> tuple[list[Measurement], list[Issue]]:
    source, parts = source_of(observation), list(_parts(observation))
    if not parts:
        return [], []
    if observation.status not in USED:
        return [], [Issue("not-final", f"{source} left out: {observation.status}", source, parts[0][1].analyte)]
    effective, issued = effective_of(observation), instant(observation.issued)
    if effective is None:
        return [], [Issue("malformed", f"{source} left out: no time", source, parts[0][1].analyte)]
    measured, issues = [], []
    for part, code in parts:
        try:
            value, as_sent, said = _value(part, code, source, units)
        except _NotUsed as error:
            issues.append(error.issue)
            continue
        available = available_at("vitals" if code.analyte in VITALS else "labs", effective, issued, live=live)
        unit = analytes()[code.analyte].unit
        measured.append(Measurement(code.analyte, value, unit, effective, available, source, as_sent))
        issues += said
    return measured, issues + (reservations(observation, measured[0].analyte) if measured else [])


def reservations(observation: Any, about: str) -> list[Issue]:
    """What a card says of an Observation that is used all the same: an early status, a doubtful time."""
    source, issues = source_of(observation), []
    if observation.status in EARLY:
        issues.append(Issue("not-final", f"{source} is {observation.status}", source, about))
    if doubt := doubt_of_time(observation):
        issues.append(Issue("assumed", f"{source} has {doubt}", source, about))
    return issues


class _NotUsed(Exception):
    """A value cannot be used; carries what the card says of it."""

    def __init__(self, issue: Issue) -> None:
        self.issue = issue


def _value(part: Any, code: AnalyteCode, source: str, units: ChartUnits) -> tuple[float, str, list[Issue]]:
    """One value in its canonical unit, as it was sent, and what a card says of it. Raises `_NotUsed`."""
    analyte = analytes()[code.analyte]
    number, comparator, unit, ucum = _sent(part, analyte, source)
    as_sent = f"{comparator}{shown(number)} {unit or ucum or ''}".strip()[:40]
    try:
        line = units.conversion(unit, ucum, analyte)
        value = line.to(float(number)) * _dimer_factor(part, code)
    except UnitError as error:
        text = f"{analyte.label} left out ({source}): {error}"
        raise _NotUsed(Issue("unit-unknown", text, source, analyte.name)) from error
    low, high = analyte.plausible
    if not low <= value <= high:
        text = f"{analyte.label} {as_sent} not plausible ({source})"
        raise _NotUsed(Issue("implausible", text, source, analyte.name))
    said = [f"{analyte.label} {as_sent}: the limit is used"] if comparator else []
    if code.property and line.molar != (code.property in _BY_MOLES):
        meant = "mass" if line.molar else "moles"
        said.append(f"{analyte.label} {as_sent} under a code for {meant} ({source}): the unit is believed")
    return value, as_sent, [Issue("assumed", text, source, analyte.name) for text in said]


def _sent(part: Any, analyte: Analyte, source: str) -> tuple[Decimal | int, str, str | None, str | None]:
    """Number, comparator, unit and UCUM code. Raises `_NotUsed`: a value that should be there is missing aloud."""
    quantity = part.valueQuantity
    if part.dataAbsentReason is not None and (part.valueInteger is not None or (quantity and quantity.value)):
        text = f"{analyte.label} left out ({source}): a value beside a reason for its absence"
        raise _NotUsed(Issue("contradictory", text, source, analyte.name))
    if quantity is None and part.valueInteger is not None:
        return part.valueInteger, "", None, None
    if quantity is None or quantity.value is None:
        raise _NotUsed(Issue("malformed", f"{analyte.label} {_why_no_number(part)} ({source})", source, analyte.name))
    if quantity.comparator and quantity.comparator not in _COMPARATORS:
        text = f"{analyte.label} left out ({source}): comparator"
        raise _NotUsed(Issue("malformed", text, source, analyte.name))
    return quantity.value, quantity.comparator or "", quantity.unit, quantity.code


def shown(number: Decimal | int) -> str:
    """A number in digits; one too long for a card with its exponent."""
    return f"{number:f}" if isinstance(number, Decimal) and -20 < number.adjusted() < 20 else str(number)


def _why_no_number(part: Any) -> str:
    """What stands where a number should be."""
    if part.dataAbsentReason is not None:
        codes = [code for system, code in codings_of(part.dataAbsentReason) if system == _ABSENT_SYSTEM and code]
        words = next((_ABSENT[code] for code in codes if code in _ABSENT), "marked absent")
        return f"has no value: {words}"
    for member, form in _OTHER_FORMS.items():
        if getattr(part, member) is not None:
            return f"is a {form}, which is not read"
    if part.interpretation and not (part.valueString or part.valueCodeableConcept):
        return "has no number, only an interpretation"
    return "has no numeric value"


def _dimer_factor(part: Any, code: AnalyteCode) -> float:
    """1 for FEU, 2 for DDU; raises `UnitError` where code and texts disagree or none says."""
    if code.dimer is None:
        return 1.0
    quantity = part.valueQuantity
    displays = [coding.display for coding in (part.code.coding or ())]
    said = dimer_kind(quantity.unit, quantity.code, part.code.text, *displays)
    if said is None and code.dimer == "unknown":
        raise UnitError("neither code nor unit says FEU or DDU")
    if said is not None and code.dimer not in ("unknown", said):
        raise UnitError(f"code says {code.dimer}, text says {said}")
    return FEU_PER_DDU if (said or code.dimer) == "DDU" else 1.0
