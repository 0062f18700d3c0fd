"""HAT: symptomatic hemorrhage after intravenous thrombolysis, 0 to 5 points."""

from collections.abc import Sequence

from fhir_mappings.inputs import Finding, ModelInputs
from fhir_mappings.snapshot import ClinicalSnapshot
from models.scores.chart import baseline_nihss, before_thrombolysis, glucose_mg_dl, history, thrombolysed
from models.scores.imaging import early_infarct, findings_on, present
from models.scores.result import ScoreResult, add_up

SOURCE = "HAT, PMID 18955684 (two cohorts treated with intravenous thrombolysis; C 0.74 for symptomatic hemorrhage)"
RATES = ("2", "5", "10", "15", "44", "44")
MEANS = {
    points: f"symptomatic hemorrhage in {rate} % after intravenous thrombolysis (not END)"
    for points, rate in enumerate(RATES)
}


def nihss_points(nihss: int) -> int:
    """0 below 15, 1 from 15 to 20, 2 above."""
    if nihss < 15:
        return 0
    return 1 if nihss <= 20 else 2


def extent_points(findings: Sequence[Finding]) -> int | None:
    """0 without hypodensity, 1 up to a third of the MCA territory, 2 above; None where the extent is not told.

    The reader's grade stands for the extent: small is up to a third, large is more (assumption).
    """
    grades = {finding.grade for finding in present(findings, "mca_infarct")} - {None}
    if "large" in grades:
        return 2
    if grades == {"small"}:
        return 1
    return 0 if early_infarct(findings) is False else None


def sugar_points(diabetes: int | None, glucose_mg_dl: float | None) -> dict[str, int | None]:
    """1 for diabetes or glucose above 200 mg/dL: either settles it, none needs both known."""
    above = None if glucose_mg_dl is None else int(glucose_mg_dl > 200)
    if 1 in (diabetes, above):
        return {"diabetes or glucose": 1}
    return {"history of diabetes": diabetes, "glucose": above}


def score(snapshot: ClinicalSnapshot, inputs: ModelInputs) -> ScoreResult:
    """HAT where thrombolysis was given, from the CT reports before it."""
    nihss = baseline_nihss(snapshot)
    findings = findings_on("CT", snapshot, inputs, before_thrombolysis(snapshot))
    points = {
        "intravenous thrombolysis": 0 if thrombolysed(snapshot) else None,
        "baseline NIHSS": None if nihss is None else nihss_points(nihss),
        "extent of hypodensity": extent_points(findings),
        **sugar_points(history(snapshot, "diabetes"), glucose_mg_dl(snapshot)),
    }
    return add_up("HAT", points, MEANS, SOURCE)
