"""Drugs before admission, and thrombolytics given, from orders, statements and administrations."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from fhir_mappings.drug_names import Drug, drug_named, is_for_a_catheter
from fhir_mappings.home_drugs import Judged, charted_at, home_drug, moment_of
from fhir_mappings.observations import source_of
from fhir_mappings.patients import encounter_named
from fhir_mappings.procedures import BEFORE_ARRIVAL
from fhir_mappings.snapshot import Issue, Stay, Treatment, TreatmentKind
from fhir_mappings.windows import available_at

_GIVEN = frozenset({"completed", "in-progress", "stopped"})
"""A stopped infusion was begun; one on hold may never have been."""

_DENIED = Judged(None, "its text denies it", "contradictory")


def treatments_from(
    resources: Sequence[Any], medications: Mapping[str, Any], stay: Stay | None, *, live: bool
) -> tuple[tuple[Treatment, ...], tuple[Issue, ...]]:
    """Antithrombotics and statins before admission or in the stay, and thrombolysis given.

    A thrombolytic counts as given only by an administration: an order alone is no infusion.
    ``medications`` resolves ``medicationReference`` by ``Medication/id``; what it lacks is said.
    """
    found: list[Treatment] = []
    issues: list[Issue] = []
    doubts: list[tuple[str, Judged, Any]] = []
    for resource in resources:
        if resource.status == "entered-in-error":
            continue
        source, drug = source_of(resource), drug_named(resource, medications)
        if drug.unknown:
            issues.append(Issue("unread", f"{source}: {drug.unknown}", source, "medications"))
        for kind in (*drug.kinds, *drug.denied):
            name = cast(TreatmentKind, "thrombolysis" if kind == "thrombolytic" else kind)
            judged = _DENIED if kind in drug.denied else _judged(resource, name, drug, stay)
            found += [_treatment(resource, name, judged, drug, stay, live=live)] if judged.state else []
            doubts += [(name, judged, resource)] if judged.said else []
    return tuple(found), (*issues, *_said(doubts, found))


def _judged(resource: Any, name: TreatmentKind, drug: Drug, stay: Stay | None) -> Judged:
    return _thrombolysis(resource, drug, stay) if name == "thrombolysis" else home_drug(resource, stay)


def _thrombolysis(resource: Any, drug: Drug, stay: Stay | None) -> Judged:
    """Whether a thrombolytic was given for this stroke."""
    moment = moment_of(resource)
    if moment and stay and moment < stay.t0 - BEFORE_ARRIVAL:
        return Judged(None)
    if is_for_a_catheter(resource, drug):
        return Judged(None, "for a catheter")
    if resource.get_resource_type() != "MedicationAdministration":
        return Judged(None, "no administration" if stay else None)  # without a stay it may be of any year
    if resource.status not in _GIVEN:
        return Judged(None, resource.status, "not-final")
    if moment is None and stay and encounter_named(resource.context) not in stay.encounters:
        return Judged(None, "neither time nor encounter")
    return Judged("done")


def _treatment(
    resource: Any, name: TreatmentKind, judged: Judged, drug: Drug, stay: Stay | None, *, live: bool
) -> Treatment:
    charted = charted_at(resource)
    known = available_at("drugs", charted, None, live=live) if charted else None
    if judged.state == "before_admission" and known and stay and known <= stay.t0:
        known = None  # a home drug is known from arrival on, whenever it was prescribed
    text = (drug.text or name)[:120]
    return Treatment(name, judged.state or "in_stay", text, source_of(resource), moment_of(resource), known)


def _said(doubts: Sequence[tuple[str, Judged, Any]], found: Iterable[Treatment]) -> list[Issue]:
    """One word a class, and only where no other resource settles the class.

    It is on what counts in spite of a doubt, else on the resource charted last: a chart holds a
    prescription for every refill of ten years, and to say each would hide the rest of the card.
    """
    doubted = {source_of(resource) for _, _, resource in doubts}
    settled = {one.kind for one in found if one.state != "in_stay" and one.source not in doubted}
    counts = Counter(kind for kind, _, _ in doubts)
    last = {one[0]: one for one in sorted(doubts, key=_weight) if one[0] not in settled}
    return [_issue(*one, more=counts[one[0]] - 1) for one in last.values()]


def _weight(doubt: tuple[str, Judged, Any]) -> tuple[bool, float]:
    _, judged, resource = doubt
    charted = charted_at(resource)
    return judged.state == "before_admission", charted.timestamp() if charted else 0.0


def _issue(kind: str, judged: Judged, resource: Any, *, more: int) -> Issue:
    source = source_of(resource)
    how = "counted" if judged.state == "before_admission" else "not counted"
    others = f" (and {more} more)" if more else ""
    return Issue(judged.code, f"{kind} {source} {how}: {judged.said}{others}", source, kind)
