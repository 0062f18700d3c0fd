"""The oracles of a world, fitted once, asked about every test set, and checked on patients of their own."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from models.evaluation.metrics import auc, calibration_intercept, calibration_slope
from models.evaluation.rows import Scored
from models.simulation.world import load_world
from models.studies.held import HeldSet
from models.studies.oracle_models import Chosen, best_of
from models.studies.oracle_rows import KINDS, NAMES, Kind, OraclePlan, OracleRows, rows_of_table, simulated_rows
from models.studies.scoring import read_answer, write_answer
from models.studies.sets import Study
from models.training.stages import Stage


def oracle_answers(
    world: str, study: Study, tests: Mapping[str, HeldSet], out: Path, stage: Stage, *, processes: int
) -> dict[str, list[Scored]]:
    """The answers of each oracle, by test set; ``<kind>.json`` tells what was chosen and how it is calibrated."""
    given: dict[str, list[Scored]] = {name: [] for name in tests}
    simulated = cache(lambda: _simulated(world, study, out, stage, processes))
    for kind in KINDS:
        paths = {name: out / f"{kind} on {name}.safetensors" for name in tests}
        if not all(path.is_file() for path in paths.values()):
            _ask(kind, simulated(), study.oracle_seed, tests, out)
        for name, path in paths.items():
            given[name].append(read_answer(path, NAMES[kind]))
    return given


def _ask(kind: Kind, rows: tuple[OracleRows, OracleRows], seed: int, tests: Mapping[str, HeldSet], out: Path) -> None:
    """Fit an oracle on the first rows, check it on the others, and write its answers."""
    learned, other = rows
    chosen = best_of(learned.seen(kind), learned.outcome, seed)
    about = {
        "rows": len(learned.outcome), "chosen": chosen.members, "validation_log_loss": chosen.losses,
        "check": checked(chosen, kind, other),
    }  # fmt: skip
    (out / f"{kind}.json").write_text(json.dumps(about, indent=1) + "\n", "utf-8")
    for name, held in tests.items():
        asked = rows_of_table(held.table, held.stated.numpy(), held.latent.numpy())
        write_answer(out / f"{kind} on {name}.safetensors", chosen.risks(asked.seen(kind)), None)


def _simulated(world: str, study: Study, out: Path, stage: Stage, processes: int) -> tuple[OracleRows, OracleRows]:
    """The rows that oracles learn from, and those of other patients that they are checked on."""
    plan = OraclePlan(
        load_world(world), study.oracle_seed, study.oracle_stays, study.landmarks_h,
        study.training.design, study.training.features, processes,
    )  # fmt: skip
    rows = simulated_rows(plan, out / "rows", stage("Oracle: rows to learn from"))
    other = replace(plan, seed=study.check_seed, stays=study.check_stays)
    return rows, simulated_rows(other, out / "check", stage("Oracle: patients to check on"))


def checked(chosen: Chosen, kind: Kind, rows: OracleRows) -> dict[str, Any]:
    """Calibration of the oracle on patients of its own, and the Monte Carlo error of its AUC there.

    The error is the standard error of the AUC by Hanley and McNeil at the number of rows, so that what
    remains is the difference between the approximate and the true oracle.
    """
    outcome, risk = rows.outcome.astype(np.float64), chosen.risks(rows.seen(kind))
    area = auc(outcome, risk)
    return {
        "rows": len(outcome), "events": int(outcome.sum()), "auc": area,
        "observed_to_expected": float(outcome.sum() / risk.sum()),
        "calibration_intercept": calibration_intercept(outcome, risk),
        "calibration_slope": calibration_slope(outcome, risk),
        "auc_standard_error": None if area is None else standard_error(area, int(outcome.sum()), len(outcome)),
        "calibration_slope_by_hour": {f"{hour:g}": calibration_slope(outcome[at], risk[at])
                                      for hour in sorted(set(rows.hours.round(3).tolist()))
                                      for at in [np.abs(rows.hours - hour) < 1e-2]},
    }  # fmt: skip


def standard_error(area: float, events: int, rows: int) -> float:
    """The standard error of an AUC (Hanley and McNeil 1982)."""
    free = rows - events
    one, two = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (events - 1) * (one - area**2) + (free - 1) * (two - area**2)
    return float(np.sqrt(variance / (events * free)))
