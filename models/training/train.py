"""One command from a cohort's folder to an artifact's folder, top to bottom."""

import hashlib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fhir_mappings.features import FeatureTable, load_features
from fhir_mappings.site import DEFAULT_SITE, Site
from models.calibrate import ALERT_BUDGET, Calibration
from models.design import Design, modalities_from, terms_from
from models.encode import fastest_device, sha256_of
from models.notes import Progress, Readers
from models.provenance import mappings_sha256
from models.reach import measured_z, reach_of
from models.reader import DEFAULT_READER, MANIFEST, load_reader
from models.training.calibrated import trained_and_calibrated
from models.training.cohort import CohortError
from models.training.dataset import build_cohort
from models.training.deep import DeepSettings
from models.training.figures import at_landmark, cohort_of, evaluate_table, figures, gain, risks_of
from models.training.fit import Fit, FitSettings
from models.training.kept import forget_table, keep_table, kept_table
from models.training.split import check_split, part_of
from models.training.stages import Stage, quiet
from models.training.table import Table
from models.training.write import Trained, write_artifact
from models.trust import TABLE

FLAGS = ("female", "diagnosis", "drug", "thrombolysis")
"""Kinds of features that are 0 or 1."""

HELD_OUT = "held-out"
"""The wording of reports that no training may read, as ``cohort.json`` names it."""

ABLATION_HOUR = 6.0
"""The landmark that the ablation shows beside all rows: the first reports are in by then."""


@dataclass(frozen=True)
class TrainingConfig:
    """A training config, read and complete."""

    name: str
    version: str
    training_population: str
    alert_budget: float
    fit: FitSettings
    design: Design
    features: FeatureTable


def read_config(path: Path) -> TrainingConfig:
    """The config of a TOML file; a missing or unknown field raises ``KeyError`` or ``TypeError``."""
    raw = tomllib.loads(path.read_text("utf-8"))
    features = load_features()
    design = Design(
        features=features.names,
        labels=tuple(spec.label for spec in features.specs),
        log=frozenset(raw["log"]),
        flags=frozenset(spec.name for spec in features.specs if spec.kind in FLAGS),
        terms=terms_from(raw["terms"]),
        modalities=modalities_from(raw["modality"], features.names),
    )
    if unknown := sorted(design.log - set(design.features)):
        raise ValueError(f"{path.name}: log names no feature: {unknown[0]}")
    return TrainingConfig(
        raw["name"], raw["version"], raw["training_population"], raw.get("alert_budget", ALERT_BUDGET),
        _fit_settings(raw["fit"]), design, features,
    )  # fmt: skip


def _fit_settings(raw: Mapping[str, Any]) -> FitSettings:
    grids = {name: tuple(map(float, raw[name])) for name in ("ridges", "bends")}
    return FitSettings(**{**raw, **grids, "deep": DeepSettings(**raw["deep"])})


def train(
    config: Path, data: Path, out: Path, stage: Stage = quiet, *, site: Site = DEFAULT_SITE,
    reader: Path = DEFAULT_READER,
) -> None:  # fmt: skip
    """Train on the cohort in ``data`` and write the artifact to ``out``.

    The same config, cohort, reader and machine give the same weights. The rows are kept beside ``out`` until
    the artifact is written: an interrupted training goes on from them.
    """
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it a GPU is not deterministic, and refuses
    settings = read_config(config)
    _refuse_held_out(data)
    reads, beside = load_reader(reader, device=fastest_device()), out.parent / f"{out.name}.rows"
    identity = _identity(config, data, reader)
    table = kept_table(beside, identity)
    if table is None:
        charts, sentences = stage("Reading charts"), stage("Reading sentences")
        cohort = build_cohort(
            data, settings.design, settings.features, Readers(reads), charts, site=site, sentences=sentences
        )
        table = cohort.table
        beside.parent.mkdir(parents=True, exist_ok=True)
        keep_table(beside, table, identity)
    write_artifact(out, trained_on(table, settings, cohort_of(data), stage), reads, reader)
    forget_table(beside)


def _identity(config: Path, data: Path, reader: Path) -> str:
    """What the rows were made from: config, the cohort's files as they stand, reader, its joining, mappings."""
    files = [(one.name, one.stat().st_size, one.stat().st_mtime_ns) for one in sorted(data.iterdir())]
    told = [config.read_text("utf-8"), repr(files), sha256_of(reader / MANIFEST), sha256_of(TABLE), mappings_sha256()]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def _refuse_held_out(data: Path) -> None:
    """Nothing; `CohortError` where the cohort's reports are in the wording that is kept for evaluation."""
    if cohort_of(data).get("phrasing") == HELD_OUT:
        raise CohortError(f"{data}: reports in held-out phrases are for evaluation, not for training")


def trained_on(table: Table, settings: TrainingConfig, cohort: Mapping[str, Any], stage: Stage = quiet) -> Trained:
    """Everything that training finds out from the rows: network, calibration, figures."""
    parts = {part: _part(table, part, settings.fit.seed) for part in ("train", "calibration", "test")}
    check_split({part: rows.stays for part, rows in parts.items()})
    found, calibration = _fitted(parts, settings, stage("Training"), reports=True)
    net, design, test = found.net, settings.design, parts["test"]
    risks = risks_of(net, calibration.stages, test)
    evaluation = evaluate_table(risks, test, settings.training_population)
    evaluation["split"] = "test split"
    evaluation["counts"] = {name: {"stays": len(set(part.stays)), "rows": len(part)} for name, part in parts.items()}
    evaluation["ablation"] = _ablation(
        parts, settings, {"structured + findings": (found, calibration)}, stage("Training without reports")
    )
    reach = reach_of(net, parts["train"].batch())
    far = (measured_z(net, design, test.batch()).abs() > reach.sd).any(1)
    apart = net.spread(test.batch()) > reach.spread
    evaluation["abstention"] = _abstention(far.numpy(), apart.numpy())
    manifest = {
        "name": settings.name, "version": settings.version, "training_population": settings.training_population,
        "fit": asdict(settings.fit), "choice": asdict(found.choice), "cohort": dict(cohort), "reach": asdict(reach),
        "effective_parameters": found.effective_parameters,
    }  # fmt: skip
    return Trained(net, design, calibration, evaluation, manifest)


def _fitted(
    parts: Mapping[str, Table], settings: TrainingConfig, progress: Progress, *, reports: bool
) -> tuple[Fit, Calibration]:
    return trained_and_calibrated(
        parts["train"], parts["calibration"], settings.design.terms, settings.fit, settings.alert_budget,
        reports=reports, progress=progress,
    )  # fmt: skip


def _ablation(
    parts: Mapping[str, Table],
    settings: TrainingConfig,
    whole: Mapping[str, tuple[Fit, Calibration]],
    progress: Progress,
) -> dict[str, Any]:
    """The test figures of networks with and without reports, each recalibrated in the same way."""
    alone = "structured only"
    nets = {alone: _fitted(parts, settings, progress, reports=False), **whole}
    test = parts["test"]
    early, found = at_landmark(ABLATION_HOUR, test), {}
    risks = {
        name: risks_of(fit.net, calibration.stages, test if fit.reports else test.without_reports())
        for name, (fit, calibration) in nets.items()
    }
    for name, risk in risks.items():
        found[name] = {
            "all_rows": figures(risk, test),
            f"at_{ABLATION_HOUR:g}_h": figures(risk[early], test.where(early.tolist())),
            "auc_gain_over_structured": gain(risk, risks[alone], test),
        }
    return found


def _abstention(far: np.ndarray[Any, Any], apart: np.ndarray[Any, Any]) -> dict[str, Any]:
    """The share of the test rows that get no number, and why."""
    share = float((far | apart).mean())
    return {
        "share": {"value": share},
        "reasons": {"measurement too far": int(far.sum()), "heads too far apart": int((apart & ~far).sum())},
    }


def _part(table: Table, part: str, seed: int) -> Table:
    rows = table.where([part_of(stay, seed) == part for stay in table.stays])
    if not len(rows):
        raise ValueError(f"the cohort is too small: no row in the {part} split")
    return rows
