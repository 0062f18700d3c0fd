"""SEDAN: symptomatic hemorrhage after intravenous thrombolysis, 0 to 6 points."""

from fhir_mappings.inputs import ModelInputs
from fhir_mappings.snapshot import ClinicalSnapshot
from models.scores.chart import baseline_nihss, before_thrombolysis, glucose_mmol_l, thrombolysed
from models.scores.imaging import early_infarct, findings_on, said
from models.scores.result import ScoreResult, add_up, flag, to_one_decimal

SOURCE = "SEDAN point table; PMC4780244 (odds ratio 1.54 per point after intravenous thrombolysis)"
RATES = ("1.4", "2.9", "8.5", "12.2", "21.7", "33.3", "33.3")
MEANS = {
    points: f"symptomatic hemorrhage in {rate} % after intravenous thrombolysis (not END)"
    for points, rate in enumerate(RATES)
}


def glucose_points(mmol_l: float) -> int:
    """0 up to 8.0 mmol/L, 1 up to 12.0, 2 above; to the table's one decimal."""
    printed = to_one_decimal(mmol_l)
    if printed <= 8.0:
        return 0
    return 1 if printed <= 12.0 else 2


def age_points(age_years: int) -> int:
    """1 above 75 years."""
    return int(age_years > 75)


def nihss_points(nihss: int) -> int:
    """1 from 10 points."""
    return int(nihss >= 10)


def score(snapshot: ClinicalSnapshot, inputs: ModelInputs) -> ScoreResult:
    """SEDAN where thrombolysis was given; signs count only where a report of a CT before it names them."""
    nihss, age, glucose = baseline_nihss(snapshot), snapshot.patient.age_years, glucose_mmol_l(snapshot)
    findings = findings_on("CT", snapshot, inputs, before_thrombolysis(snapshot))
    points = {
        "intravenous thrombolysis": 0 if thrombolysed(snapshot) else None,
        "glucose": None if glucose is None else glucose_points(glucose),
        "early infarct signs": flag(early_infarct(findings)),
        "hyperdense artery": flag(said(findings, "hyperdense_artery")),
        "age": None if age is None else age_points(age),
        "baseline NIHSS": None if nihss is None else nihss_points(nihss),
    }
    return add_up("SEDAN", points, MEANS, SOURCE)
