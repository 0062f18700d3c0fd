"""A small cohort of rows with a known truth, and an artifact trained on it without a transformer."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from safetensors.torch import save_file

from models.artifact import Artifact, read_artifact, write_json
from models.encode import EncoderIdentity, identity_of, installed_folder, sha256_of
from models.predictor import Predictor
from models.reader import IDENTITY, MANIFEST, WEIGHTS, Detail, Heads, ReaderSpec
from models.training.deep import DeepSettings
from models.training.fit import FitSettings
from models.training.table import Table, Target, targets_of
from models.training.train import TrainingConfig, read_config, trained_on
from models.training.write import Trained, write_artifact
from tests.models.inputs_builder import LetterReader, Said

CONFIG = Path(__file__).parents[2] / "models" / "training" / "configs" / "demo.toml"
STARTS_H = (1.0, 24.0, 72.0)
TRUE_NIHSS, TRUE_DENSE = 0.8, 1.5  # log-odds per SD of the NIHSS, and of a hyperdense artery
SMALL = FitSettings(seed=1, heads=3, folds=3, ridges=(30.0, 300.0), bends=(4.0,), axes=2, deep=DeepSettings(epochs=2))
QUICK = {
    "heads = 5": "heads = 2", "folds = 5": "folds = 3", "epochs = 12": "epochs = 2",
    "ridges = [10.0, 30.0, 100.0, 300.0, 1000.0]": "ridges = [100.0]", "bends = [1.0, 4.0, 16.0]": "bends = [4.0]",
}  # fmt: skip


@cache
def config(fit: FitSettings = SMALL) -> TrainingConfig:
    """The demo config with fewer heads, folds and choices."""
    return replace(read_config(CONFIG), fit=fit)


def quick_config(folder: Path) -> Path:
    """The demo config on disk with fewer heads, folds and choices."""
    text = CONFIG.read_text("utf-8")
    for old, new in QUICK.items():
        assert old in text
        text = text.replace(old, new, 1)
    (folder / "quick.toml").write_text(text, "utf-8")
    return folder / "quick.toml"


@cache
def spec() -> ReaderSpec:
    """A reader of all that the design asks for."""
    terms = config().design.terms
    details = [
        *(Detail(term.name, "site", site) for term in terms for site in term.sites),
        *(Detail(term.name, "grade", grade) for term in terms for grade in term.grades),
        *(Detail(term.name, "at_most", term.at_most) for term in terms if term.at_most is not None),
        *(Detail(term.name, "at_least", term.at_least) for term in terms if term.at_least is not None),
    ]
    return ReaderSpec(tuple(sorted({term.name for term in terms})), tuple(dict.fromkeys(details)))


def reader(said: Said | None = None) -> LetterReader:
    """A stand-in for the reader that reads what it is told."""
    return LetterReader(spec(), said)


def reader_folder(folder: Path, name: str = "letters") -> Path:
    """The files of a reader, as an artifact takes them: another name, other bytes."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    weights = {"heads.side.bias": torch.full((4,), float(len(name)))}
    return _write_reader(folder, EncoderIdentity(name, 8, digest, digest), weights)


def untrained_reader(folder: Path) -> Path:
    """The files of a reader on the real transformer that answers nonsense."""
    torch.manual_seed(0)
    identity = identity_of(installed_folder(), "all-MiniLM-L6-v2", 384)
    return _write_reader(folder, identity, {f"heads.{name}": w for name, w in Heads(spec(), 384).state_dict().items()})


def _write_reader(folder: Path, identity: EncoderIdentity, weights: Mapping[str, torch.Tensor]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / IDENTITY, asdict(identity))
    save_file(dict(weights), folder / WEIGHTS)
    write_json(folder / MANIFEST, {
        "names": spec().names, "details": [asdict(one) for one in spec().details],
        "adapter": {"rank": 2, "alpha": 4, "targets": ["query"]}, "weights_sha256": sha256_of(folder / WEIGHTS),
    })  # fmt: skip
    return folder


def table(stays: int = 400, seed: int = 0) -> Table:
    """Rows at three hours a stay; END depends on baseline NIHSS and a hyperdense artery only."""
    rng, design = np.random.default_rng(seed), config().design
    features, terms = len(design.features), design.term_count
    flags = np.array([name in design.flags for name in design.features])
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
    note = torch.from_numpy(rng.normal(size=(stays, 8)).astype(np.float32)[place])
    return Table(
        stays=tuple(f"p{stay}" for stay, _ in rows),
        values=torch.from_numpy((np.where(flags, values > 0, values * 5 + 10).astype(np.float32) * observed)[place]),
        observed=torch.from_numpy(observed[place]),
        findings=torch.from_numpy(findings[place]),
        joined=torch.from_numpy(findings[place]),
        note=note,
        pooled=note.clone(),
        has_note=torch.ones(len(rows)),
        targets=targets_of(targets),
        is_flag=torch.from_numpy(flags),
        modalities=torch.from_numpy(design.members),
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
    return trained_on(table(), config(), {"world": "test"})


def artifact(folder: Path) -> Artifact:
    """The small artifact, written to a folder."""
    with TemporaryDirectory() as files:
        return write_artifact(folder, trained(), reader(), reader_folder(Path(files)))


def predictor(folder: Path, said: Said | None = None) -> Predictor:
    """The small artifact's predictor."""
    artifact(folder)
    return Predictor(read_artifact(folder), reader(said))
