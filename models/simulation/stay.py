"""One simulated stay as the chart writers see it, and its FHIR times and references."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from models.simulation.charting import Exam, Schedule
from models.simulation.course import Course
from models.simulation.details import Details
from models.simulation.population import Person
from models.simulation.reports import WrittenReport

Record = dict[str, Any]

SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
UCUM = "http://unitsofmeasure.org"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"


@dataclass(frozen=True)
class SimulatedStay:
    """Everything that is true and charted of one stay; hours count from ``t0``."""

    patient_id: str
    t0: datetime
    person: Person
    course: Course
    details: Details
    schedule: Schedule
    onset_charted: bool
    exams: tuple[Exam, ...]
    reports: tuple[WrittenReport, ...]

    def at(self, minute: int) -> datetime:
        """The moment so many minutes after arrival."""
        return self.t0 + timedelta(minutes=minute)

    def when(self, hours: float) -> str:
        """That hour as a FHIR instant; charts keep minutes."""
        return self.instant(minute_of(hours))

    def instant(self, minute: int) -> str:
        """That minute as a FHIR instant."""
        return f"{self.at(minute).replace(tzinfo=None).isoformat()}Z"

    def id_of(self, what: str) -> str:
        """The id of one resource of this stay."""
        return f"{self.patient_id}-{what}"

    def record(self, kind: str, what: str, content: Mapping[str, Any]) -> Record:
        """A resource of this patient."""
        subject = {"subject": {"reference": f"Patient/{self.patient_id}"}}
        return {"resourceType": kind, "id": self.id_of(what), **subject, **content}


def minute_of(hours: float) -> int:
    """The minute in which something is charted."""
    return round(hours * 60)


def concept(system: str, code: str, text: str) -> Record:
    """A CodeableConcept with one coding."""
    return {"coding": [{"system": system, "code": code, "display": text}], "text": text}
