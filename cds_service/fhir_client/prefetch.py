"""What an EHR sent along: which keys are answered, and which are missing or incomplete."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cds_service.fhir_client.client import matches, next_link
from fhir_mappings.queries import Query
from fhir_mappings.snapshot import Raw


@dataclass(frozen=True)
class Sent:
    """The answer to one query as prefetched. ``complete`` is False where more is known to exist."""

    resources: tuple[Raw, ...]
    complete: bool = True


def sent(query: Query, prefetch: Mapping[str, Any] | None) -> Sent | None:
    """The prefetched answer to a query; None where the key is absent or failed.

    ``null`` and a Bundle without entries mean asked and nothing charted (CDS Hooks 2.0.1,
    prefetch). An OperationOutcome, as the value or in an entry, means failed.
    """
    if prefetch is None or query.key not in prefetch:
        return None
    value = prefetch[query.key]
    if value is None:
        return Sent(())
    if not isinstance(value, dict):
        return None
    if value.get("resourceType") == query.resource_type:
        return Sent((value,))
    if value.get("resourceType") != "Bundle" or _has_outcome(value):
        return None
    found = tuple(matches(value))
    full = query.count is not None and len(found) >= query.count
    return Sent(found, complete=next_link(value) is None and not full)


def _has_outcome(bundle: Mapping[str, Any]) -> bool:
    """True where an entry tells of an error or a fatal one; warnings are no failure."""
    for entry in bundle.get("entry") or ():
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict) and resource.get("resourceType") == "OperationOutcome":
            issues = resource.get("issue") or ()
            if any(isinstance(one, dict) and one.get("severity") in ("error", "fatal") for one in issues):
                return True
    return False
