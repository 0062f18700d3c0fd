"""EDEMA: potentially lethal malignant edema in strokes with an NIHSS of 8 or more, 0 to 14 points."""

from collections.abc import Sequence

from fhir_mappings.inputs import Finding, ModelInputs
from fhir_mappings.snapshot import ClinicalSnapshot
from models.scores.chart import glucose_mg_dl, history, reperfused
from models.scores.imaging import findings_on, first_day, said, values
from models.scores.result import ScoreResult, add_up

SOURCE = "EDEMA, Ong 2017 (n = 222, NIHSS >= 8, CT within 24 h; C 0.76 in derivation)"
MEANS = {
    points: "potentially lethal edema in 93 % above 7 points, if NIHSS >= 8 (not END)"
    if points > 7
    else "potentially lethal edema: a rate is published above 7 points only (not END)"
    for points in range(15)
}


def cistern_points(effaced: bool) -> int:
    """3 for effacement of the basal cisterns."""
    return 3 if effaced else 0


def glucose_points(mg_dl: float) -> int:
    """2 from 150 mg/dL."""
    return 2 if mg_dl >= 150 else 0


def reperfusion_points(treated: bool) -> int:
    """1 without thrombolysis and thrombectomy."""
    return int(not treated)


def shift_points(millimeters: float) -> int:
    """0 without midline shift, 1 up to 3 mm, 2 up to 6, 4 up to 9, 7 above.

    3 and 6 mm end two printed rows each and count as the lower one, as the printed "> 9" asks of 9 (assumption).
    """
    rows = ((0, 0), (3, 1), (6, 2), (9, 4))
    return next((points for highest, points in rows if millimeters <= highest), 7)


def stroke_points(previous_stroke: int) -> int:
    """1 without a previous stroke."""
    return int(not previous_stroke)


def score(snapshot: ClinicalSnapshot, inputs: ModelInputs) -> ScoreResult:
    """EDEMA from the CT reports of the first 24 h, glucose at arrival, treatment and history."""
    findings = findings_on("CT", snapshot, inputs, first_day(snapshot))
    effaced, shift = said(findings, "cistern_effacement"), shift_mm(findings)
    glucose, treated, stroke = glucose_mg_dl(snapshot), reperfused(snapshot), history(snapshot, "stroke_history")
    points = {
        "basal cisterns": None if effaced is None else cistern_points(effaced),
        "glucose": None if glucose is None else glucose_points(glucose),
        "thrombolysis and thrombectomy": None if treated is None else reperfusion_points(treated),
        "midline shift in mm": None if shift is None else shift_points(shift),
        "history of stroke": None if stroke is None else stroke_points(stroke),
    }
    return add_up("EDEMA", points, MEANS, SOURCE)


def shift_mm(findings: Sequence[Finding]) -> float | None:
    """The largest midline shift told, 0 where it is denied; None where its size is not told."""
    told = values(findings, "midline_shift")
    if told:
        return max(told)
    return 0.0 if said(findings, "midline_shift") is False else None
