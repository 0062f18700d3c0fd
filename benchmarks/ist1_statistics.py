"""Figures with intervals when whole hospitals are drawn again.

A draw is a weight for every patient: how often the hospital was drawn. All methods share the
draws, so that a difference is paired.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice

import numpy as np
import statsmodels.api as sm
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from benchmarks.ist1_features import Floats
from benchmarks.ist1_patients import Patients

Statistic = Callable[[Floats, Floats, Floats], float]  # outcome, risk, weight [B]


def auc(outcome: Floats, risk: Floats, weight: Floats) -> float:
    """Area under the ROC curve."""
    return float(roc_auc_score(outcome, risk, sample_weight=weight))


def auprc(outcome: Floats, risk: Floats, weight: Floats) -> float:
    """Average precision."""
    return float(average_precision_score(outcome, risk, sample_weight=weight))


def brier(outcome: Floats, risk: Floats, weight: Floats) -> float:
    """Mean squared difference."""
    return float(brier_score_loss(outcome, risk, sample_weight=weight))


def calibration_slope(outcome: Floats, risk: Floats, weight: Floats) -> float:
    """Slope of the outcome's log-odds on the risk's."""
    clipped = np.clip(risk, 1e-6, 1 - 1e-6)
    line = sm.add_constant(np.log(clipped / (1 - clipped)), has_constant="add")
    return float(sm.GLM(outcome, line, family=sm.families.Binomial(), freq_weights=weight).fit().params[1])


STATISTICS: Mapping[str, Statistic] = {
    "auc": auc, "auprc": auprc, "brier": brier, "calibration_slope": calibration_slope,
}  # fmt: skip


def figures(patients: Patients, risks: Mapping[str, Floats], *, draws: int, seed: int) -> dict[str, object]:
    """Each method's figures, and under ``paired`` how much higher the first one's AUC is than each other's."""
    outcome = patients.event.astype(np.float64)
    first, *others = risks
    everyone = _all_figures(outcome, risks, np.ones(len(outcome)))
    drawn = [_all_figures(outcome, risks, weight) for weight in islice(_draws(patients, seed), draws)]
    place = {(method, name): k for k, (method, name) in enumerate((m, n) for m in risks for n in STATISTICS)}
    matrix = np.stack([everyone, *drawn])  # [1 + draws, methods * statistics]
    found: dict[str, object] = {
        method: {name: _with_interval(matrix[:, place[method, name]]) for name in STATISTICS} for method in risks
    }
    gains = {other: matrix[:, place[first, "auc"]] - matrix[:, place[other, "auc"]] for other in others}
    return found | {"paired": {f"{first}_minus_{other}": _with_interval(gain) for other, gain in gains.items()}}


def _all_figures(outcome: Floats, risks: Mapping[str, Floats], weight: Floats) -> Floats:
    drawn = weight > 0
    held = outcome[drawn], weight[drawn]
    return np.array([s(held[0], risk[drawn], held[1]) for risk in risks.values() for s in STATISTICS.values()])


def _draws(patients: Patients, seed: int) -> Iterator[Floats]:
    """Weights [B] without end; a draw in which the outcome does not vary is drawn again."""
    rng = np.random.default_rng(seed)
    names, place = np.unique(patients.hospitals, return_inverse=True)
    while True:
        times = np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names))
        weight: NDArray[np.float64] = times[place].astype(np.float64)
        if 0 < weight[patients.event].sum() < weight.sum():
            yield weight


def _with_interval(values: Floats) -> dict[str, float]:
    """The first value with the 95 % percentile interval of the others."""
    low, high = np.quantile(values[1:], [0.025, 0.975])
    named = {"value": values[0], "low": low, "high": high}
    return {name: round(float(value), 6) for name, value in named.items()}
