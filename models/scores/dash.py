"""DASH: malignant infarction after ICA or M1 occlusion on MRI, 0 to 4 points."""

import re

from fhir_mappings.inputs import ModelInputs
from fhir_mappings.snapshot import ClinicalSnapshot
from models.scores.result import ScoreResult, add_up, first_glucose_mg_dl

SOURCE = "DASH, PMID 24423583 (n = 119, ICA or M1 occlusion within 24 h, MRI; C 0.88 in derivation)"
RATES = ("9.1", "20.5", "63.0", "96.8", "96.8")
MEANS = {points: f"malignant infarction in {rate} % within 48 h (not END)" for points, rate in enumerate(RATES)}
MRI = re.compile(r"\b(MRI?|DWI|magnetic resonance)\b", re.IGNORECASE)


def aspects_points(dwi_aspects: float) -> int:
    """1 up to 3 points of DWI-ASPECTS."""
    return int(dwi_aspects <= 3)


def glucose_points(mg_dl: float) -> int:
    """1 from 145 mg/dL."""
    return int(mg_dl >= 145)


def score(snapshot: ClinicalSnapshot, inputs: ModelInputs) -> ScoreResult:
    """DASH from MRI reports and glucose; ACA territory involvement is not read from reports yet."""
    aspects, vessel = _on_mri(snapshot, inputs, "aspects"), _on_mri(snapshot, inputs, "hyperdense_artery")
    values = [value for _, value in aspects if value is not None]
    signs = {assertion for assertion, _ in vessel}
    glucose = first_glucose_mg_dl(snapshot)
    points = {
        "DWI-ASPECTS": aspects_points(min(values)) if values else None,
        "ACA territory involvement (not read from reports)": None,
        "M1 susceptibility vessel sign": int("present" in signs) if signs & {"present", "absent"} else None,
        "glucose": None if glucose is None else glucose_points(glucose),
    }
    return add_up("DASH", points, MEANS, SOURCE)


def _on_mri(snapshot: ClinicalSnapshot, inputs: ModelInputs, name: str) -> list[tuple[str, float | None]]:
    """Assertion and value of each finding of that name in a report whose title says MRI."""
    on_mri = {report.source for report in snapshot.reports if MRI.search(report.title)}
    return [
        (finding.assertion, finding.value) for finding in inputs.findings
        if finding.name == name and inputs.sentences[finding.sentence].report in on_mri
    ]  # fmt: skip
