"""Drugs of one chart as FHIR: orders, statements, administrations, and the Medications that they refer to."""

from collections.abc import Iterator

from models.simulation.facts import HOME_H, Chart, DrugEntry, DrugForm
from models.simulation.stay import TERMINOLOGY, Record, SimulatedStay

KINDS: dict[DrugForm, str] = {
    "statement": "MedicationStatement", "administration": "MedicationAdministration",
    "given": "MedicationAdministration",
}  # fmt: skip
"""Resource types of the forms that are no orders."""

_CATEGORIES: dict[DrugForm, str] = {
    "community": "community", "inpatient": "inpatient", "administration": "community", "given": "inpatient",
}  # fmt: skip


def drug_id(number: int) -> str:
    """What the resource of a chart's drug of that number is called."""
    return f"drug{number}"


def drug_records(chart: Chart) -> Iterator[Record]:
    """Every drug of a chart; a Medication stands before what refers to it."""
    for number, drug in enumerate(chart.drugs):
        what = drug_id(number)
        if drug.refers:
            id_ = chart.stay.id_of(f"{what}-medication")
            yield {"resourceType": "Medication", "id": id_, "status": "active", "code": {"text": drug.text}}
            named: Record = {"medicationReference": {"reference": f"Medication/{id_}"}}
        else:
            named = {"medicationCodeableConcept": {"text": drug.text}}
        yield _entry(chart.stay, what, drug, named)


def _entry(stay: SimulatedStay, what: str, drug: DrugEntry, named: Record) -> Record:
    when, kind = stay.instant(drug.minute), KINDS.get(drug.form, "MedicationRequest")
    if kind == "MedicationStatement":
        dated: Record = {"status": "active", "effectivePeriod": {"start": stay.when(HOME_H)}, "dateAsserted": when}
    elif kind == "MedicationAdministration":
        dated = {"status": "completed", "effectiveDateTime": when}
    else:
        dated = {"status": "active", "intent": "plan" if drug.form == "plan" else "order", "authoredOn": when}
        dated |= {"reportedBoolean": True} if drug.form == "reported" else {}
    return stay.record(kind, what, named | dated | _category(drug.form, kind))


def _category(form: DrugForm, kind: str) -> Record:
    """Where the drug is taken; an administration has one category, an order a list of them."""
    if form not in _CATEGORIES:
        return {}
    system = f"{TERMINOLOGY}/{'medicationrequest' if kind == 'MedicationRequest' else 'medication-admin'}-category"
    concept = {"coding": [{"system": system, "code": _CATEGORIES[form]}]}
    return {"category": [concept] if kind == "MedicationRequest" else concept}
