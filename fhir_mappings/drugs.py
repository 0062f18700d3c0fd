"""Drugs before admission, and thrombolytics given, from orders, statements and administrations."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from fhir_mappings.observations import codings_of, source_of
from fhir_mappings.snapshot import Issue, Stay, Treatment, TreatmentKind, TreatmentState
from fhir_mappings.value_sets import RXNORM, drug_of
from fhir_mappings.windows import available_at, instant

_NOT_TAKEN = frozenset({"cancelled", "entered-in-error", "not-done", "not-taken", "draft", "unknown", "on-hold"})
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
        concept, missing = _concept(resource, medications)
        if missing:
            issues.append(
                Issue(
                    "unread", f"{source_of(resource)}: its {missing} was not found", source_of(resource), "medications"
                )
            )
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
    drug = medications.get(reference) if reference else None
    return (drug.code, None) if drug else (None, reference)


def _drug_class(concept: Any) -> str | None:
    if concept is None:
        return None
    texts = [concept.text, *(coding.display for coding in (concept.coding or ()))]
    return drug_of(texts, [code for system, code in codings_of(concept) if system == RXNORM])


def _treatment(resource: Any, kind: str, concept: Any, stay: Stay | None, *, live: bool) -> Treatment | None:
    moment = _moment(resource)
    given = resource.get_resource_type() == "MedicationAdministration"
    if kind == "thrombolytic" and not (given and resource.status in _GIVEN and _within(moment, stay)):
        return None
    thrombolysis = kind == "thrombolytic"
    state: TreatmentState = "done" if thrombolysis else "in_stay"
    if not thrombolysis and _is_home(resource, moment, stay):
        state = "before_admission"
    known = available_at("drugs", moment, None, live=live) if moment else None
    text = concept.text or next((coding.display for coding in concept.coding or () if coding.display), kind)
    name = cast(TreatmentKind, "thrombolysis" if thrombolysis else kind)
    # A home drug is known from arrival on, whenever it was prescribed.
    return Treatment(
        name, state, text[:120], source_of(resource), moment, None if state == "before_admission" else known
    )


def _within(moment: datetime | None, stay: Stay | None) -> bool:
    return moment is None or stay is None or moment >= stay.t0


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
