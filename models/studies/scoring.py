"""Methods trained on one set and asked about others, each answer kept on disk."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from models.calibrate import threshold_for
from models.comparators import COMPARATORS, Comparator, Fitted
from models.design import Design
from models.evaluation.rows import Floats, Scored
from models.studies.network import FittedNetwork, network
from models.training.fit import FitSettings
from models.training.table import Table

NETWORK = "endwatch network"
NO_REPORTS = "endwatch network, no reports"


def methods(settings: FitSettings, budget: float) -> dict[str, Comparator]:
    """The network with and without reports first, then its opponents."""
    own = {NETWORK: network(settings, budget), NO_REPORTS: network(settings, budget, reports=False)}
    return own | dict(COMPARATORS)


def answers(
    method: tuple[str, Comparator], train: Table, tests: Mapping[str, Table], design: Design, *, seed: int, kept: Path
) -> dict[str, Scored]:
    """One method's answers to each test set, trained unless all are in the folder ``kept``.

    Rows are flagged from the method's own thresholds up, else from the risk that a quarter of the training
    rows reach (`models.calibrate.ALERT_BUDGET`).
    """
    name, comparator = method
    paths = {test: kept / f"{name} on {test}.safetensors" for test in tests}
    if not all(path.is_file() for path in paths.values()):
        kept.mkdir(parents=True, exist_ok=True)
        fitted = comparator(train, design, seed)
        for test, path in paths.items():
            write_answer(path, fitted.risks(tests[test]), thresholds_of(fitted, train, tests[test]))
    return {test: read_answer(path, name) for test, path in paths.items()}


def thresholds_of(fitted: Fitted, train: Table, table: Table) -> Floats:
    """The risk from which each row is flagged: a fit's own, else by the alert budget on its training rows."""
    if isinstance(fitted, FittedNetwork):
        return fitted.thresholds(table)
    return np.full(len(table), threshold_for(fitted.risks(train).tolist()))


def write_answer(path: Path, risks: Floats, thresholds: Floats | None) -> None:
    """One model's risks on one set, written whole or not at all."""
    partial = path.with_suffix(".partial")
    held = {"risks": risks} | ({} if thresholds is None else {"thresholds": thresholds})
    save_file({name: torch.from_numpy(np.ascontiguousarray(column)) for name, column in held.items()}, partial)
    partial.replace(path)


def read_answer(path: Path, name: str) -> Scored:
    """The answer that `write_answer` wrote."""
    held = load_file(path)
    thresholds = held["thresholds"].numpy() if "thresholds" in held else None
    return Scored(name, held["risks"].numpy(), thresholds=thresholds)
