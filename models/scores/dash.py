"""DASH: malignant infarction after ICA or M1 occlusion on MRI, 0 to 4 points."""

from fhir_mappings.inputs import ModelInputs
from fhir_mappings.snapshot import ClinicalSnapshot
from models.scores.chart import glucose_mg_dl
from models.scores.imaging import findings_on, first_day, said, values, vessel_sign_in
from models.scores.result import ScoreResult, add_up, flag

SOURCE = "DASH, PMID 24423583 (n = 119, ICA or M1 occlusion within 24 h, MRI; C 0.88 in derivation)"
RATES = ("9.1", "20.5", "63.0", "96.8", "96.8")
MEANS = {
    points: f"malignant infarction in {rate} % within 48 h after ICA or M1 occlusion (not END)"
    for points, rate in enumerate(RATES)
}


def aspects_points(dwi_aspects: float) -> int:
    """1 up to 3 points of DWI-ASPECTS."""
    return int(dwi_aspects <= 3)


def glucose_points(mg_dl: float) -> int:
    """1 from 145 mg/dL."""
    return int(mg_dl >= 145)


def score(snapshot: ClinicalSnapshot, inputs: ModelInputs) -> ScoreResult:
    """DASH from the MRI reports of the first 24 h and glucose at arrival.

    ASPECTS of a CT is another scale; a vessel sign counts for M1 only where its segment is told.
    """
    findings = findings_on("MRI", snapshot, inputs, first_day(snapshot))
    aspects, glucose = values(findings, "aspects"), glucose_mg_dl(snapshot)
    points = {
        "DWI-ASPECTS": aspects_points(min(aspects)) if aspects else None,
        "ACA territory involvement": flag(said(findings, "aca_infarct")),
        "M1 susceptibility vessel sign": flag(vessel_sign_in("m1", findings, inputs)),
        "glucose": None if glucose is None else glucose_points(glucose),
    }
    return add_up("DASH", points, MEANS, SOURCE)
