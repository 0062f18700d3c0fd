"""Thrombectomy and thrombolysis from Procedures: done, or decided against."""

from collections.abc import Sequence
from typing import Any, cast

from fhir_mappings.observations import codings_of, source_of
from fhir_mappings.snapshot import Issue, Stay, Treatment, TreatmentKind, TreatmentState
from fhir_mappings.value_sets import procedure_of
from fhir_mappings.windows import available_at, instant

_STATES: dict[str, TreatmentState] = {
    "completed": "done",
    "in-progress": "done",
    "stopped": "done",
    "not-done": "not_done",
}


def procedures_from(
    procedures: Sequence[Any], stay: Stay | None, *, live: bool
) -> tuple[tuple[Treatment, ...], tuple[Issue, ...]]:
    """Reperfusion procedures of this stay; those before it are left out, undated ones count.

    ``stopped`` counts as done: whatever was opened is no longer as it was.
    """
    found: list[Treatment] = []
    issues: list[Issue] = []
    for procedure in procedures:
        kind, source = procedure_of(codings_of(procedure.code)), source_of(procedure)
        state = _STATES.get(procedure.status)
        if kind is None:
            continue
        if state is None:
            issues.append(Issue("not-final", f"{kind} {source} not counted: {procedure.status}", source, kind))
            continue
        period = procedure.performedPeriod
        effective = instant(procedure.performedDateTime) or (instant(period.start) if period else None)
        if effective and stay and effective < stay.t0:
            continue
        available = available_at("procedures", effective, None, live=live) if effective else None
        text = procedure.code.text or kind
        found.append(Treatment(cast(TreatmentKind, kind), state, text[:120], source, effective, available))
    return tuple(found), tuple(issues)
