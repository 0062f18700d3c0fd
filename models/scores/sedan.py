"""SEDAN: symptomatic hemorrhage after intravenous thrombolysis, 0 to 6 points."""

from fhir_mappings.inputs import ModelInputs
from fhir_mappings.snapshot import ClinicalSnapshot
from models.scores.result import (
    MG_DL_PER_MMOL_L,
    ScoreResult,
    add_up,
    baseline_nihss,
    first_glucose_mg_dl,
    read_as,
)

SOURCE = "SEDAN point table; PMC4780244 (odds ratio 1.54 per point after intravenous thrombolysis)"
RATES = ("1.4", "2.9", "8.5", "12.2", "21.7", "33.3", "33.3")
MEANS = {
    points: f"symptomatic hemorrhage in {rate} % after intravenous thrombolysis (not END)"
    for points, rate in enumerate(RATES)
}


def glucose_points(mmol_l: float) -> int:
    """0 up to 8.0 mmol/L, 1 up to 12.0, 2 above; to the table's one decimal."""
    rounded = round(mmol_l, 1)
    if rounded <= 8.0:
        return 0
    return 1 if rounded <= 12.0 else 2


def age_points(age_years: int) -> int:
    """1 above 75 years."""
    return int(age_years > 75)


def nihss_points(nihss: int) -> int:
    """1 from 10 points."""
    return int(nihss >= 10)


def score(snapshot: ClinicalSnapshot, inputs: ModelInputs) -> ScoreResult:
    """SEDAN where thrombolysis was given; signs count only where a report names them."""
    given = any((t.kind, t.state) == ("thrombolysis", "done") for t in snapshot.treatments)
    nihss, age, glucose = baseline_nihss(snapshot), snapshot.patient.age_years, first_glucose_mg_dl(snapshot)
    early, dense = read_as(inputs, "early_ischemic_change"), read_as(inputs, "hyperdense_artery")
    points = {
        "intravenous thrombolysis": 0 if given else None,
        "glucose": None if glucose is None else glucose_points(glucose / MG_DL_PER_MMOL_L),
        "early infarct signs": None if early is None else int(early),
        "hyperdense artery": None if dense is None else int(dense),
        "age": None if age is None else age_points(age),
        "baseline NIHSS": None if nihss is None else nihss_points(nihss),
    }
    return add_up("SEDAN", points, MEANS, SOURCE)
