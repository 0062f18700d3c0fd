"""One command from a cohort's folder to an artifact's folder, top to bottom."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from fhir_mappings.features import FeatureTable, load_features
from fhir_mappings.site import DEFAULT_SITE, Site
from models.calibrate import (
    ALERT_BUDGET,
    Calibration,
    band_figures,
    comparator_of,
    fit_recalibration,
    threshold_for,
)
from models.design import Design, terms_from
from models.encode import EncoderIdentity, identity_of, installed_folder, load_encoder
from models.net import FusionNet
from models.reach import SD_LIMIT, Reach, measured_z
from models.training.cohort import CohortError
from models.training.dataset import Progress, build_table
from models.training.figures import at_landmark, cohort_of, evaluate_table, figures, gain, risks_of
from models.training.fit import FitSettings, Modalities, fit
from models.training.split import check_split, part_of
from models.training.table import Table
from models.training.write import Trained, write_artifact

FLAGS = ("female", "diagnosis", "drug", "thrombolysis")
"""Kinds of features that are 0 or 1."""

ABLATION = {
    "structured only": Modalities(findings=False, text=False),
    "structured + findings": Modalities(findings=True, text=False),
    "structured + findings + text embedding": Modalities(),
}


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
    encoder: Mapping[str, Any]
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
    )
    if unknown := sorted(design.log - set(design.features)):
        raise ValueError(f"{path.name}: log names no feature: {unknown[0]}")
    return TrainingConfig(
        raw["name"], raw["version"], raw["training_population"], raw.get("alert_budget", ALERT_BUDGET),
        FitSettings(**raw["fit"]), raw["encoder"], design, features,
    )  # fmt: skip


def train(config: Path, data: Path, out: Path, progress: Progress | None = None, site: Site = DEFAULT_SITE) -> None:
    """Train on the cohort in ``data`` and write the artifact to ``out``.

    The same config, cohort and machine give the same weights.
    """
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    settings = read_config(config)
    _refuse_held_out(data)
    identity = identity_of(installed_folder(), **settings.encoder)
    encoder = load_encoder(identity)
    table = build_table(data, settings.design, settings.features, encoder, progress, site=site)
    write_artifact(out, trained_on(table, settings, identity, cohort_of(data)), encoder)


def _refuse_held_out(data: Path) -> None:
    """Nothing; `CohortError` where the cohort's reports are in the wording that is kept for evaluation."""
    if cohort_of(data).get("phrasing") == HELD_OUT:
        raise CohortError(f"{data}: reports in held-out phrases are for evaluation, not for training")


def trained_on(table: Table, settings: TrainingConfig, encoder: EncoderIdentity, cohort: Mapping[str, Any]) -> Trained:
    """Everything that training finds out from the rows: network, calibration, figures."""
    parts = {part: _part(table, part, settings.fit.seed) for part in ("train", "validation", "calibration", "test")}
    check_split({part: rows.stays for part, rows in parts.items()})
    net = fit(parts["train"], parts["validation"], settings.fit)
    calibration = calibrated(net, parts["train"], parts["calibration"], settings.alert_budget)
    evaluation = evaluate_table(net, parts["test"], settings.training_population)
    evaluation["split"] = "test split"
    evaluation["counts"] = {name: {"stays": len(set(part.stays)), "rows": len(part)} for name, part in parts.items()}
    evaluation["ablation"] = ablation(parts, settings)
    z = measured_z(net, settings.design, parts["train"].values, parts["train"].observed)
    manifest = {
        "name": settings.name, "version": settings.version, "training_population": settings.training_population,
        "fit": asdict(settings.fit), "cohort": dict(cohort),
        "reach": asdict(Reach(SD_LIMIT, float(z.norm(dim=1).max()))),
    }  # fmt: skip
    return Trained(net, settings.design, encoder, calibration, evaluation, manifest)


def calibrated(net: FusionNet, train_rows: Table, rows: Table, budget: float) -> Calibration:
    """Recalibrate ``net`` on the calibration split (in place), then set the threshold there."""
    with torch.inference_mode():
        eta = (net.combine(rows.batch(net)) - net.interval[:, None, :]).mean(0)[:, 0]
    intercept, slope = fit_recalibration(net.interval.mean(0), eta.clone(), rows.targets)
    net.recalibration[0], net.recalibration[1] = intercept, slope
    risk = risks_of(net, rows)
    threshold = threshold_for(risk.tolist(), budget)
    per_100, among, found = band_figures(risk, rows.outcomes(), threshold)
    with torch.inference_mode():
        logits = net.combine(train_rows.batch(net)).mean(0)
    comparator = comparator_of(logits, train_rows.targets, train_rows.stays)
    return Calibration(intercept, slope, threshold, budget, per_100, among, found, comparator)


def ablation(parts: Mapping[str, Table], settings: TrainingConfig) -> dict[str, Any]:
    """The test figures of networks trained with fewer modalities, each recalibrated in the same way."""
    test, found, risks = parts["test"], {}, {}
    early = at_landmark(ABLATION_HOUR, test)
    for name, modalities in ABLATION.items():
        net = fit(parts["train"], parts["validation"], settings.fit, modalities)
        calibrated(net, parts["train"], parts["calibration"], settings.alert_budget)
        risks[name] = risks_of(net, test)
        found[name] = {
            "all_rows": figures(risks[name], test),
            f"at_{ABLATION_HOUR:g}_h": figures(risks[name][early], test.where(early.tolist())),
            "auc_gain_over_structured": gain(risks[name], risks["structured only"], test),
        }
    return found


def _part(table: Table, part: str, seed: int) -> Table:
    rows = table.where([part_of(stay, seed) == part for stay in table.stays])
    if not len(rows):
        raise ValueError(f"the cohort is too small: no row in the {part} split")
    return rows
