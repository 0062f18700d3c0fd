"""A small cohort of rows with a known truth, and an artifact trained on it without a transformer."""

from functools import cache
from pathlib import Path

import numpy as np
import torch

from models.artifact import Artifact, read_artifact
from models.encode import EncoderIdentity
from models.predictor import Predictor
from models.training.table import Table, Target, targets_of
from models.training.train import TrainingConfig, read_config, trained_on
from models.training.write import Trained, write_artifact
from tests.models.inputs_builder import LetterEncoder

CONFIG = Path(__file__).parents[2] / "models" / "training" / "configs" / "demo.toml"
LETTERS = EncoderIdentity("letters", 8, "0" * 64, "0" * 64)
STARTS_H = (1.0, 24.0, 72.0)
TRUE_NIHSS, TRUE_DENSE = 0.8, 1.5  # log-odds per SD of the NIHSS, and of a hyperdense artery


@cache
def config(steps: int = 150) -> TrainingConfig:
    """The demo config with fewer steps."""
    read = read_config(CONFIG)
    return TrainingConfig(**(vars(read) | {"fit": type(read.fit)(**(vars(read.fit) | {"steps": steps}))}))


def table(stays: int = 400, seed: int = 0) -> Table:
    """Rows at three hours a stay; END depends on baseline NIHSS and a hyperdense artery only."""
    rng, design = np.random.default_rng(seed), config().design
    features, terms = len(design.features), design.term_count
    nihss, dense = rng.normal(size=stays), rng.random(stays) < 0.3
    event_h = rng.exponential(400 / np.exp(TRUE_NIHSS * nihss + TRUE_DENSE * dense))
    rows = [(stay, start) for stay in range(stays) for start in STARTS_H if event_h[stay] > start]
    place = np.array([stay for stay, _ in rows])
    values = rng.normal(size=(stays, features)).astype(np.float32)
    values[:, design.features.index("nihss_baseline")] = nihss
    findings = np.zeros((stays, terms), dtype=np.float32)
    findings[:, 0] = dense
    observed = (rng.random((stays, features)) < 0.9).astype(np.float32)
    observed[:, design.features.index("nihss_baseline")] = 1
    targets = [_target(start, float(event_h[stay])) for stay, start in rows]
    return Table(
        stays=tuple(f"p{stay}" for stay, _ in rows),
        values=torch.from_numpy((values * observed)[place] * 5 + 10 * observed[place]),
        observed=torch.from_numpy(observed[place]),
        findings=torch.from_numpy(findings[place]),
        pooled=torch.from_numpy(rng.normal(size=(stays, 8)).astype(np.float32)[place]),
        has_note=torch.ones(len(rows)),
        targets=targets_of(targets),
        is_flag=torch.tensor([name in design.flags for name in design.features]),
    )


def _target(start_h: float, event_h: float) -> Target:
    """Examinations every 12 hours enclose the event."""
    if event_h > 168:
        return Target(start_h, start_h, 168.0, event=False)
    clear = event_h // 12 * 12
    return Target(start_h, max(clear, start_h), clear + 12, event=True)


@cache
def trained() -> Trained:
    """A network trained on the small cohort, with its calibration and figures."""
    torch.set_num_threads(1)
    return trained_on(table(), config(), LETTERS, {"world": "test"})


def artifact(folder: Path) -> Artifact:
    """The small artifact, written to a folder."""
    return write_artifact(folder, trained(), LetterEncoder())


def predictor(folder: Path) -> Predictor:
    """The small artifact's predictor."""
    artifact(folder)
    return Predictor(read_artifact(folder), LetterEncoder())
