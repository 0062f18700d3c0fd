"""Whether an antithrombotic or a statin was taken before admission, by the rules of each kind of resource."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from fhir_mappings.observations import codings_of
from fhir_mappings.procedures import BEFORE_ARRIVAL
from fhir_mappings.snapshot import IssueCode, Stay, TreatmentState
from fhir_mappings.windows import instant

STILL_TAKEN = timedelta(days=90)
"""An order completed or stopped counts as a home drug if it is not older at arrival than this (assumption)."""

ENDED_BEFORE = timedelta(days=7)
"""A drug whose charted end is further before arrival than this was not taken then (assumption)."""

_NOT_COUNTED = frozenset({"cancelled", "draft", "intended", "not-done", "not-taken", "unknown"})
_ENDED = frozenset({"completed", "stopped"})
_NO_ORDERS = frozenset({"proposal", "option"})

_FOR_ADMISSION = ("http://terminology.hl7.org/CodeSystem/medicationrequest-status-reason", "hospadm")
"""Suspended because of the admission to hospital (FHIR R4, MedicationRequest status reason codes)."""


@dataclass(frozen=True)
class Judged:
    """What a resource counts as, None for nothing, and what a card says of that."""

    state: TreatmentState | None
    said: str | None = None
    code: IssueCode = "assumed"


_HOME = Judged("before_admission")
_IN_STAY = Judged("in_stay")


def home_drug(resource: Any, stay: Stay | None) -> Judged:
    """``before_admission``, ``in_stay``, or nothing with the reason."""
    if resource.status in _NOT_COUNTED:
        return Judged(None, resource.status, "not-final")
    kind = resource.get_resource_type()
    if kind == "MedicationAdministration":
        return _given(resource, stay)
    judged = _ordered(resource, stay) if kind == "MedicationRequest" else _stated(resource, stay)
    return _unless_ended(resource, judged, stay) if judged.state == "before_admission" else judged


def _given(administration: Any, stay: Stay | None) -> Judged:
    """Given at home, or in another stay not long ago; on the day before arrival it is treatment of the stroke."""
    moment = moment_of(administration)
    if "community" in _categories(administration):
        return _HOME
    if moment is None or stay is None or moment >= stay.t0 - BEFORE_ARRIVAL:
        return _IN_STAY
    return _HOME if moment >= stay.t0 - STILL_TAKEN else Judged(None)


def _ordered(order: Any, stay: Stay | None) -> Judged:
    """Reported, planned, of the community category, or written before arrival."""
    if why := _no_order(order):
        return Judged(None, why, "not-final")
    if order.reportedBoolean or order.reportedReference:
        return _HOME
    categories = _categories(order)
    if "inpatient" in categories:  # on the day before arrival: begun by the sending hospital (assumption)
        return _HOME if stay and is_before(order.authoredOn, stay.t0 - BEFORE_ARRIVAL) else _IN_STAY
    earlier = is_before(order.authoredOn, stay.t0) if stay else False
    if earlier or "discharge" in categories:  # one for the discharge to come is of the stay
        return _HOME if earlier else _IN_STAY
    if "community" in categories or order.intent == "plan":
        return _HOME
    return Judged("in_stay", "before or after arrival is unknown") if earlier is None else _IN_STAY


def _no_order(order: Any) -> str | None:
    """Why a request is no order to give the drug; None where it is one."""
    if order.doNotPerform:
        return "an order not to give it"
    return f"intent {order.intent}" if order.intent in _NO_ORDERS else None


def _stated(statement: Any, stay: Stay | None) -> Judged:
    """Taken, unless it began in the stay; what is no longer taken counts only by the date on which it ended."""
    period = statement.effectivePeriod
    began_before = is_before(period.start, stay.t0) if period and stay else None
    began_later = bool(period and stay and instant(period.start) and began_before is False)
    if began_later or ("inpatient" in _categories(statement) and not began_before):
        return _IN_STAY
    if statement.status in _ENDED and not _ends(statement):
        return Judged(None, f"{statement.status}, when is unknown", "not-final")
    return _HOME


def _unless_ended(resource: Any, judged: Judged, stay: Stay | None) -> Judged:
    """The same, unless a charted end, the status or an old order casts doubt on it."""
    if stay is None:
        return judged
    if ends := _ends(resource):
        if all(is_before(end, stay.t0 - ENDED_BEFORE) for end in ends):
            return Judged(None, "ended before arrival")
        if all(is_before(end, stay.t0) for end in ends):
            return Judged("before_admission", "ended in the week before arrival")
    doubt = _by_status(resource, stay, has_end=bool(ends))
    return judged if doubt is None or _is_for_admission(resource) else doubt


def _by_status(resource: Any, stay: Stay, *, has_end: bool) -> Judged | None:
    """What a status alone leaves in doubt: a drug on hold, an order over at a time that is not charted."""
    if resource.status == "on-hold":
        return Judged("before_admission", "on-hold", "not-final")
    if has_end or resource.status not in _ENDED:
        return None
    if is_before(resource.authoredOn, stay.t0 - STILL_TAKEN):
        return Judged(None, f"{resource.status}, and written long ago")
    return Judged("before_admission", "stopped, when is unknown") if resource.status == "stopped" else None


def _is_for_admission(resource: Any) -> bool:
    """True where the drug was suspended because of an admission."""
    reasons = resource.statusReason or ()
    held = reasons if isinstance(reasons, list) else [reasons]
    return any(_FOR_ADMISSION in codings_of(one) for one in held)


def _ends(resource: Any) -> list[Any]:
    """When taking ends, as charted; empty where a part of the dosage has no end."""
    if resource.get_resource_type() == "MedicationStatement":
        period = resource.effectivePeriod
        return [period.end] if period and period.end else []
    bounds = list(_bounds(resource))
    return [one.end for one in bounds] if all(one and one.end for one in bounds) else []


def _bounds(order: Any) -> Iterator[Any]:
    """The period of each line of an order's dosage, None where it has none."""
    for line in order.dosageInstruction or ():
        repeat = line.timing.repeat if line.timing else None
        yield repeat.boundsPeriod if repeat else None


def _categories(resource: Any) -> set[str | None]:
    held = resource.category or ()
    return {code for concept in (held if isinstance(held, list) else [held]) for _, code in codings_of(concept)}


def is_before(value: datetime | date | str | None, moment: datetime) -> bool | None:
    """Whether a FHIR time lies before a moment; None where it is absent or its day, month or year is the moment's."""
    known = instant(value)
    if value is None or known is None:
        return None
    if isinstance(value, datetime):
        return known < moment
    day = str(value)
    same = moment.isoformat()[: len(day)]
    return None if day == same else day < same


def moment_of(resource: Any) -> datetime | None:
    """When a drug was ordered, taken or given; an administration by part of a date has none."""
    period = getattr(resource, "effectivePeriod", None)
    times = (
        getattr(resource, "authoredOn", None),
        getattr(resource, "effectiveDateTime", None),
        *((period.start, period.end) if period else ()),
        getattr(resource, "dateAsserted", None),
    )
    whole = resource.get_resource_type() == "MedicationAdministration"
    known = (instant(one) for one in times if one is not None and not (whole and isinstance(one, str)))
    return next((one for one in known if one), None)


def charted_at(resource: Any) -> datetime | None:
    """When the chart came to hold it: a statement when it was asserted, all else when it happened."""
    return instant(getattr(resource, "dateAsserted", None)) or moment_of(resource)
