"""Patients for the published scores, made by hand: every query answered, a CT before thrombolysis, an MRI after."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from fhir_mappings.inputs import Finding, ModelInputs
from fhir_mappings.snapshot import (
    ClinicalSnapshot,
    Diagnosis,
    DiagnosisKind,
    Measurement,
    NihssScore,
    Patient,
    Report,
    Stay,
    Treatment,
)
from fhir_mappings.text.findings import read_findings
from fhir_mappings.text.sections import sentences_of
from tests.models.inputs_builder import T0, inputs, sentence

SEEN = frozenset({"patient", "encounters", "conditions", "procedures", "nihss", "labs", "reports", "medications"})
LAST_KNOWN_WELL = T0 - timedelta(hours=1)
ITEMS = {"1a": 0, "3": 0}


def report(title: str, hours: float, source: str, text: str = "text") -> Report:
    """A report of a scan so many hours after arrival."""
    moment = T0 + timedelta(hours=hours)
    return Report(title, text, moment, moment, f"DiagnosticReport/{source}")


CT, MRI = report("CT head", 0.5, "ct"), report("MRI brain", 3, "mri")


def given(hours: float | None = 1) -> tuple[Treatment, ...]:
    """Thrombolysis, so many hours after arrival; None: without a time."""
    moment = None if hours is None else T0 + timedelta(hours=hours)
    return (Treatment("thrombolysis", "done", "alteplase", "MedicationAdministration/a", moment),)


def known(*kinds: DiagnosisKind) -> tuple[Diagnosis, ...]:
    """These diagnoses."""
    return tuple(Diagnosis(kind, kind, f"Condition/{kind}") for kind in kinds)


def lab(analyte: str, value: float, unit: str, hours: float = 0) -> Measurement:
    """One value of an analyte."""
    moment = T0 + timedelta(hours=hours)
    return Measurement(analyte, value, unit, moment, moment, f"Observation/{analyte}", f"{value} {unit}")


def mrs(points: int) -> Measurement:
    """The modified Rankin scale before the stroke."""
    return lab("pre_stroke_mrs", float(points), "1", -24)


def patient(
    nihss: int | None = 12, age: int | None = 80, glucose: float | None = 150, *,
    crp: float | None = 10, items: Mapping[str, int | None] = ITEMS,
    history: Sequence[DiagnosisKind] = ("hypertension", "diabetes"), **more: object,
) -> ClinicalSnapshot:  # fmt: skip
    """A patient at hour 6; glucose in mg/dL, CRP in mg/L."""
    labs = (("glucose", glucose, "mg/dL"), ("crp", crp, "mg/L"))
    held = {
        "as_of": T0 + timedelta(hours=6), "patient": Patient("p1", age, "female"), "stay": Stay(T0, ("Encounter/e",)),
        "nihss": () if nihss is None else (NihssScore(T0, T0, nihss, items, "Observation/n"),),
        "measurements": tuple(lab(name, value, unit) for name, value, unit in labs if value is not None),
        "diagnoses": known(*history), "seen": SEEN, "reports": (CT, MRI), "last_known_well": LAST_KNOWN_WELL,
        "pre_stroke_mrs": mrs(0),
    }  # fmt: skip
    return ClinicalSnapshot(**(held | more))  # type: ignore[arg-type]


def scans(ct: Sequence[Finding] = (), mri: Sequence[Finding] = ()) -> ModelInputs:
    """A row whose CT and MRI say these findings, each in one sentence."""
    said = (sentence("CT.", report=CT.source), sentence("MRI.", report=MRI.source))
    placed = [replace(one, sentence=place) for place, found in enumerate((ct, mri)) for one in found]
    return inputs(sentences=said, findings=placed)


def read(*reports: Report) -> ModelInputs:
    """A row whose findings the rules read from the texts of these reports."""
    sentences = sentences_of(reports)
    return inputs(sentences=sentences, findings=read_findings(sentences))
