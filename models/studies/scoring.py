"""Methods trained on one set and asked about others, each answer kept on disk."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from models.calibrate import threshold_for
from models.comparators import COMPARATORS, Comparator, Fitted
from models.design import Design
from models.evaluation.rows import Floats, Scored
from models.studies.network import network
from models.training.fit import FitSettings
from models.training.table import Table

NETWORK = "endwatch network"


def methods(settings: FitSettings, budget: float) -> dict[str, Comparator]:
    """The network first, then its opponents."""
    return {NETWORK: network(settings, budget)} | dict(COMPARATORS)


def answers(
    method: tuple[str, Comparator], train: Table, tests: Mapping[str, Table], design: Design, *, seed: int, kept: Path
) -> dict[str, Scored]:
    """One method's answers to each test set, trained unless all are in the folder ``kept``.

    The threshold is the method's own, else the risk that a quarter of the training rows reach
    (`models.calibrate.ALERT_BUDGET`).
    """
    name, comparator = method
    paths = {test: kept / f"{name} on {test}.safetensors" for test in tests}
    if not all(path.is_file() for path in paths.values()):
        kept.mkdir(parents=True, exist_ok=True)
        fitted = comparator(train, design, seed)
        threshold = threshold_of(fitted, train)
        for test, path in paths.items():
            write_answer(path, fitted.risks(tests[test]), threshold)
    return {test: read_answer(path, name) for test, path in paths.items()}


def threshold_of(fitted: Fitted, train: Table) -> float:
    """A fit's own threshold, else the risk that the alert budget's share of its training rows reach."""
    own = getattr(fitted, "threshold", None)
    return threshold_for(fitted.risks(train).tolist()) if own is None else float(own)


def write_answer(path: Path, risks: Floats, threshold: float | None) -> None:
    """One model's risks on one set, written whole or not at all."""
    partial = path.with_suffix(".partial")
    tensor = torch.from_numpy(np.ascontiguousarray(risks))
    save_file({"risks": tensor}, partial, metadata={"threshold": repr(threshold)})
    partial.replace(path)


def read_answer(path: Path, name: str) -> Scored:
    """The answer that `write_answer` wrote."""
    with safe_open(path, "pt") as file:
        said = file.metadata()["threshold"]
        return Scored(name, file.get_tensor("risks").numpy(), threshold=None if said == "None" else float(said))
