"""One simulated stay as FHIR R4 resources, plain dicts, in the shapes that hospitals send."""

from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from html import escape

import numpy as np

from models.simulation.measurements import before_stroke_records, lab_records, score_records, vital_records
from models.simulation.reports import WrittenReport
from models.simulation.stay import ICD10, LOINC, SNOMED, TERMINOLOGY, Record, SimulatedStay, concept
from models.simulation.world import World

RESOURCE_TYPES = (
    "Patient", "Encounter", "Condition", "Observation", "Procedure", "MedicationRequest", "DiagnosticReport",
)  # fmt: skip

# Codes as in fhir_mappings/data/value_sets; each history may stand as SNOMED CT or ICD-10-CM.
_HISTORY = {
    "hypertension": (("38341003", "Hypertension"), ("I10", "Essential (primary) hypertension")),
    "diabetes": (("44054006", "Type 2 diabetes mellitus"), ("E11.9", "Type 2 diabetes mellitus")),
    "atrial_fibrillation": (("49436004", "Atrial fibrillation"), ("I48.91", "Unspecified atrial fibrillation")),
    "heart_failure": (("84114007", "Heart failure"), ("I50.9", "Heart failure, unspecified")),
    "coronary_disease": (("53741008", "Coronary arteriosclerosis"), ("I25.10", "Atherosclerotic heart disease")),
    "smoking": (("77176002", "Smoker"), ("F17.210", "Nicotine dependence, cigarettes")),
    "stroke_history": (("", ""), ("Z86.73", "Personal history of TIA and cerebral infarction")),
}
_HOME_DRUGS = {
    "antiplatelet": ("aspirin 81 MG oral tablet", "clopidogrel 75 MG oral tablet"),
    "anticoagulant": ("apixaban 5 MG oral tablet", "warfarin 5 MG oral tablet"),
    "statin": ("atorvastatin 40 MG oral tablet", "rosuvastatin 20 MG oral tablet"),
}
_DISPOSITIONS = {"transfer": "other-hcf", "neurological_death": "exp", "other_death": "exp", "comfort_care": "hosp"}
_LAST_HOURS = 36.0  # from comfort care to the end of the stay: assumption


def _end_h(stay: SimulatedStay) -> float:
    departure = stay.course.departure
    return departure.hours + (_LAST_HOURS if departure.kind == "comfort_care" else 0.0)


def patient_record(stay: SimulatedStay) -> Record:
    """The Patient, with the time of death where there is one."""
    age = int(stay.person.values["age"])
    born = stay.t0 - timedelta(days=age * 365.25 + 1 + (stay.person.number * 37) % 360)
    record: Record = {
        "resourceType": "Patient",
        "id": stay.patient_id,
        "gender": "male" if stay.person.has("male") else "female",
        "birthDate": born.strftime("%Y-%m-%d"),
    }
    died = stay.course.departure.kind in ("neurological_death", "other_death")
    return record | ({"deceasedDateTime": stay.when(_end_h(stay))} if died else {})


def _encounter(stay: SimulatedStay, what: str, class_: str, start: float, end: float) -> Record:
    content = {
        "status": "finished",
        "class": {"system": f"{TERMINOLOGY}/v3-ActCode", "code": class_},
        "period": {"start": stay.when(start), "end": stay.when(end)},
        "reasonCode": [{"text": "Acute ischemic stroke"}],
    }
    return stay.record("Encounter", what, content)


def encounter_records(world: World, stay: SimulatedStay, rng: np.random.Generator) -> Iterator[Record]:
    """The inpatient Encounter, and before it the emergency one where there was one."""
    emergency, linked, moved_h = rng.random(3).tolist()
    starts = 2.0 + 3.0 * moved_h if emergency < world["emergency_share"] else 0.0
    disposition = _DISPOSITIONS.get(stay.course.departure.kind) or ("home" if stay.course.event_h is None else "rehab")
    inpatient = _encounter(stay, "e1", "IMP", starts, max(_end_h(stay), starts + 0.5))
    yield inpatient | {
        "hospitalization": {
            "dischargeDisposition": {
                "coding": [{"system": f"{TERMINOLOGY}/discharge-disposition", "code": disposition}]
            }
        }
    }
    if starts:
        part_of = {"partOf": {"reference": f"Encounter/{stay.id_of('e1')}"}} if linked < world["part_of_share"] else {}
        yield _encounter(stay, "e0", "EMER", 0.0, starts) | part_of


def _condition(stay: SimulatedStay, what: str, code: Record, recorded_h: float) -> Record:
    content = {
        "clinicalStatus": {"coding": [{"system": f"{TERMINOLOGY}/condition-clinical", "code": "active"}]},
        "code": code,
        "recordedDate": stay.when(recorded_h),
    }
    return stay.record("Condition", what, content)


def _stroke(stay: SimulatedStay, snomed: bool) -> Record:
    """The stroke itself; its onset is the time last known well."""
    sided = concept(ICD10, "I63.512" if stay.course.side == "left" else "I63.511", "Cerebral infarction, MCA")
    code = concept(SNOMED, "422504002", "Ischemic stroke") if snomed else sided
    onset = {"onsetDateTime": stay.when(-stay.course.delay_h)} if stay.onset_charted else {}
    encounter = {"encounter": {"reference": f"Encounter/{stay.id_of('e1')}"}}
    return _condition(stay, "stroke", code, 0.2) | encounter | onset


def condition_records(stay: SimulatedStay, rng: np.random.Generator) -> Iterator[Record]:
    """The stroke, the history, and what the patient died of."""
    yield _stroke(stay, rng.random() < 0.5)
    for name, (snomed, icd) in _HISTORY.items():
        use_icd = not snomed[0] or rng.random() < 0.5
        code = concept(ICD10, *icd) if use_icd else concept(SNOMED, *snomed)
        if stay.person.has(name):
            yield _condition(stay, name.replace("_", "-"), code, -24.0 * 200)
    kind, hours = stay.course.departure.kind, stay.course.departure.hours
    if kind == "neurological_death":
        yield _condition(stay, "herniation", concept(ICD10, "G93.5", "Compression of brain"), hours - 1.0)
    elif kind == "other_death":
        yield _condition(stay, "embolism", concept(ICD10, "I26.99", "Other pulmonary embolism"), hours - 1.0)


def _procedure(
    stay: SimulatedStay, what: str, code: str, text: str, hours: float, *, status: str = "completed"
) -> Record:
    content = {"status": status, "code": concept(SNOMED, code, text), "performedDateTime": stay.when(hours)}
    return stay.record("Procedure", what, content)


def procedure_records(world: World, stay: SimulatedStay, rng: np.random.Generator) -> Iterator[Record]:
    """Reperfusion done or decided against, and comfort care."""
    thrombolysis, thrombectomy, charted, hours = rng.random(4).tolist()
    if stay.course.delay_h < 4 and thrombolysis < world["thrombolysis_share"]:
        yield _procedure(stay, "lysis", "472191000119101", "Thrombolysis of cerebral artery", 0.8)
    if not stay.details.declined and thrombectomy < world["thrombectomy_share"]:
        yield _procedure(stay, "evt", "397046001", "Thrombectomy of artery", 1.5 + 2 * hours)
    elif stay.details.declined and charted < 0.4:  # the others say so in a report only: assumption
        yield _procedure(stay, "evt", "397046001", "Thrombectomy of artery", 1.5, status="not-done")
    if stay.course.departure.kind == "comfort_care":
        yield _procedure(stay, "comfort", "133918004", "Comfort measures", stay.course.departure.hours)


def drug_records(stay: SimulatedStay, rng: np.random.Generator) -> Iterator[Record]:
    """Home drugs as community orders, and the aspirin of the stay."""
    orders = [
        (name, texts[int(rng.random() < 0.5)], -24.0 * 60, "community")
        for name, texts in _HOME_DRUGS.items()
        if stay.person.has(name)
    ]
    if stay.course.departure.hours > 26:
        orders.append(("stay", "aspirin 81 MG oral tablet", 25.0, "inpatient"))
    for name, text, hours, category in orders:
        content = {
            "status": "active",
            "intent": "order",
            "category": [{"coding": [{"system": f"{TERMINOLOGY}/medicationrequest-category", "code": category}]}],
            "medicationCodeableConcept": {"text": text},
            "authoredOn": stay.when(hours),
        }
        yield stay.record("MedicationRequest", f"drug-{name}", content)


def _text_form(report: WrittenReport, form: int) -> Record:
    """The text as conclusion, as attachment or as narrative."""
    if form == 0:
        return {"conclusion": report.text}
    if form == 1:
        data = b64encode(report.text.encode()).decode()
        return {"presentedForm": [{"contentType": "text/plain", "data": data}]}
    lines = escape(report.text).replace("\n", "<br/>")
    return {"text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{lines}</div>'}}


def report_records(stay: SimulatedStay, rng: np.random.Generator) -> Iterator[Record]:
    """Every imaging report, issued after its scan; one chart keeps to one form of text."""
    form, categorized = int(rng.choice(3, p=[0.5, 0.35, 0.15])), rng.random() < 0.85
    for report in stay.reports:
        content: Record = {
            "status": "final",
            "code": concept(LOINC, report.loinc, report.title),
            "effectiveDateTime": stay.when(report.effective_h),
            "issued": stay.when(report.issued_h),
        }
        if categorized:
            content["category"] = [{"coding": [{"system": LOINC, "code": "LP29684-5"}]}]
        yield stay.record("DiagnosticReport", report.modality, content | _text_form(report, form))


def records_of(world: World, stay: SimulatedStay, rng: np.random.Generator) -> Iterator[Record]:
    """All resources of one stay."""
    yield patient_record(stay)
    yield from encounter_records(world, stay, rng)
    yield from condition_records(stay, rng)
    yield from before_stroke_records(world, stay, rng)
    yield from score_records(stay, rng)
    yield from vital_records(world, stay, rng)
    yield from lab_records(world, stay, rng)
    yield from procedure_records(world, stay, rng)
    yield from drug_records(stay, rng)
    yield from report_records(stay, rng)
