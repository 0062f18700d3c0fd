"""Who the patient is, and which Encounters make up this stay."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from fhir_mappings.observations import codings_of, source_of
from fhir_mappings.snapshot import Issue, Patient, Stay
from fhir_mappings.value_sets import diagnosis_of, names_stroke
from fhir_mappings.windows import instant

LARGEST_GAP = timedelta(hours=6)
"""Encounters less than this apart belong to one stay (assumption)."""

LONGEST_OPEN = timedelta(days=30)
"""An Encounter never closed takes in later inpatient ones for this long (assumption)."""

IN_HOSPITAL = frozenset({"EMER", "IMP", "ACUTE", "NONAC", "SS", "OBSENC"})
"""Classes of emergency and inpatient Encounters (HL7 v3 ActEncounterCode)."""

OLDEST_YEARS = 130
"""An age above this is a default date, not an age (assumption)."""

_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)  # some servers write 0001-01-01 for "not known"
_NOT_MET = frozenset({"planned", "cancelled", "entered-in-error"})
_STROKES = frozenset({"ischemic_stroke", "hemorrhagic_stroke", "unspecific_stroke"})
_ENCOUNTER = re.compile(r"(?:^|/)(Encounter/[^/]+)(?:/_history/[^/]+)?$")


@dataclass(frozen=True)
class _Visit:
    """One usable emergency or inpatient Encounter; ``open`` where nothing says that it ended."""

    reference: str
    start: datetime
    end: datetime | None
    open: bool
    part_of: str | None
    inpatient: bool
    reasons: tuple[str, ...]


def patient_from(resource: Any, moment: datetime) -> tuple[Patient, tuple[Issue, ...]]:
    """The patient with the age in whole years at ``moment`` (arrival, else the call)."""
    sex = resource.gender if resource.gender in ("female", "male") else None
    born = resource.birthDate
    age = _age(str(born), moment) if born else None
    patient = Patient(resource.id, age, sex, str(born) if born else None)
    if age is None:
        return patient, (Issue("malformed", "Age unknown: no usable birth date", about="age"),)
    if isinstance(born, str):
        text = "The birth date lacks month or day: the age is the highest it can be"
        return patient, (Issue("assumed", text, source_of(resource), "age"),)
    return patient, ()


def _age(born: str, moment: datetime) -> int | None:
    """Whole years; a birth date without month or day counts from its first day."""
    birth = instant(born)
    if birth is None or birth > moment:
        return None
    years = moment.year - birth.year - ((moment.month, moment.day) < (birth.month, birth.day))
    return years if years <= OLDEST_YEARS else None


def encounter_named(reference: Any) -> str | None:
    """``Encounter/id`` of a Reference, be it relative, absolute or to a version; None where it names none."""
    found = _ENCOUNTER.search(reference.reference) if reference and reference.reference else None
    return found[1] if found else None


def stay_from(
    encounters: Sequence[Any], as_of: datetime, *, encounter_id: str | None = None
) -> tuple[Stay | None, tuple[Issue, ...]]:
    """The linked emergency and inpatient Encounters of the stay that is open at ``as_of``.

    Without ``encounter_id`` the stay of the newest Encounter that is open or began last is taken;
    where two stays are open, the card says which one was.
    """
    met = [one for one in encounters if one.status not in _NOT_MET and _class(one) in IN_HOSPITAL]
    visits = sorted((visit for visit in map(_visit, met) if visit), key=lambda visit: visit.start)
    groups = _linked([visit for visit in visits if visit.start <= as_of])
    issues = [issue for encounter in met for issue in _start_issues(encounter)]
    if not groups:
        return None, tuple(issues)
    named = [group for group in groups if any(visit.reference == f"Encounter/{encounter_id}" for visit in group)]
    open_ = [group for group in groups if any(_is_open(visit, as_of) for visit in group)]
    chosen = (named or open_ or groups)[-1]
    if len(open_) > 1 and not named:
        text = f"{len(open_)} stays are open: the one that began last is used"
        issues.append(Issue("assumed", text, chosen[-1].reference, "stay"))
    return _stay(chosen), tuple(issues)


def _class(encounter: Any) -> str | None:
    return encounter.class_fhir.code if encounter.class_fhir else None


def _is_open(visit: _Visit, as_of: datetime) -> bool:
    return visit.open or (visit.end is not None and visit.end > as_of)


def _start(encounter: Any) -> datetime | None:
    """When an Encounter began; None where its chart says that to the month at best."""
    start = encounter.period.start if encounter.period else None
    moment = None if isinstance(start, str) else instant(start)
    return moment if moment and moment >= _EARLIEST else None


def _start_issues(encounter: Any) -> Iterator[Issue]:
    source = source_of(encounter)
    if _start(encounter) is None:
        yield Issue("malformed", f"{source} left out: it has no usable start", source, "stay")
    elif isinstance(encounter.period.start, date) and not isinstance(encounter.period.start, datetime):
        yield Issue("assumed", f"{source} has a start date without a time: 00:00 UTC is used", source, "stay")


def _visit(encounter: Any) -> _Visit | None:
    start = _start(encounter)
    if start is None:
        return None
    end = instant(encounter.period.end)
    return _Visit(
        reference=source_of(encounter),
        start=start,
        end=end,
        open=end is None and encounter.status != "finished",
        part_of=encounter_named(encounter.partOf),
        inpatient=_class(encounter) != "EMER",
        reasons=tuple(_reasons(encounter)),
    )


def _reasons(encounter: Any) -> Iterator[str]:
    """The reasons' texts; one that only its code calls a stroke says so in words."""
    for concept in encounter.reasonCode or ():
        text = concept.text or next((c.display for c in concept.coding or () if c.display), "")
        if diagnosis_of(codings_of(concept)) in _STROKES and not names_stroke(text):
            text = f"{text} (stroke)".strip()
        if text:
            yield text
    yield from (one.display for one in encounter.reasonReference or () if one.display)


def _linked(visits: Sequence[_Visit]) -> list[list[_Visit]]:
    """Groups of Encounters joined by ``partOf`` or by gaps under `LARGEST_GAP`, oldest first."""
    groups: list[list[_Visit]] = []
    for visit in visits:
        home = next((group for group in reversed(groups) if _belongs(visit, group)), None)
        if home is None:
            groups.append([visit])
        else:
            home.append(visit)
    return groups


def _belongs(visit: _Visit, group: Sequence[_Visit]) -> bool:
    """True where a later visit goes on with the stay.

    An Encounter that nobody closed must not swallow the next arrival: an emergency visit joins it
    only if it begins with it, others for `LONGEST_OPEN`.
    """
    if any(_parts(visit, member) for member in group):
        return True
    open_ = [member.start for member in group if member.open]
    if open_:
        return visit.start - max(open_) < (LONGEST_OPEN if visit.inpatient else LARGEST_GAP)
    return visit.start - max(member.end or member.start for member in group) < LARGEST_GAP


def _parts(one: _Visit, other: _Visit) -> bool:
    """True where ``partOf`` links two visits: to each other, or to one that both are part of."""
    to_each_other = one.part_of == other.reference or other.part_of == one.reference
    return to_each_other or (one.part_of is not None and one.part_of == other.part_of)


def _stay(group: Sequence[_Visit]) -> Stay:
    ordered = sorted(group, key=lambda visit: (not visit.inpatient, visit.start))
    ends = [visit.end for visit in group]
    return Stay(
        t0=min(visit.start for visit in group),
        encounters=tuple(visit.reference for visit in ordered),
        end=max(end for end in ends if end) if all(ends) else None,
        reasons=tuple(dict.fromkeys(reason for visit in ordered for reason in visit.reasons)),
    )
