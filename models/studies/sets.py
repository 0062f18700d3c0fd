"""The simulated sets of a world's study: made by the direct path, each sentence embedded once."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

import torch

from models.notes import Readers
from models.simulation.direct import direct_cohort
from models.simulation.phrasebook import Phrasing
from models.simulation.told import told_of
from models.simulation.world import load_world
from models.studies.held import HeldSet
from models.studies.test_rows import rows_for_statistics
from models.training.stages import Stage
from models.training.train import TrainingConfig, read_config
from models.training.write import CONFIGS

STUDY = Path(__file__).parent / "configs" / "worlds.toml"


@dataclass(frozen=True)
class Study:
    """The settings of ``configs/worlds.toml``; seeds and sizes by set."""

    title: str
    landmarks_h: tuple[float, ...]
    training: TrainingConfig
    train_seed: int
    train_patients: int
    train_sizes: tuple[int, ...]
    replicates: int
    test_seed: int
    test_patients: int
    phrasings: tuple[Phrasing, ...]
    oracle_seed: int
    oracle_stays: int
    check_seed: int
    check_stays: int


def read_study(path: Path = STUDY) -> Study:
    """The study of a TOML file; a missing or unknown field raises ``KeyError`` or ``TypeError``."""
    raw = tomllib.loads(path.read_text("utf-8"))
    train, test, oracle = raw["train"], raw["test"], raw["oracle"]
    return Study(
        raw["title"], tuple(raw["landmarks_h"]), read_config(CONFIGS / raw["training_config"]),
        train["seed"], train["patients"], tuple(train["sizes"]), train["replicates"],
        test["seed"], test["patients"], tuple(test["phrasings"]), oracle["seed"], oracle["stays"],
        oracle["check_seed"], oracle["check_stays"],
    )  # fmt: skip


@dataclass(frozen=True)
class SetPlan:
    """One set: which world and patients, in which wording; tests also carry what only oracles may see."""

    world: str
    seed: int
    patients: int
    phrasing: Phrasing
    latent: bool


def made(plan: SetPlan, study: Study, readers: Readers, stage: Stage, processes: int = 1) -> HeldSet:
    """The rows of a set at the study's landmarks, charted in so many processes."""
    training = study.training
    found = direct_cohort(
        load_world(plan.world), plan.patients, plan.seed, training.design, training.features, readers,
        hours=study.landmarks_h, phrasing=plan.phrasing, latent=plan.latent, progress=stage("Stays"),
        sentences=stage("Sentences"), processes=processes,
    )  # fmt: skip
    rows = rows_for_statistics(found.cohort, training.design, told_of(found.truth))
    stated, latent = torch.from_numpy(found.stated), torch.from_numpy(found.latent)
    return HeldSet(found.cohort.table, stated, latent, rows, found.cohort.lost)
