"""Laboratory values, vital signs and scales from Observations."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from fhir_mappings.codes import Analyte, AnalyteCode, analyte_for, analytes
from fhir_mappings.snapshot import Issue, Measurement
from fhir_mappings.units import FEU_PER_DDU, UnitError, dimer_kind, to_canonical
from fhir_mappings.windows import Kind, available_at, doubt_of_time, effective_of, instant

USED = frozenset({"final", "amended", "corrected", "preliminary", "unknown", "registered"})
"""Observation statuses whose values are used."""
EARLY = frozenset({"preliminary", "unknown", "registered"})
"""Those among them that are used with a word on the card."""
_COMPARATORS = frozenset({"<", "<=", ">=", ">"})


def codings_of(concept: Any) -> tuple[tuple[str | None, str | None], ...]:
    """(system, code) pairs of a CodeableConcept."""
    return tuple((coding.system, coding.code) for coding in (concept.coding or ())) if concept else ()


def source_of(resource: Any) -> str:
    """``Type/id`` of a read resource."""
    return f"{resource.get_resource_type()}/{resource.id}"


def measurements_from(
    observations: Sequence[Any], *, live: bool, kind: Kind
) -> tuple[tuple[Measurement, ...], tuple[Issue, ...]]:
    """All values of our analytes, oldest first, and why others are not used.

    A blood pressure panel counts through its components. Codes that are not ours are passed over.
    """
    found: list[Measurement] = []
    issues: list[Issue] = []
    for observation in observations:
        values, said = _read_one(observation, live=live, kind=kind)
        found += values
        issues += said
    return tuple(sorted(found, key=lambda one: (one.effective, one.source))), tuple(issues)


def _parts(observation: Any) -> Iterable[tuple[Any, AnalyteCode]]:
    """The Observation itself and its components, as far as they measure an analyte of ours."""
    for part in (observation, *(observation.component or ())):
        if code := analyte_for(codings_of(part.code)):
            yield part, code


def _read_one(observation: Any, *, live: bool, kind: Kind) -> tuple[list[Measurement], list[Issue]]:
    source, parts = source_of(observation), list(_parts(observation))
    if not parts:
        return [], []
    if observation.status not in USED:
        return [], [Issue("not-final", f"{source} left out: {observation.status}", source, parts[0][1].analyte)]
    effective = effective_of(observation)
    if effective is None:
        return [], [Issue("malformed", f"{source} left out: no time", source, parts[0][1].analyte)]
    available = available_at(kind, effective, instant(observation.issued), live=live)
    read = [_value(part, code, observation, effective, available) for part, code in parts]
    measured = [one for one, _ in read if one is not None]
    issues = [issue for _, said in read for issue in said]
    if measured:
        issues += reservations(observation, measured[0].analyte)
    return measured, issues


def reservations(observation: Any, about: str) -> list[Issue]:
    """What a card says of an Observation that is used all the same: an early status, a doubtful time."""
    source, issues = source_of(observation), []
    if observation.status in EARLY:
        issues.append(Issue("not-final", f"{source} is {observation.status}", source, about))
    if doubt := doubt_of_time(observation):
        issues.append(Issue("assumed", f"{source} has {doubt}", source, about))
    return issues


def _value(
    part: Any, code: AnalyteCode, observation: Any, effective: datetime, available: datetime
) -> tuple[Measurement | None, list[Issue]]:
    """One value in its canonical unit, or the issue that says why not."""
    analyte, source = analytes()[code.analyte], source_of(observation)
    quantity = part.valueQuantity
    if quantity is None or quantity.value is None:
        return None, _no_value(part, analyte, source)
    if quantity.comparator and quantity.comparator not in _COMPARATORS:
        return None, [Issue("malformed", f"{analyte.label} left out ({source}): comparator", source, analyte.name)]
    as_sent = f"{quantity.comparator or ''}{quantity.value:f} {quantity.unit or quantity.code or ''}".strip()[:40]
    try:
        value = to_canonical(float(quantity.value), quantity.unit, quantity.code, analyte)
        value *= _dimer_factor(part, code)
    except UnitError as error:
        return None, [Issue("unit-unknown", f"{analyte.label} left out ({source}): {error}", source, analyte.name)]
    low, high = analyte.plausible
    if not low <= value <= high:
        return None, [Issue("implausible", f"{analyte.label} {as_sent} not plausible ({source})", source, analyte.name)]
    one = Measurement(analyte.name, value, analyte.unit, effective, available, source, as_sent)
    if quantity.comparator:
        return one, [Issue("assumed", f"{analyte.label} {as_sent}: the limit is used", source, analyte.name)]
    return one, []


def _no_value(part: Any, analyte: Analyte, source: str) -> list[Issue]:
    """A value that should be there is missing aloud."""
    if part.dataAbsentReason is not None:
        return [Issue("malformed", f"{analyte.label} has no value ({source}): marked absent", source, analyte.name)]
    return [Issue("malformed", f"{analyte.label} has no numeric value ({source})", source, analyte.name)]


def _dimer_factor(part: Any, code: AnalyteCode) -> float:
    """1 for FEU, 2 for DDU; raises `UnitError` where code and texts disagree or none says."""
    if code.dimer is None:
        return 1.0
    displays = [coding.display for coding in (part.code.coding or ())]
    said = dimer_kind(part.valueQuantity.unit, part.valueQuantity.code, part.code.text, *displays)
    if said is None and code.dimer == "unknown":
        raise UnitError("neither code nor unit says FEU or DDU")
    if said is not None and code.dimer not in ("unknown", said):
        raise UnitError(f"code says {code.dimer}, text says {said}")
    return FEU_PER_DDU if (said or code.dimer) == "DDU" else 1.0
