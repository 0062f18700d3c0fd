"""Diagnoses from Conditions: this stay's stroke, and the histories the model uses."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from fhir_mappings.observations import codings_of, source_of
from fhir_mappings.snapshot import Diagnosis, DiagnosisKind, Issue, Stay
from fhir_mappings.value_sets import diagnosis_of, names_stroke
from fhir_mappings.windows import instant

STROKES = frozenset({"ischemic_stroke", "hemorrhagic_stroke", "unspecific_stroke"})

BEFORE_ARRIVAL = timedelta(days=7)
"""A stroke dated up to this long before arrival belongs to the stay (assumption)."""

_REFUTED = frozenset({"refuted", "entered-in-error"})
_OVER = frozenset({"inactive", "remission", "resolved"})


def diagnoses_from(conditions: Sequence[Any], stay: Stay | None) -> tuple[tuple[Diagnosis, ...], tuple[Issue, ...]]:
    """Every diagnosis that concerns us; refuted ones are left out.

    A stroke that lies before the stay, or is over, is ``stroke_history``. An active stroke without
    date or encounter counts for the open stay, which is an assumption and said.
    """
    found: list[Diagnosis] = []
    issues: list[Issue] = []
    for condition in conditions:
        kind = _kind(condition)
        if kind is None or _codes(condition.verificationStatus) & _REFUTED:
            continue
        diagnosis = _diagnosis(condition, kind, stay)
        found.append(diagnosis)
        if diagnosis.kind in STROKES and diagnosis.in_stay is None and stay:
            text = f"{diagnosis.source} has neither date nor encounter: counted for this stay"
            issues.append(Issue("assumed", text, diagnosis.source, diagnosis.kind))
    return tuple(found), tuple(issues)


def _kind(condition: Any) -> str | None:
    concept = condition.code
    if concept is None:
        return None
    if kind := diagnosis_of(codings_of(concept)):
        return kind
    return "unspecific_stroke" if names_stroke(_text(concept)) else None


def _text(concept: Any) -> str:
    displays = [coding.display for coding in (concept.coding or ()) if coding.display]
    return concept.text or next(iter(displays), "")


def _codes(concept: Any) -> frozenset[str]:
    return frozenset(code for _, code in codings_of(concept) if code)


def _diagnosis(condition: Any, kind: str, stay: Stay | None) -> Diagnosis:
    onset = instant(condition.onsetDateTime) or (
        instant(condition.onsetPeriod.start) if condition.onsetPeriod else None
    )
    recorded = instant(condition.recordedDate)
    in_stay = _in_stay(condition, onset, recorded, stay) if kind in STROKES else None
    past = kind in STROKES and (in_stay is False or bool(_codes(condition.clinicalStatus) & _OVER))
    return Diagnosis(
        kind=cast(DiagnosisKind, "stroke_history" if past else kind),
        text=_text(condition.code)[:120],
        source=source_of(condition),
        in_stay=False if past else in_stay,
        onset=onset,
        available=recorded,
    )


def _in_stay(condition: Any, onset: datetime | None, recorded: datetime | None, stay: Stay | None) -> bool | None:
    """True or False by encounter, else by date; None where the chart holds neither."""
    encounter = condition.encounter.reference if condition.encounter else None
    if stay is None:
        return None
    if encounter in stay.encounters:
        return True
    moment = onset or recorded
    if moment is None:
        return None if encounter is None else False
    return moment >= stay.t0 - BEFORE_ARRIVAL and (stay.end is None or moment <= stay.end)
