"""The FHIR server under trial: it holds what the EHR might have sent, with the same faults."""

from collections.abc import Mapping
from typing import Any

from fhir_mappings.queries import CLINICAL, CORE

_QUERIES = (*CORE, *CLINICAL)


def held(fetched: Any) -> dict[str, tuple[int, Any]]:
    """Answers by path of what is fetched in the place of a prefetch: one for a type, whatever is asked of it."""
    if not isinstance(fetched, Mapping):
        return {}
    types = dict.fromkeys(query.resource_type for query in _QUERIES)
    found = {
        type_: [fetched[q.key] for q in _QUERIES if q.resource_type == type_ and q.key in fetched] for type_ in types
    }
    answers = {type_: (200, _joined(bundles)) for type_, bundles in found.items() if bundles}
    return answers | {f"Patient/{_id(fetched)}": answers.pop("Patient", (404, None))}


def _id(fetched: Mapping[str, Any]) -> str:
    patient = fetched.get("patient")
    return str(patient.get("id")) if isinstance(patient, dict) else ""


def _joined(bundles: list[Any]) -> Any:
    """One Bundle with all entries, where they are Bundles still."""
    lists = [one.get("entry", []) for one in bundles if isinstance(one, dict)]
    if len(bundles) == 1 or len(lists) < len(bundles) or not all(isinstance(one, list) for one in lists):
        return bundles[0]
    return bundles[0] | {"entry": [entry for one in lists for entry in one]}
