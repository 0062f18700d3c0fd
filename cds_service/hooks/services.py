"""What discovery tells of our services."""

from typing import Any

from fhir_mappings.queries import templates
from fhir_mappings.site import DEFAULT_SITE, Site

SERVICE_ID = "end-risk"
HOOK = "patient-view"


_SIMULATED = " The model is trained on simulated patients: its figures say nothing about real ones."


def discovery(*, simulated: bool, site: Site = DEFAULT_SITE) -> dict[str, Any]:
    """The answer of ``GET /cds-services`` (CDS Hooks 2.0.1, "Discovery")."""
    return {
        "services": [
            {
                "hook": HOOK,
                "title": "Early neurological deterioration after ischemic stroke",
                "description": (
                    "Remaining risk of early neurological deterioration (NIHSS up by >= 2 in total or >= 1 in the "
                    "motor items within 7 days of arrival) of adults with acute ischemic stroke, with its reasons, "
                    f"what was missing, and monitoring suggestions.{_SIMULATED if simulated else ''}"
                ),
                "id": SERVICE_ID,
                "prefetch": templates(site),
                "usageRequirements": (
                    "FHIR R4. Patient, Encounter, Condition and NIHSS Observations are needed, by prefetch or from "
                    "the FHIR server; without DiagnosticReport text, vital signs or laboratory values the card says "
                    "what was missing. Inpatients with ischemic stroke only."
                ),
            }
        ]
    }
