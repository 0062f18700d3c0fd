"""From raw JSON to typed R4 resources, one by one, so that a bad one never hides the others."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeGuard

from fhir.resources import R4B as R4  # 8.x ships no plain R4: R4 servers are read with its R4B classes
from pydantic import ValidationError

from fhir_mappings.quirks import DEFAULT_QUIRKS, Quirk, mended
from fhir_mappings.snapshot import Issue, Raw
from fhir_mappings.windows import instant

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

_CODED = frozenset({"DiagnosticReport", "Observation"})
"""Types whose ``code`` is required."""

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
    "MedicationAdministration": frozenset(
        ["in-progress", "not-done", "on-hold", "completed", "entered-in-error", "stopped", "unknown"]
    ),
    "MedicationRequest": frozenset(
        ["active", "on-hold", "cancelled", "completed", "entered-in-error", "stopped", "draft", "unknown"]
    ),
    "MedicationStatement": frozenset(
        ["active", "completed", "entered-in-error", "intended", "stopped", "on-hold", "unknown", "not-taken"]
    ),
    "Procedure": frozenset(
        ["preparation", "in-progress", "not-done", "on-hold", "stopped", "completed", "entered-in-error", "unknown"]
    ),
}


_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NEVER = datetime.min.replace(tzinfo=UTC)


def reference_of(raw: Raw) -> str:
    """``Type/id`` of a raw resource, short and harmless enough for a card."""
    kind = str(raw.get("resourceType", "resource"))
    return f"{kind[:40]}/{_id_of(raw) or 'without id'}" if kind.isalpha() else "a resource"


def _id_of(raw: Raw) -> str | None:
    """The id, where it is one; anything else may hold a name or markup."""
    id_ = raw.get("id")
    trimmed = id_.strip() if isinstance(id_, str) else ""
    return trimmed if _ID.fullmatch(trimmed) else None


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
    if field := _wrong_field(resource):
        return Issue("malformed", f"{source} left out: {field} not valid FHIR R4", source)
    return resource


def _wrong_field(resource: Resource) -> str | None:
    """The required field that is absent, or coded outside its value set; the library accepts both."""
    kind = resource.get_resource_type()
    if kind in _STATUSES and resource.status not in _STATUSES[kind]:
        return "status"
    if kind not in _CODED:
        return None
    return None if resource.code and (resource.code.coding or resource.code.text) else "code"


def read_all(
    raws: Iterable[Any], patient_id: str, quirks: Sequence[Quirk] = DEFAULT_QUIRKS
) -> tuple[tuple[Resource, ...], tuple[Issue, ...]]:
    """Every readable resource once, in the order of their arrival, and the issues of the others.

    Of several versions the one updated last counts: prefetch and pages are no snapshot.
    A Bundle's OperationOutcome entries are no data and no fault: whoever collected them said so.
    """
    newest: dict[str, Any] = {}
    for number, raw in enumerate(raws):
        if isinstance(raw, dict) and raw.get("resourceType") == "OperationOutcome":
            continue
        key = reference_of(raw) if isinstance(raw, dict) and _id_of(raw) else f"#{number}"
        if key not in newest or _updated(newest[key]) < _updated(raw):
            newest[key] = raw
    read_once = [read(raw, patient_id, quirks) for raw in newest.values()]
    return tuple(one for one in read_once if not is_issue(one)), tuple(filter(is_issue, read_once))


def _updated(raw: Raw) -> datetime:
    """When this version was written, by its ``meta``; the earliest moment where it does not say."""
    meta = raw.get("meta")
    return instant(meta.get("lastUpdated") if isinstance(meta, dict) else None) or _NEVER


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
    if not isinstance(reference, str):
        return False
    return f"/{reference.split('/_history')[0]}".endswith(f"/Patient/{patient_id}")


def _fields(error: ValidationError) -> str:
    """The places of the first faults, without the values that stood there."""
    places = [".".join(str(part) for part in fault["loc"] if part != "__root__") for fault in error.errors()]
    return ", ".join(dict.fromkeys(place[:60] or "resource" for place in places[:2]))
