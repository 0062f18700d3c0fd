"""ASTRAL: outcome after three months of previously independent patients; a sum without an upper end."""

from fhir_mappings.inputs import ModelInputs
from fhir_mappings.snapshot import ClinicalSnapshot
from models.scores.chart import baseline_item, baseline_nihss, glucose_mmol_l, hours_to_arrival
from models.scores.result import ScoreResult, add_up, to_one_decimal

SOURCE = "ASTRAL, doi 10.1212/WNL.0b013e318259e221 (n = 1,645; AUC 0.850, external 0.937 and 0.771)"
MEANS = "3-month mRS 3-6 in 50 % at 31 points (at 28 in a congress abstract: the sources disagree) (not END)"


def age_points(age_years: int) -> int:
    """1 for each whole five years; the sources say nothing of a remainder, which adds nothing here (assumption)."""
    return age_years // 5


def delay_points(hours: float) -> int:
    """2 above 3 h from onset to admission."""
    return 2 if hours > 3 else 0


def visual_points(nihss_3: int) -> int:
    """2 for a visual field defect (NIHSS item 3)."""
    return 2 if nihss_3 > 0 else 0


def glucose_points(mmol_l: float) -> int:
    """1 below 3.7 or above 7.3 mmol/L; to the table's one decimal."""
    return int(not 3.7 <= to_one_decimal(mmol_l) <= 7.3)


def consciousness_points(nihss_1a: int) -> int:
    """3 for a decreased level of consciousness (NIHSS item 1a)."""
    return 3 if nihss_1a > 0 else 0


def score(snapshot: ClinicalSnapshot, _inputs: ModelInputs) -> ScoreResult:
    """ASTRAL from the baseline examination, glucose, age and the time from last known well; a point of NIHSS is one."""
    age, hours, glucose = snapshot.patient.age_years, hours_to_arrival(snapshot), glucose_mmol_l(snapshot)
    visual, consciousness = (baseline_item(snapshot, item) for item in ("3", "1a"))
    points = {
        "age": None if age is None else age_points(age),
        "baseline NIHSS": baseline_nihss(snapshot),
        "last known well": None if hours is None else delay_points(hours),
        "visual field (NIHSS item 3)": None if visual is None else visual_points(visual),
        "glucose": None if glucose is None else glucose_points(glucose),
        "consciousness (NIHSS item 1a)": None if consciousness is None else consciousness_points(consciousness),
    }
    return add_up("ASTRAL", points, MEANS, SOURCE)
