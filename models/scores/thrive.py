"""THRIVE: outcome after ischemic stroke from NIHSS, age and history, 0 to 9 points."""

from fhir_mappings.inputs import ModelInputs
from fhir_mappings.snapshot import ClinicalSnapshot
from models.scores.chart import baseline_nihss, history
from models.scores.result import ScoreResult, add_up

SOURCE = "THRIVE point table; PMC4780244 (odds ratio 1.71 per point after intravenous thrombolysis)"
GOOD = "good outcome in 64.7 %, death in 5.9 % at 0-2 points (not END)"
POOR = "good outcome in 10.6 %, death in 56.4 % at 6-9 points (not END)"
MEANS = dict.fromkeys(range(3), GOOD) | dict.fromkeys(range(6, 10), POOR)
BETWEEN = "between the published groups 0-2 and 6-9 (not END)"


def nihss_points(nihss: int) -> int:
    """0 up to 10, 2 from 11 to 20, 4 from 21."""
    if nihss <= 10:
        return 0
    return 2 if nihss <= 20 else 4


def age_points(age_years: int) -> int:
    """0 up to 59, 1 from 60 to 79, 2 from 80."""
    if age_years <= 59:
        return 0
    return 1 if age_years <= 79 else 2


def score(snapshot: ClinicalSnapshot, _inputs: ModelInputs) -> ScoreResult:
    """THRIVE from the baseline NIHSS, age and charted history."""
    nihss, age = baseline_nihss(snapshot), snapshot.patient.age_years
    points = {
        "baseline NIHSS": None if nihss is None else nihss_points(nihss),
        "age": None if age is None else age_points(age),
        "history of hypertension": history(snapshot, "hypertension"),
        "history of diabetes": history(snapshot, "diabetes"),
        "history of atrial fibrillation": history(snapshot, "atrial_fibrillation"),
    }
    return add_up("THRIVE", points, {total: MEANS.get(total, BETWEEN) for total in range(10)}, SOURCE)
