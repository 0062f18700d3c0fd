"""One simulated chart as FHIR R4 resources, plain dicts, in the shapes that hospitals send."""

from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime, timedelta
from html import escape

import numpy as np

from models.simulation.drug_records import drug_records
from models.simulation.facts import Chart, Entry, chart_of
from models.simulation.observation_records import observation_records
from models.simulation.reports import WrittenReport
from models.simulation.stay import LOINC, SNOMED, TERMINOLOGY, Record, SimulatedStay, concept, minute_of
from models.simulation.world import World

RESOURCE_TYPES = (
    "Patient", "Encounter", "Condition", "Observation", "Procedure", "Medication", "MedicationRequest",
    "MedicationStatement", "MedicationAdministration", "DiagnosticReport",
)  # fmt: skip

REASON = "Acute ischemic stroke"
"""What every Encounter gives as its reason."""

_DISPOSITIONS = {"transfer": "other-hcf", "neurological_death": "exp", "other_death": "exp", "comfort_care": "hosp"}
_LAST_HOURS = 36.0  # from comfort care to the end of the stay: assumption


def records_of(world: World, stay: SimulatedStay, rng: np.random.Generator) -> Iterator[Record]:
    """All resources of one stay; ``rng`` is the one that came with it."""
    return records_of_chart(chart_of(world, stay, rng))


def records_of_chart(chart: Chart) -> Iterator[Record]:
    """All resources of one chart."""
    yield from frame_records(chart)
    yield from observation_records(chart)
    yield from drug_records(chart)
    for number, report in enumerate(chart.stay.reports):
        yield _report(chart, report, number)


def frame_records(chart: Chart) -> Iterator[Record]:
    """The resources that say how the stay went: Patient, Encounters, Conditions, Procedures."""
    yield _patient(chart.stay)
    yield from _encounters(chart)
    for entry in chart.entries:
        yield _condition(chart.stay, entry)
    for done in chart.done:
        content = {
            "status": done.status,
            "code": concept(SNOMED, done.code, done.text),
            "performedDateTime": chart.stay.instant(done.minute),
        }
        yield chart.stay.record("Procedure", done.what, content)


def born(stay: SimulatedStay) -> datetime:
    """A moment of the day of birth: the last birthday was 1 to 360 days before arrival."""
    age = int(stay.person.values["age"])
    return stay.t0 - timedelta(days=age * 365.25 + 1 + (stay.person.number * 37) % 360)


def end_minute(stay: SimulatedStay) -> int:
    """When the last Encounter ends; comfort care goes on for a while."""
    departure = stay.course.departure
    return minute_of(departure.hours + (_LAST_HOURS if departure.kind == "comfort_care" else 0.0))


def _patient(stay: SimulatedStay) -> Record:
    """The Patient, with the time of death where there is one."""
    record: Record = {
        "resourceType": "Patient",
        "id": stay.patient_id,
        "gender": "male" if stay.person.has("male") else "female",
        "birthDate": born(stay).date().isoformat(),
    }
    died = stay.course.departure.kind in ("neurological_death", "other_death")
    return record | ({"deceasedDateTime": stay.instant(end_minute(stay))} if died else {})


def ward_end(chart: Chart) -> int:
    """The minute at which the inpatient Encounter ends, at least half an hour after it began."""
    return max(end_minute(chart.stay), chart.admitted + 30)


def _encounters(chart: Chart) -> Iterator[Record]:
    """The inpatient Encounter, and the emergency one before it where there was one."""
    stay = chart.stay
    code = _DISPOSITIONS.get(stay.course.departure.kind) or ("home" if stay.course.event_h is None else "rehab")
    disposition = {"coding": [{"system": f"{TERMINOLOGY}/discharge-disposition", "code": code}]}
    ward = _encounter(stay, "e1", "IMP", chart.admitted, ward_end(chart))
    yield ward | {"hospitalization": {"dischargeDisposition": disposition}}
    if chart.admitted:
        part_of = {"partOf": {"reference": f"Encounter/{stay.id_of('e1')}"}} if chart.linked else {}
        yield _encounter(stay, "e0", "EMER", 0, chart.admitted) | part_of


def _encounter(stay: SimulatedStay, what: str, class_: str, start: int, end: int) -> Record:
    content = {
        "status": "finished",
        "class": {"system": f"{TERMINOLOGY}/v3-ActCode", "code": class_},
        "period": {"start": stay.instant(start), "end": stay.instant(end)},
        "reasonCode": [{"text": REASON}],
    }
    return stay.record("Encounter", what, content)


def _condition(stay: SimulatedStay, entry: Entry) -> Record:
    """One diagnosis; the onset of the stroke is the time last known well."""
    content: Record = {
        "clinicalStatus": {"coding": [{"system": f"{TERMINOLOGY}/condition-clinical", "code": "active"}]},
        "code": concept(entry.system, entry.code, entry.text),
        "recordedDate": stay.instant(entry.recorded),
    }
    if entry.what == "stroke":
        content["encounter"] = {"reference": f"Encounter/{stay.id_of('e1')}"}
        content |= {"onsetDateTime": stay.when(-stay.course.delay_h)} if stay.onset_charted else {}
    return stay.record("Condition", entry.what, content)


def _report(chart: Chart, report: WrittenReport, number: int) -> Record:
    """One imaging report, issued after its scan."""
    content: Record = {
        "status": "final",
        "code": concept(LOINC, report.loinc, report.title),
        "effectiveDateTime": chart.stay.when(report.effective_h),
        "issued": chart.stay.when(report.issued_h),
    }
    if chart.categorized:
        content["category"] = [{"coding": [{"system": LOINC, "code": "LP29684-5"}]}]
    return chart.stay.record("DiagnosticReport", report_id(report, number), content | _text(chart, report))


def _text(chart: Chart, report: WrittenReport) -> Record:
    """The text as conclusion, as attachment or as narrative."""
    if chart.text_form == "conclusion":
        return {"conclusion": report.text}
    if chart.text_form == "attachment":
        data = b64encode(report.text.encode()).decode()
        return {"presentedForm": [{"contentType": "text/plain", "data": data}]}
    return {"text": {"status": "generated", "div": narrative(report.text)}}


def report_id(report: WrittenReport, number: int) -> str:
    """What the resource of a stay's report of that number is called."""
    return f"{report.modality}{number}"


def narrative(text: str) -> str:
    """A report's text as the XHTML of a narrative."""
    lines = escape(text).replace("\n", "<br/>")
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{lines}</div>'
