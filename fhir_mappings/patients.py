"""Who the patient is, and which Encounters make up this stay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fhir_mappings.observations import source_of
from fhir_mappings.snapshot import Issue, Patient, Stay
from fhir_mappings.windows import instant

LARGEST_GAP = timedelta(hours=6)
"""Encounters less than this apart belong to one stay (assumption)."""

IN_HOSPITAL = frozenset({"EMER", "IMP", "ACUTE", "NONAC", "SS", "OBSENC"})
"""Classes of emergency and inpatient Encounters (HL7 v3 ActEncounterCode)."""

_NOT_MET = frozenset({"planned", "cancelled", "entered-in-error"})


@dataclass(frozen=True)
class _Visit:
    """One usable emergency or inpatient Encounter."""

    reference: str
    start: datetime
    end: datetime | None
    part_of: str | None
    inpatient: bool
    reasons: tuple[str, ...]


def patient_from(resource: Any, moment: datetime) -> tuple[Patient, tuple[Issue, ...]]:
    """The patient with the age in whole years at ``moment`` (arrival, else the call)."""
    sex = resource.gender if resource.gender in ("female", "male") else None
    born = resource.birthDate
    age = _age(str(born), moment) if born else None
    issues = () if age is not None else (Issue("malformed", "Age unknown: no usable birth date", about="age"),)
    return Patient(resource.id, age, sex, str(born) if born else None), issues


def _age(born: str, moment: datetime) -> int | None:
    """Whole years; a birth date without month or day counts from its first day."""
    birth = instant(born)
    if birth is None or birth > moment:
        return None
    return moment.year - birth.year - ((moment.month, moment.day) < (birth.month, birth.day))


def stay_from(
    encounters: Sequence[Any], as_of: datetime, *, encounter_id: str | None = None
) -> tuple[Stay | None, tuple[Issue, ...]]:
    """The linked emergency and inpatient Encounters of the stay that is open at ``as_of``.

    Without ``encounter_id`` the stay of the newest Encounter that is open or began last is taken;
    where two stays are open, the card says which one was.
    """
    visits = sorted(filter(None, map(_visit, encounters)), key=lambda visit: visit.start)
    visits = [visit for visit in visits if visit.start <= as_of]
    groups = _linked(visits)
    if not groups:
        return None, ()
    named = [group for group in groups if any(visit.reference == f"Encounter/{encounter_id}" for visit in group)]
    open_ = [group for group in groups if any(visit.end is None or visit.end > as_of for visit in group)]
    chosen = (named or open_ or groups)[-1]
    several = len(open_) > 1 and not named
    text = f"{len(open_)} stays are open: the one that began last is used"
    return _stay(chosen), (Issue("assumed", text, chosen[-1].reference, "stay"),) if several else ()


def _visit(encounter: Any) -> _Visit | None:
    code = encounter.class_fhir.code if encounter.class_fhir else None
    start = instant(encounter.period.start) if encounter.period else None
    if encounter.status in _NOT_MET or code not in IN_HOSPITAL or start is None:
        return None
    texts = [reason.text or next((c.display for c in reason.coding or () if c.display), None)
             for reason in encounter.reasonCode or ()]  # fmt: skip
    return _Visit(
        reference=source_of(encounter),
        start=start,
        end=instant(encounter.period.end),
        part_of=encounter.partOf.reference if encounter.partOf else None,
        inpatient=code != "EMER",
        reasons=tuple(text for text in texts if text),
    )


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
    names = {member.reference for member in group}
    linked = visit.part_of in names or any(member.part_of == visit.reference for member in group)
    ends = [member.end for member in group]
    last_end = max(end for end in ends if end) if all(ends) else None
    return linked or last_end is None or visit.start - last_end < LARGEST_GAP


def _stay(group: Sequence[_Visit]) -> Stay:
    ordered = sorted(group, key=lambda visit: (not visit.inpatient, visit.start))
    ends = [visit.end for visit in group]
    return Stay(
        t0=min(visit.start for visit in group),
        encounters=tuple(visit.reference for visit in ordered),
        end=max(end for end in ends if end) if all(ends) else None,
        reasons=tuple(dict.fromkeys(reason for visit in ordered for reason in visit.reasons)),
    )
