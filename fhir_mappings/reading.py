"""From raw JSON to typed R4 resources, one by one, so that a bad one never hides the others."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeGuard

from fhir.resources import R4B as R4  # 8.x ships no plain R4: R4 servers are read with its R4B classes
from pydantic import ValidationError

from fhir_mappings.quirks import DEFAULT_QUIRKS, Quirk, mended
from fhir_mappings.snapshot import Issue, Raw

Resource = Any
"""A validated R4B resource; mappers know which class they were given."""

READ_TYPES = (
    "Condition",
    "DiagnosticReport",
    "Encounter",
    "Medication",
    "MedicationAdministration",
    "MedicationRequest",
    "MedicationStatement",
    "Observation",
    "Patient",
    "Procedure",
)

# The library accepts an invented status; these are the required value sets of FHIR R4.
_STATUSES: dict[str, frozenset[str]] = {
    "Observation": frozenset(
        ["registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error", "unknown"]
    ),
    "DiagnosticReport": frozenset(
        [
            "registered",
            "partial",
            "preliminary",
            "final",
            "amended",
            "corrected",
            "appended",
            "cancelled",
            "entered-in-error",
            "unknown",
        ]
    ),
    "Encounter": frozenset(
        [
            "planned",
            "arrived",
            "triaged",
            "in-progress",
            "onleave",
            "finished",
            "cancelled",
            "entered-in-error",
            "unknown",
        ]
    ),
    "Procedure": frozenset(
        ["preparation", "in-progress", "not-done", "on-hold", "stopped", "completed", "entered-in-error", "unknown"]
    ),
}


def reference_of(raw: Raw) -> str:
    """``Type/id`` of a raw resource, short and harmless enough for a card."""
    kind, id_ = str(raw.get("resourceType", "resource")), str(raw.get("id", "without id"))
    return f"{kind[:40]}/{id_[:64]}" if kind.isalpha() else "a resource"


def read(raw: Any, patient_id: str, quirks: Sequence[Quirk] = DEFAULT_QUIRKS) -> Resource | Issue:
    """The validated resource, or the `Issue` that says why it is left out.

    The issue names the field that is wrong and never its value.
    """
    if not isinstance(raw, dict) or raw.get("resourceType") not in READ_TYPES:
        return Issue("malformed", "an entry that is no resource we read was left out")
    source = reference_of(raw)
    if not _is_of(raw, patient_id):
        return Issue("wrong-patient", f"{source} is of another patient and was refused", source)
    try:
        resource = R4.get_fhir_model_class(raw["resourceType"]).model_validate(mended(raw, quirks))
    except ValidationError as error:
        return Issue("malformed", f"{source} left out: {_fields(error)} not valid FHIR R4", source)
    status = _STATUSES.get(raw["resourceType"])
    if status and getattr(resource, "status", None) not in status:
        return Issue("malformed", f"{source} left out: status not valid FHIR R4", source)
    return resource


def read_all(
    raws: Iterable[Any], patient_id: str, quirks: Sequence[Quirk] = DEFAULT_QUIRKS
) -> tuple[tuple[Resource, ...], tuple[Issue, ...]]:
    """Every readable resource once, in the order of their arrival, and the issues of the others.

    A Bundle's OperationOutcome entries are no data and no fault: whoever collected them said so.
    """
    seen: dict[str, Resource | Issue] = {}
    for number, raw in enumerate(raws):
        if isinstance(raw, dict) and raw.get("resourceType") == "OperationOutcome":
            continue
        named = isinstance(raw, dict) and "id" in raw
        key = reference_of(raw) if named else f"#{number}"
        if key not in seen:
            seen[key] = read(raw, patient_id, quirks)
    return tuple(one for one in seen.values() if not is_issue(one)), tuple(filter(is_issue, seen.values()))


def is_issue(one: Any) -> TypeGuard[Issue]:
    """True where reading ended in an issue."""
    return isinstance(one, Issue)


def _is_of(raw: Raw, patient_id: str) -> bool:
    """True where the resource is of this patient; drugs in a catalog are of nobody."""
    if raw["resourceType"] == "Patient":
        return str(raw.get("id")) == patient_id
    if raw["resourceType"] == "Medication":
        return True
    subject = raw.get("subject")
    reference = subject.get("reference") if isinstance(subject, dict) else None
    return isinstance(reference, str) and reference.split("/_history")[0].endswith(f"Patient/{patient_id}")


def _fields(error: ValidationError) -> str:
    """The places of the first faults, without the values that stood there."""
    places = [".".join(str(part) for part in fault["loc"] if part != "__root__") for fault in error.errors()]
    return ", ".join(dict.fromkeys(place[:60] or "resource" for place in places[:2]))
