"""Diagnoses from Conditions: this stay's stroke, and the histories the model uses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

from fhir_mappings.observations import codings_of, source_of
from fhir_mappings.patients import encounter_named
from fhir_mappings.snapshot import Diagnosis, DiagnosisKind, Issue, Stay
from fhir_mappings.value_sets import diagnosis_of, stroke_named_in
from fhir_mappings.windows import instant

STROKES = frozenset({"ischemic_stroke", "hemorrhagic_stroke", "unspecific_stroke"})

BEFORE_ARRIVAL = timedelta(days=7)
"""A stroke dated up to this long before arrival belongs to the stay (assumption)."""

OLD_ONSET = timedelta(days=30)
"""A stroke that began longer ago is history even where this stay's Encounter recorded it (assumption)."""

_REFUTED = frozenset({"refuted", "entered-in-error"})
_OVER = frozenset({"inactive", "remission", "resolved"})
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class _Place:
    """What a Condition is held against: the stay, else the call, and the Encounters of other stays."""

    stay: Stay | None
    arrival: datetime | None
    elsewhere: frozenset[str]


def diagnoses_from(
    conditions: Sequence[Any],
    stay: Stay | None,
    *,
    as_of: datetime | None = None,
    elsewhere: frozenset[str] = frozenset(),
) -> tuple[tuple[Diagnosis, ...], tuple[Issue, ...]]:
    """Every diagnosis that concerns us; refuted ones are left out.

    A stroke that lies before the stay (``as_of`` where there is none), belongs to an Encounter of
    ``elsewhere``, or is over and undated, is ``stroke_history``. An active stroke without date or
    encounter counts for the open stay, which is an assumption and said.
    """
    place = _Place(stay, stay.t0 if stay else as_of, elsewhere)
    found: list[Diagnosis] = []
    issues: list[Issue] = []
    for condition in conditions:
        kind, source = _kind(condition), source_of(condition)
        if kind is None:
            continue
        if refuted := _codes(condition.verificationStatus) & _REFUTED:
            issues += [_refuted(kind, source, min(refuted))] if kind in STROKES else []
            continue
        diagnosis = _diagnosis(condition, kind, place)
        found.append(diagnosis)
        if diagnosis.kind in STROKES and diagnosis.in_stay is None and stay:
            text = f"{source} has neither encounter nor a clear date: counted for this stay"
            issues.append(Issue("assumed", text, source, diagnosis.kind))
    return tuple(found), tuple(issues)


def _refuted(kind: str, source: str, status: str) -> Issue:
    return Issue("not-final", f"{source} not counted: {status}", source, kind)


def _kind(condition: Any) -> str | None:
    """By code; a stroke also by its words alone."""
    if condition.code is None:
        return None
    return diagnosis_of(codings_of(condition.code)) or stroke_named_in(_text(condition.code))


def _text(concept: Any) -> str:
    displays = [coding.display for coding in (concept.coding or ()) if coding.display]
    return concept.text or next(iter(displays), "")


def _codes(concept: Any) -> frozenset[str]:
    return frozenset(code for _, code in codings_of(concept) if code)


def _diagnosis(condition: Any, kind: str, place: _Place) -> Diagnosis:
    stroke, onset = kind in STROKES, _onset(condition)
    in_stay = _in_stay(condition, place) if stroke else None
    over = bool(_codes(condition.clinicalStatus) & _OVER)
    past = stroke and (in_stay is False or (in_stay is None and over))
    began, recorded = instant(onset), instant(condition.recordedDate)
    # The onset of a stroke is the time last known well: a date alone would make it midnight.
    timed = began if isinstance(onset, datetime) or not stroke else None
    return Diagnosis(
        kind=cast(DiagnosisKind, "stroke_history" if past else kind),
        text=_text(condition.code)[:120],
        source=source_of(condition),
        in_stay=False if past else in_stay,
        onset=timed,
        available=recorded or began,
    )


def _onset(condition: Any) -> Any:
    period = condition.onsetPeriod
    return condition.onsetDateTime or (period.start if period else None)


def _in_stay(condition: Any, place: _Place) -> bool | None:
    """True or False by encounter or date; None where the chart tells neither."""
    encounter = encounter_named(condition.encounter)
    began, charted = _span(_onset(condition)), _span(condition.recordedDate)
    if place.stay and encounter in place.stay.encounters:
        return began is None or began[1] >= place.stay.t0 - OLD_ONSET
    dated = began or charted
    if dated is None or place.arrival is None:
        return False if encounter in place.elsewhere else None
    return _within(dated, place.arrival - BEFORE_ARRIVAL, place.stay)


def _within(dated: tuple[datetime, datetime], begin: datetime, stay: Stay | None) -> bool | None:
    """None where a date without day or month can lie on either side, or where there is no stay."""
    if dated[1] < begin or (stay and stay.end and dated[0] > stay.end):
        return False
    return True if stay and dated[0] >= begin else None


def _span(value: Any) -> tuple[datetime, datetime] | None:
    """The first and the last moment that a FHIR date, whole or partial, can mean."""
    first = instant(value)
    if first is None or isinstance(value, datetime):
        return (first, first) if first else None
    days = 1 if isinstance(value, date) else 31 if len(value) > len("2026") else 366
    return first, first + timedelta(days=days) if first < _NEVER else first
