"""DRAGON: outcome after three months in patients given intravenous thrombolysis, 0 to 10 points."""

from fhir_mappings.inputs import ModelInputs
from fhir_mappings.snapshot import ClinicalSnapshot
from models.scores.chart import (
    baseline_nihss,
    before_thrombolysis,
    glucose_mmol_l,
    thrombolysed,
    thrombolysis_at,
)
from models.scores.imaging import early_infarct, findings_on, said
from models.scores.result import ScoreResult, add_up, flag

SOURCE = "DRAGON, acemap.info/paper/182553907 (n = 1,319, alteplase; AUC 0.84, external 0.80, 12 centers 0.84, 0.82)"
GOOD = {0: "96", 1: "96", 2: "88", 3: "74", 8: "0", 9: "0", 10: "0"}
MISERABLE = {0: "0", 1: "0", 2: "2", 3: "5", 8: "70", 9: "100", 10: "100"}
BETWEEN = "between the published groups 0-3 and 8-10 (3-month outcome after thrombolysis, not END)"
MEANS = dict.fromkeys(range(11), BETWEEN) | {
    points: f"3-month mRS 0-2 in {GOOD[points]} %, 5-6 in {MISERABLE[points]} % after thrombolysis (not END)"
    for points in GOOD
}


def mrs_points(pre_stroke_mrs: float) -> int:
    """1 above a pre-stroke mRS of 1."""
    return int(pre_stroke_mrs > 1)


def age_points(age_years: int) -> int:
    """0 below 65 years, 1 from 65 to 79, 2 from 80."""
    if age_years < 65:
        return 0
    return 1 if age_years <= 79 else 2


def glucose_points(mmol_l: float) -> int:
    """1 above 8 mmol/L (144 mg/dL)."""
    return int(mmol_l > 8)


def delay_points(minutes: float) -> int:
    """1 above 90 min from onset to treatment."""
    return int(minutes > 90)


def nihss_points(nihss: int) -> int:
    """0 up to 4, 1 from 5 to 9, 2 from 10 to 15, 3 above."""
    return sum(nihss > highest for highest in (4, 9, 15))


def score(snapshot: ClinicalSnapshot, inputs: ModelInputs) -> ScoreResult:
    """DRAGON where thrombolysis was given; a dense artery and early infarct signs are a point each."""
    nihss, age, glucose = baseline_nihss(snapshot), snapshot.patient.age_years, glucose_mmol_l(snapshot)
    mrs = snapshot.pre_stroke_mrs
    findings = findings_on("CT", snapshot, inputs, before_thrombolysis(snapshot))
    points = {
        **_treatment(snapshot),
        "hyperdense artery": flag(said(findings, "hyperdense_artery")),
        "early infarct signs": flag(early_infarct(findings)),
        "pre-stroke mRS": None if mrs is None else mrs_points(mrs.value),
        "age": None if age is None else age_points(age),
        "glucose": None if glucose is None else glucose_points(glucose),
        "baseline NIHSS": None if nihss is None else nihss_points(nihss),
    }
    return add_up("DRAGON", points, MEANS, SOURCE)


def _treatment(snapshot: ClinicalSnapshot) -> dict[str, int | None]:
    """The part of onset to treatment, or which of its two moments is missing."""
    onset, treated = snapshot.last_known_well, thrombolysis_at(snapshot)
    if not thrombolysed(snapshot):
        return {"intravenous thrombolysis": None}
    if onset is None or treated is None:
        moments = {"last known well": onset, "time of thrombolysis": treated}
        return {name: None for name, moment in moments.items() if moment is None}
    return {"onset to treatment": delay_points((treated - onset).total_seconds() / 60)}
