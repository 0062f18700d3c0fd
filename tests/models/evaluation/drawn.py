"""A small test set drawn at random, with models of known merit; nothing clinical is meant by its numbers."""

from dataclasses import replace
from typing import Any

import numpy as np

from models.evaluation.document import SIMULATED_STATEMENT, About
from models.evaluation.plan import Plan
from models.evaluation.rows import EndKind, Floats, Scored, TestRows

PLAN = Plan(landmarks_h=(1.0, 6.0, 24.0), draws=60)
ABOUT = About(SIMULATED_STATEMENT, "simulated", "ab" * 32, {"no baseline NIHSS": 3}, "Drawn numbers")


def logistic(eta: Floats) -> Floats:
    """The probability of a log-odds."""
    return np.asarray(1 / (1 + np.exp(-eta)))


def rows_and_models(stays: int = 240, seed: int = 0) -> tuple[TestRows, list[Scored]]:
    """Rows at 1, 6 and 24 h; a model that knows the log-odds, one that knows half of it, and a bare ranking."""
    rng = np.random.default_rng(seed)
    names = [f"stay-{number:04d}" for number in range(stays)]
    known, hidden = rng.normal(0, 1.2, stays), rng.normal(0, 0.8, stays)
    end = rng.random(stays) < logistic(known + hidden - 0.6)
    raised = np.where(end, rng.uniform(2, 160, stays), np.nan)
    fate = rng.choice(["competing", "censored", "event_free"], stays, p=[0.2, 0.1, 0.7])
    left = np.where(fate == "event_free", 168.0, rng.uniform(30, 167, stays))
    ends: dict[str, tuple[EndKind, float]] = {
        name: ("end", float(raised[at])) if end[at] else (str(fate[at]), float(left[at]))  # type: ignore[misc]
        for at, name in enumerate(names)
    }
    series = {
        name: tuple((h, 8.0 + 4 * (h >= raised[at])) for h in (0, 5, 20, 60, 110, 160)) for at, name in enumerate(names)
    }
    pairs = [(at, hour) for hour in PLAN.landmarks_h for at in range(stays) if not raised[at] <= hour]
    stay, hours = np.array([at for at, _ in pairs]), np.array([hour for _, hour in pairs])
    outcome = np.where(end, 1.0, np.where(fate == "censored", np.nan, 0.0))[stay]
    female, rare = rng.random(stays) < 0.4, np.arange(stays) < 6
    groups = {
        "sex: female": female[stay], "sex: male": ~female[stay], "rare: yes": rare[stay],
        "schedule: protocol": stay % 2 == 0, "schedule: when worried": stay % 2 == 1,
    }  # fmt: skip
    rows = TestRows(
        tuple(names[at] for at in stay), hours, outcome, np.where(outcome == 1, raised[stay], np.nan),
        end[stay].astype(float), groups, series, ends,
    )  # fmt: skip
    best = logistic((known + hidden - 0.6)[stay])
    return rows, [
        Scored("knowing", best, thresholds=np.full(len(rows), 0.5)),
        Scored("half", logistic(known[stay]), thresholds=np.full(len(rows), 0.5)),
        Scored("ranking", 10 * known[stay], probability=False),
    ]


def changed(rows: TestRows, **fields: Any) -> TestRows:
    """The rows with some columns replaced."""
    return replace(rows, **fields)
