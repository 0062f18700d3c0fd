"""FHIR R4 resources for tests, as plain JSON, with the least that makes them valid.

Times are hours after ``T0`` (negative: before arrival), so that a test reads as a timeline.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

T0 = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
PATIENT_ID = "p1"
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"

Resource = dict[str, Any]

NIHSS_ITEM_CODES = {
    "1a": "70184-7", "1b": "70185-4", "1c": "70186-2", "2": "70187-0", "3": "70188-8", "4": "70189-6",
    "5a": "70190-4", "5b": "70967-5", "6a": "70191-2", "6b": "70968-3", "7": "70192-0", "8": "70193-8",
    "9": "70194-6", "10": "70195-3", "11": "70196-1",
}  # fmt: skip


def at(hours: float) -> datetime:
    """The moment that many hours after ``T0``."""
    return T0 + timedelta(hours=hours)


def when(hours: float) -> str:
    """The same moment as a FHIR instant."""
    return at(hours).isoformat().replace("+00:00", "Z")


def subject(patient: str = PATIENT_ID) -> dict[str, str]:
    """A reference to the patient."""
    return {"reference": f"Patient/{patient}"}


def patient(id_: str = PATIENT_ID, birth_date: str | None = "1955-06-01", gender: str = "female") -> Resource:
    """A Patient, 70 years old at ``T0`` unless told otherwise."""
    resource: Resource = {"resourceType": "Patient", "id": id_, "gender": gender}
    return resource | ({"birthDate": birth_date} if birth_date else {})


def encounter(
    id_: str = "e1", start: float = 0, end: float | None = None, class_: str = "IMP", status: str = "in-progress",
    reason: str | None = None, part_of: str | None = None, patient: str = PATIENT_ID,
) -> Resource:  # fmt: skip
    """An Encounter of class IMP (inpatient), EMER or AMB."""
    period = {"start": when(start)} | ({"end": when(end)} if end is not None else {})
    resource: Resource = {
        "resourceType": "Encounter", "id": id_, "status": status, "period": period, "subject": subject(patient),
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": class_},
    }  # fmt: skip
    if reason:
        resource["reasonCode"] = [{"text": reason}]
    if part_of:
        resource["partOf"] = {"reference": f"Encounter/{part_of}"}
    return resource


def condition(
    code: str = "422504002", text: str = "Ischemic stroke", id_: str = "c1", system: str = SNOMED,
    onset: float | None = 0, status: str | None = "active", encounter: str | None = None, patient: str = PATIENT_ID,
    verification: str | None = None,
) -> Resource:  # fmt: skip
    """A Condition; ischemic stroke unless told otherwise."""
    resource: Resource = {
        "resourceType": "Condition", "id": id_, "subject": subject(patient),
        "code": {"coding": [{"system": system, "code": code, "display": text}], "text": text},
    }  # fmt: skip
    base = "http://terminology.hl7.org/CodeSystem/condition"
    if status:
        resource["clinicalStatus"] = {"coding": [{"system": f"{base}-clinical", "code": status}]}
    if verification:
        resource["verificationStatus"] = {"coding": [{"system": f"{base}-ver-status", "code": verification}]}
    if onset is not None:
        resource["onsetDateTime"] = when(onset)
    if encounter:
        resource["encounter"] = {"reference": f"Encounter/{encounter}"}
    return resource


def observation(
    code: str, value: float | None, unit: str | None = None, hours: float = 0, id_: str = "o1", *,
    system: str = LOINC, ucum: str | None = None, display: str | None = None, issued: float | None = None,
    status: str = "final", category: str = "laboratory", patient: str = PATIENT_ID,
) -> Resource:  # fmt: skip
    """An Observation with a valueQuantity (none where ``value`` is None)."""
    coding = {"system": system, "code": code} | ({"display": display} if display else {})
    resource: Resource = {
        "resourceType": "Observation", "id": id_, "status": status, "code": {"coding": [coding]},
        "category": [{"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": category}]}],
        "subject": subject(patient), "effectiveDateTime": when(hours),
    }  # fmt: skip
    if value is not None:
        quantity: dict[str, Any] = {"value": value}
        if unit is not None:
            quantity |= {"unit": unit}
        if ucum is not None:
            quantity |= {"system": UCUM, "code": ucum}
        resource["valueQuantity"] = quantity
    if issued is not None:
        resource["issued"] = when(issued)
    return resource


def nihss(total: int, hours: float, id_: str | None = None, **more: Any) -> Resource:
    """An NIHSS total (LOINC 72089-6) as valueInteger."""
    resource = observation("72089-6", None, hours=hours, id_=id_ or f"nihss-{hours:g}", category="survey", **more)
    return resource | {"valueInteger": total}


def nihss_panel(items: dict[str, int], hours: float, id_: str | None = None) -> Resource:
    """An NIHSS panel (LOINC 70182-1) with one component an item."""
    resource = observation("70182-1", None, hours=hours, id_=id_ or f"panel-{hours:g}", category="survey")
    resource["component"] = [
        {"code": {"coding": [{"system": LOINC, "code": NIHSS_ITEM_CODES[item]}]}, "valueInteger": points}
        for item, points in items.items()
    ]
    return resource


def report(
    text: str, hours: float = 1, id_: str = "r1", issued: float | None = None, status: str = "final",
    code: str = "30799-1", title: str = "CT head without contrast", patient: str = PATIENT_ID,
) -> Resource:  # fmt: skip
    """A DiagnosticReport whose whole text is its conclusion."""
    return {
        "resourceType": "DiagnosticReport", "id": id_, "status": status, "subject": subject(patient),
        "category": [{"coding": [{"system": LOINC, "code": "LP29684-5"}]}],
        "code": {"coding": [{"system": LOINC, "code": code}], "text": title},
        "effectiveDateTime": when(hours), "issued": when(hours + 1 if issued is None else issued),
        "conclusion": text,
    }  # fmt: skip


def procedure(
    code: str, hours: float = 2, id_: str = "pr1", status: str = "completed", system: str = SNOMED,
    text: str = "Procedure", patient: str = PATIENT_ID,
) -> Resource:  # fmt: skip
    """A Procedure."""
    return {
        "resourceType": "Procedure", "id": id_, "status": status, "subject": subject(patient),
        "code": {"coding": [{"system": system, "code": code}], "text": text}, "performedDateTime": when(hours),
    }  # fmt: skip


def medication_request(
    text: str, hours: float = -24, id_: str = "m1", *, rxnorm: str | None = None, category: str | None = "community",
    status: str = "active", intent: str = "order", patient: str = PATIENT_ID,
) -> Resource:  # fmt: skip
    """A MedicationRequest; a home drug unless told otherwise."""
    concept: dict[str, Any] = {"text": text}
    if rxnorm:
        concept["coding"] = [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": rxnorm}]
    resource: Resource = {
        "resourceType": "MedicationRequest", "id": id_, "status": status, "intent": intent,
        "subject": subject(patient), "medicationCodeableConcept": concept, "authoredOn": when(hours),
    }  # fmt: skip
    if category:
        resource["category"] = [
            {
                "coding": [
                    {"system": "http://terminology.hl7.org/CodeSystem/medicationrequest-category", "code": category}
                ]
            }
        ]
    return resource


def searchset(*resources: Resource, next_url: str | None = None) -> Resource:
    """A searchset Bundle of these resources."""
    bundle: Resource = {
        "resourceType": "Bundle", "type": "searchset", "total": len(resources),
        "entry": [{"resource": resource, "search": {"mode": "match"}} for resource in resources],
    }  # fmt: skip
    return bundle | ({"link": [{"relation": "next", "url": next_url}]} if next_url else {})


def every_visit(*encounters: Resource, patient: str = PATIENT_ID) -> Resource:
    """A searchset Bundle of Encounters that says that all of the patient's were asked for."""
    return searchset(*encounters) | {"link": [{"relation": "self", "url": f"Encounter?patient={patient}"}]}
