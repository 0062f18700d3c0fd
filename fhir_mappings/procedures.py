"""Thrombectomy and thrombolysis from Procedures: done, or decided against."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from fhir_mappings.observations import USED, codings_of, source_of
from fhir_mappings.patients import encounter_named
from fhir_mappings.snapshot import Issue, Stay, Treatment, TreatmentKind, TreatmentState
from fhir_mappings.value_sets import decision_of, procedure_of
from fhir_mappings.windows import available_at, effective_of, instant

BEFORE_ARRIVAL = timedelta(hours=24)
"""Reperfusion up to this long before arrival, at a sending hospital, counts for the stay (assumption)."""

_STATES: dict[str, TreatmentState] = {
    "completed": "done",
    "in-progress": "done",
    "stopped": "done",
    "not-done": "not_done",
}


def procedures_from(
    procedures: Sequence[Any], stay: Stay | None, *, live: bool
) -> tuple[tuple[Treatment, ...], tuple[Issue, ...]]:
    """Reperfusion procedures of this stay, by encounter or date; earlier ones are left out.

    ``stopped`` counts as done: whatever was opened is no longer as it was. What nothing ties to the
    stay is said, and counts only where it was decided against: a refusal seldom has a time.
    """
    found: list[Treatment] = []
    issues: list[Issue] = []
    for procedure in procedures:
        kind, state = _kind_and_state(procedure)
        source, effective = source_of(procedure), _performed(procedure)
        if kind is None or (effective and stay and effective < stay.t0 - BEFORE_ARRIVAL):
            continue
        if state is None:
            issues.append(Issue("not-final", f"{kind} {source} not counted: {procedure.status}", source, kind))
            continue
        if effective is None and not (stay and encounter_named(procedure.encounter) in stay.encounters):
            issues.append(_untied(kind, source, counted=state == "not_done"))
            if state == "done":
                continue
        available = available_at("procedures", effective, None, live=live) if effective else None
        text = procedure.code.text or kind
        found.append(Treatment(cast(TreatmentKind, kind), state, text[:120], source, effective, available))
    return tuple(found), tuple(issues)


def _kind_and_state(procedure: Any) -> tuple[str | None, TreatmentState | None]:
    """What was done, or decided against: by its status, or by a site's own code for the decision."""
    codings, state = codings_of(procedure.code), _STATES.get(procedure.status)
    declined = decision_of(codings)
    return (declined, state and "not_done") if declined else (procedure_of(codings), state)


def decisions_from(observations: Sequence[Any], stay: Stay | None, *, live: bool) -> tuple[Treatment, ...]:
    """Decisions against a procedure that a site charts as Observations, by its own code (`decision_of`).

    One that says ``false`` is none; one from before the stay belongs to another.
    """
    found = []
    for one in observations:
        kind, effective = decision_of(codings_of(one.code)), effective_of(one)
        said_no = one.valueBoolean is False
        if kind is None or effective is None or one.status not in USED or said_no:
            continue
        if stay and effective < stay.t0 - BEFORE_ARRIVAL:
            continue
        available = available_at("procedures", effective, instant(one.issued), live=live)
        text = (one.code.text or f"{kind} declined")[:120]
        found.append(Treatment(cast(TreatmentKind, kind), "not_done", text, source_of(one), effective, available))
    return tuple(found)


def _performed(procedure: Any) -> datetime | None:
    """When it began; a date to the month or year is none."""
    period = procedure.performedPeriod
    given = procedure.performedDateTime or (period.start if period else None)
    return None if isinstance(given, str) else instant(given)


def _untied(kind: str, source: str, *, counted: bool) -> Issue:
    end = "counted for this stay" if counted else "not counted"
    return Issue("assumed", f"{kind} {source} has neither date nor encounter: {end}", source, kind)
