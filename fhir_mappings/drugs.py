"""Drugs before admission, and thrombolytics given, from orders, statements and administrations."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from fhir_mappings.observations import codings_of, source_of
from fhir_mappings.procedures import BEFORE_ARRIVAL
from fhir_mappings.snapshot import Issue, Stay, Treatment, TreatmentKind, TreatmentState
from fhir_mappings.value_sets import drug_of
from fhir_mappings.windows import available_at, instant

STILL_TAKEN = timedelta(days=90)
"""An order completed or stopped counts as a home drug if it is not older at arrival than this (assumption)."""

_NOT_TAKEN = frozenset({"cancelled", "entered-in-error", "not-done", "not-taken", "draft", "unknown"})
_ENDED = frozenset({"completed", "stopped", "ended"})
_GIVEN = frozenset({"completed", "in-progress", "stopped"})


def treatments_from(
    resources: Sequence[Any], medications: Mapping[str, Any], stay: Stay | None, *, live: bool
) -> tuple[tuple[Treatment, ...], tuple[Issue, ...]]:
    """Antithrombotics and statins before admission or in the stay, and thrombolysis given.

    A thrombolytic counts as given only by an administration: an order alone is no infusion.
    ``medications`` resolves ``medicationReference`` by ``Medication/id``; what it lacks is said.
    """
    found: list[Treatment] = []
    issues: list[Issue] = []
    for resource in resources:
        source = source_of(resource)
        concept, missing = _concept(resource, medications)
        if missing:
            issues.append(Issue("unread", f"{source}: the drug it refers to was not found", source, "medications"))
        kind = _drug_class(concept)
        if kind is None or resource.status in _NOT_TAKEN or getattr(resource, "doNotPerform", None):
            continue
        treatment = _treatment(resource, kind, concept, stay, live=live)
        found += [treatment] if treatment else []
    return tuple(found), tuple(issues)


def _concept(resource: Any, medications: Mapping[str, Any]) -> tuple[Any, str | None]:
    """The drug's concept, and the reference that could not be resolved."""
    if resource.medicationCodeableConcept is not None:
        return resource.medicationCodeableConcept, None
    reference = resource.medicationReference.reference if resource.medicationReference else None
    if reference and reference.startswith("#"):
        held = {f"#{one.id}": one for one in resource.contained or () if one.get_resource_type() == "Medication"}
        drug = held.get(reference)
    else:
        drug = medications.get("/".join(reference.split("/")[-2:])) if reference else None
    return (drug.code, None) if drug else (None, reference)


def _drug_class(concept: Any) -> str | None:
    if concept is None:
        return None
    texts = [concept.text, *(coding.display for coding in (concept.coding or ()))]
    return drug_of(texts, codings_of(concept))


def _treatment(resource: Any, kind: str, concept: Any, stay: Stay | None, *, live: bool) -> Treatment | None:
    moment = _moment(resource)
    given = resource.get_resource_type() == "MedicationAdministration"
    if kind == "thrombolytic" and not (given and resource.status in _GIVEN and _within(moment, stay)):
        return None
    thrombolysis = kind == "thrombolytic"
    state: TreatmentState = "done" if thrombolysis else "in_stay"
    if not thrombolysis and _is_home(resource, moment, stay):
        if _is_long_over(resource, moment, stay):
            return None
        state = "before_admission"
    known = available_at("drugs", moment, None, live=live) if moment else None
    if state == "before_admission" and known and stay and known <= stay.t0:
        known = None  # a home drug is known from arrival on, whenever it was prescribed
    text = concept.text or next((coding.display for coding in concept.coding or () if coding.display), kind)
    name = cast(TreatmentKind, "thrombolysis" if thrombolysis else kind)
    return Treatment(name, state, text[:120], source_of(resource), moment, known)


def _within(moment: datetime | None, stay: Stay | None) -> bool:
    return moment is None or stay is None or moment >= stay.t0 - BEFORE_ARRIVAL


def _is_long_over(resource: Any, moment: datetime | None, stay: Stay | None) -> bool:
    """True for an order that ended and was written long before arrival."""
    return resource.status in _ENDED and bool(moment and stay and moment < stay.t0 - STILL_TAKEN)


def _moment(resource: Any) -> datetime | None:
    """When a drug was ordered, taken or given."""
    period = getattr(resource, "effectivePeriod", None)
    return (
        instant(getattr(resource, "authoredOn", None))
        or instant(getattr(resource, "effectiveDateTime", None))
        or (instant(period.start) if period else None)
        or instant(getattr(resource, "dateAsserted", None))
    )


def _is_home(resource: Any, moment: datetime | None, stay: Stay | None) -> bool:
    """A home drug: stated, reported, planned, of the community category, or before arrival."""
    if resource.get_resource_type() == "MedicationAdministration":
        return bool(moment and stay and moment < stay.t0)
    if resource.get_resource_type() == "MedicationStatement":
        return True
    categories = {code for concept in (resource.category or ()) for _, code in codings_of(concept)}
    stated = bool(resource.reportedBoolean) or resource.intent == "plan" or "community" in categories
    return stated or bool(moment and stay and moment < stay.t0)
