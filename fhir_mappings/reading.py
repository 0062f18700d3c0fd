"""From raw JSON to typed R4 resources, one by one, so that a bad one never hides the others."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from fhir.resources import R4B as R4  # 8.x ships no plain R4: R4 servers are read with its R4B classes
from pydantic import ValidationError

from fhir_mappings.codes import table
from fhir_mappings.site import DEFAULT_SITE, Site, prepared
from fhir_mappings.snapshot import Issue, Raw
from fhir_mappings.versions import held_at

Resource = Any
"""A validated R4B resource; mappers know which class they were given."""

READ_TYPES = (
    "Condition",
    "DiagnosticReport",
    "DocumentReference",
    "Encounter",
    "Medication",
    "MedicationAdministration",
    "MedicationRequest",
    "MedicationStatement",
    "Observation",
    "Patient",
    "Procedure",
    "QuestionnaireResponse",
)

_CODED = frozenset({"DiagnosticReport", "Observation"})
"""Types whose ``code`` is required."""

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PASSED_OVER = ("Binary", "OperationOutcome")
"""What is no data of its own: attachments' bytes, and a Bundle's remarks, which whoever collected them said."""


def reference_of(raw: Raw) -> str:
    """``Type/id`` of a raw resource, short and harmless enough for a card."""
    kind = str(raw.get("resourceType", "resource"))
    return f"{kind[:40]}/{_id_of(raw) or 'without id'}" if kind.isalpha() else "a resource"


def _id_of(raw: Raw) -> str | None:
    """The id, where it is one; anything else may hold a name or markup."""
    id_ = raw.get("id")
    trimmed = id_.strip() if isinstance(id_, str) else ""
    return trimmed if _ID.fullmatch(trimmed) else None


def read(raw: Any, patient_id: str, site: Site = DEFAULT_SITE) -> tuple[Resource | None, tuple[Issue, ...]]:
    """The validated resource with what a card says of it; None with the `Issue` that says why it is left out.

    The issue names the field that is wrong and never its value.
    """
    if not isinstance(raw, dict) or raw.get("resourceType") not in READ_TYPES:
        return None, (Issue("malformed", "an entry that is no resource we read was left out"),)
    source = reference_of(raw)
    if not _is_of(raw, patient_id):
        return None, (Issue("wrong-patient", f"{source} is of another patient and was refused", source),)
    ready, said = prepared(raw, source, site)
    try:
        resource = R4.get_fhir_model_class(raw["resourceType"]).model_validate(ready)
    except ValidationError as error:
        return None, (_not_valid(source, _fields(error)),)
    except (TypeError, AttributeError, RecursionError, ArithmeticError):
        # the library takes a url for a text, any depth, and "1e9999999999999999999" for a decimal
        return None, (_not_valid(source, "a member"),)
    field = _wrong_field(resource)
    return (None, (_not_valid(source, field),)) if field else (resource, said)


def _not_valid(source: str, field: str) -> Issue:
    return Issue("malformed", f"{source} left out: {field} not valid FHIR R4", source)


@cache
def _statuses() -> Mapping[str, frozenset[str]]:
    """The status value set of each type; the library accepts an invented one."""
    return {kind: frozenset(codes) for kind, codes in table("statuses.toml").items()}


def _wrong_field(resource: Resource) -> str | None:
    """The required field that is absent, or coded outside its value set; the library accepts both."""
    kind = resource.get_resource_type()
    if kind in _statuses() and resource.status not in _statuses()[kind]:
        return "status"
    if kind not in _CODED:
        return None
    return None if resource.code and (resource.code.coding or resource.code.text) else "code"


def read_all(
    raws: Iterable[Any], patient_id: str, site: Site = DEFAULT_SITE, *, as_of: datetime | None = None
) -> tuple[tuple[Resource, ...], tuple[Issue, ...]]:
    """Every readable resource once, in the order of their arrival, and the issues of the others.

    Of several versions the one that was there at ``as_of`` counts, without it the newest.
    """
    wanted = [raw for raw in raws if not (isinstance(raw, dict) and raw.get("resourceType") in _PASSED_OVER)]
    answers = [read(raw, patient_id, site) for raw in held_at(wanted, as_of)]
    resources = tuple(resource for resource, _ in answers if resource is not None)
    return resources, tuple(issue for _, said in answers for issue in said)


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
