"""What discovery tells of our services."""

from collections.abc import Iterable
from typing import Any

from fhir_mappings.queries import CLINICAL, CORE, fallback_searches, templates
from fhir_mappings.site import DEFAULT_SITE, Site

SERVICE_ID = "end-risk"
HOOK = "patient-view"
HOOK_VERSION = "1.0"
"""The version of the patient-view hook in HL7's library of hooks."""

CDS_HOOKS_VERSION = "2.0.1"

_SIMULATED = " The model is trained on simulated patients: its figures say nothing about real ones."
_QUERIES = (*CORE, *CLINICAL)
_BY_REFERENCE = ("Binary", "Medication")
"""What reports and orders point to instead of carrying it."""


def discovery(*, simulated: bool, site: Site = DEFAULT_SITE) -> dict[str, Any]:
    """The answer of ``GET /cds-services`` (CDS Hooks 2.0.1, "Discovery"; versions as in the 3.0.0 ballot)."""
    return {
        "services": [
            {
                "hook": HOOK,
                "hookVersion": HOOK_VERSION,
                "version": CDS_HOOKS_VERSION,
                "title": "Early neurological deterioration after ischemic stroke",
                "description": (
                    "Remaining risk of early neurological deterioration (NIHSS up by >= 2 in total or >= 1 in the "
                    "motor items within 7 days of arrival) of adults with acute ischemic stroke, with its reasons, "
                    f"what was missing, and monitoring suggestions.{_SIMULATED if simulated else ''}"
                ),
                "id": SERVICE_ID,
                "prefetch": templates(site),
                "usageRequirements": _usage_requirements(),
            }
        ]
    }


def required_types() -> frozenset[str]:
    """The FHIR types without which a call is 412."""
    return frozenset(query.resource_type for query in _QUERIES if query.required)


def further_types() -> frozenset[str]:
    """The other FHIR types that are read: without them a card says what was missing."""
    elsewhere = {search.path for query in _QUERIES for search in fallback_searches(query, "", t0=None)}
    asked = {query.resource_type for query in _QUERIES}
    return frozenset(asked | elsewhere | {*_BY_REFERENCE}) - required_types()


def _usage_requirements() -> str:
    """The preconditions of use, for those who register the service."""
    needed = ", ".join(query.key for query in _QUERIES if query.required)
    least, further = sorted(required_types()), sorted(further_types())
    return (
        "FHIR R4. Inpatients with ischemic stroke only; a call for anybody else gets no card. "
        f"Needed by prefetch or from the FHIR server: {needed}; where one can be had neither way the answer is 412. "
        "Without report texts, vital signs, laboratory values or drugs the card says what was missing. "
        f"Least scopes where the FHIR server is read: SMART 2 {_scopes(least, 'rs')}, "
        f"or SMART 1 {_scopes(least, 'read')}; for a whole card also SMART 2 {_scopes(further, 'rs')}, "
        f"or SMART 1 {_scopes(further, 'read')}."
    )


def _scopes(types: Iterable[str], permission: str) -> str:
    return " ".join(f"patient/{type_}.{permission}" for type_ in types)
