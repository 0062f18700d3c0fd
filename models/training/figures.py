"""Figures on stays that training never saw: discrimination and calibration, over all rows and by landmark."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.calibrate import Stages, remaining_risk
from models.evaluation.intervals import bootstrap
from models.evaluation.metrics import auc, auc_gain, brier, calibration_intercept, calibration_slope
from models.evaluation.rows import Floats, Places
from models.net import EDGES_H, FusionNet
from models.training.table import Table

LANDMARKS_H = (1.0, 3.0, 6.0, 12.0, 24.0, 48.0, 72.0, 96.0)
METRICS = {
    "auc": auc, "brier": brier, "calibration_intercept": calibration_intercept, "calibration_slope": calibration_slope,
}  # fmt: skip
SIMULATED = (
    "All figures are on simulated patients from the same simulator as the training data. "
    "They say nothing about real patients."
)
LOCAL = "All figures are on patients of the same source as the training data; there is no external validation."


def risks_of(net: FusionNet, stages: Stages, table: Table) -> Floats:
    """The remaining risk of each row, as a call would give it."""
    start = table.targets.start
    with torch.inference_mode():
        logits = net(table.batch()).mean(0)
        risk = remaining_risk(logits, start, torch.full_like(start, EDGES_H[-1]), stages)
    return risk.double().numpy().clip(0, 1)


def figures(risk: Floats, table: Table, draws: int = 200) -> dict[str, Any]:
    """Counts and each metric with its stay-level 95 % bootstrap interval; censored rows are left out."""
    outcome = table.outcomes()
    known = ~np.isnan(outcome)
    stays = [stay for stay, kept in zip(table.stays, known.tolist(), strict=True) if kept]
    found: dict[str, Any] = {
        "stays": len(set(stays)), "rows": int(known.sum()), "end_rows": int(outcome[known].sum()),
        "censored_rows_left_out": int((~known).sum()),
    }  # fmt: skip
    for name, metric in METRICS.items():
        found[name] = _with_interval(partial(_on, metric, outcome[known], risk[known]), stays, draws)
    return found


def gain(risk: Floats, other: Floats, table: Table, draws: int = 200) -> dict[str, Any]:
    """The difference in AUC on the same rows, stays drawn in pairs."""
    outcome = table.outcomes()
    known = ~np.isnan(outcome)
    stays = [stay for stay, kept in zip(table.stays, known.tolist(), strict=True) if kept]
    return _with_interval(partial(_on, auc_gain, outcome[known], risk[known], other[known]), stays, draws)


def _on(metric: Callable[..., float | None], *columns_and_places: Any) -> float | None:
    *columns, places = columns_and_places
    return metric(*(column[places] for column in columns))


def _with_interval(statistic: Callable[[Places], float | None], stays: Sequence[str], draws: int) -> dict[str, Any]:
    value = statistic(np.arange(len(stays)))
    interval = None if value is None else bootstrap(statistic, stays, draws=draws)
    return {"value": value, "interval_95": None if interval is None else list(interval)}


def at_landmark(hour: float, table: Table) -> NDArray[np.bool_]:
    """Which rows were drawn at that landmark."""
    return np.abs(table.targets.start.numpy() - hour) < 1e-3


def evaluate_table(risk: Floats, table: Table, population: str) -> dict[str, Any]:
    """The evaluation of one set of rows by their risks: all of them, then landmark by landmark."""
    by_landmark = {}
    for hour in LANDMARKS_H:
        rows = at_landmark(hour, table)
        if rows.any():
            by_landmark[f"{hour:g}"] = figures(risk[rows], table.where(rows.tolist()))
    return {
        "statement": SIMULATED if population == "simulated" else LOCAL,
        "target": "END from as_of to 168 h after arrival, by the charted NIHSS",
        "intervals": "95 %, bootstrap over stays",
        "all_rows": figures(risk, table),
        "by_landmark_hour": by_landmark,
    }


def cohort_of(data: Path) -> Mapping[str, Any]:
    """What the cohort's folder says of itself; empty for a hospital's export."""
    about = data / "cohort.json"
    return json.loads(about.read_text("utf-8")) if about.is_file() else {}
