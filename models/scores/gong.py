"""The linear predictor of the Gong nomogram for END: a ranking, for its intercept was not published with it."""

from typing import TYPE_CHECKING, TypeVar

from fhir_mappings.inputs import ModelInputs
from fhir_mappings.snapshot import ClinicalSnapshot
from models.scores.chart import at_arrival, baseline_nihss, history, took_before
from models.scores.result import ScoreResult, add_up

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SOURCE = (
    "Gong 2020, acemap.info/paper/318222740 (n = 1,889; C 0.826, external 0.798; logarithms of the printed odds "
    "ratios; hs-CRP presumed in mg/L; the abstract does not say how END was defined)"
)
MEANS = "ranking only; the published intercept is unknown"

AGE, DIABETES, AF, ANTIPLATELET, CRP, NIHSS = 0.07232, 0.51462, 1.19301, -0.74866, 0.04784, 0.06859
"""Logarithms of the published odds ratios: a year, yes, yes, yes, mg/L, a point."""

Numbers = TypeVar("Numbers", float, "NDArray[np.float64]")


def linear_predictor(  # noqa: PLR0917 - the six published terms, in their order
    age: Numbers, diabetes: Numbers, af: Numbers, antiplatelet: Numbers, crp_mg_l: Numbers, nihss: Numbers
) -> Numbers:  # fmt: skip
    """The nomogram's linear predictor, without an intercept: numbers, or arrays [B] where NaN stays NaN.

    ``age`` in years, ``nihss`` at admission; diabetes, atrial fibrillation and antiplatelet drugs before
    the stroke are 0 or 1.
    """
    history = DIABETES * diabetes + AF * af + ANTIPLATELET * antiplatelet
    return AGE * age + history + CRP * crp_mg_l + NIHSS * nihss


def score(snapshot: ClinicalSnapshot, _inputs: ModelInputs) -> ScoreResult:
    """The linear predictor of a patient, from the baseline NIHSS and the first CRP of arrival."""
    parts = (
        ("age", AGE, snapshot.patient.age_years),
        ("history of diabetes", DIABETES, history(snapshot, "diabetes")),
        ("history of atrial fibrillation", AF, history(snapshot, "atrial_fibrillation")),
        ("antiplatelet before admission", ANTIPLATELET, took_before(snapshot, "antiplatelet")),
        ("CRP", CRP, at_arrival(snapshot, "crp")),
        ("baseline NIHSS", NIHSS, baseline_nihss(snapshot)),
    )
    points = {name: None if value is None else weight * value for name, weight, value in parts}
    return add_up("Gong linear predictor", points, MEANS, SOURCE)
