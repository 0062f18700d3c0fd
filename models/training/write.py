"""Writing an artifact: the folder that `models.artifact` reads."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from fhir_mappings.codes import DATA
from models.artifact import FILES, Artifact, read_artifact, write_json, write_weights
from models.calibrate import Calibration, calibration_as_json
from models.design import Design, design_as_json
from models.encode import sha256_of
from models.net import EDGES_H, FusionNet
from models.notes import Reads
from models.predictor import Predictor, golden_risks
from models.provenance import mappings_sha256
from models.seal import seal
from models.training.report import write_documents

CONFIGS = Path(__file__).parent / "configs"

READER_FILES = ("encoder.json", "reader.json", "reader.safetensors")


@dataclass(frozen=True)
class Trained:
    """What training found, before it is written; ``manifest`` is the part of ``net.json`` that it knows."""

    net: FusionNet
    design: Design
    calibration: Calibration
    evaluation: Mapping[str, Any]
    manifest: Mapping[str, Any]


def write_artifact(out: Path, trained: Trained, reader: Reads, reader_folder: Path) -> Artifact:
    """The artifact's folder, written whole and read back; its golden predictions come from what was read."""
    out.mkdir(parents=True, exist_ok=True)
    write_weights(out / "weights.safetensors", trained.net.state_dict())
    for name in READER_FILES:
        shutil.copyfile(reader_folder / name, out / name)
    write_json(out / "net.json", _manifest(trained, out))
    write_json(out / "calibration.json", calibration_as_json(trained.calibration))
    write_json(out / "evaluation.json", trained.evaluation)
    write_json(out / "golden.json", {})
    (out / "features.toml").write_text((DATA / "features.toml").read_text("utf-8"), "utf-8")
    population = trained.manifest["training_population"]
    shutil.copyfile(CONFIGS / f"effect_sources_{population}.toml", out / "effect_sources.toml")
    write_documents(out)
    seal(out, FILES)
    held = read_artifact(out)
    golden = golden_risks(Predictor(held, reader), held)
    write_json(out / "golden.json", golden)
    seal(out, FILES)
    return replace(held, golden=golden)


def _manifest(trained: Trained, out: Path) -> dict[str, Any]:
    return dict(trained.manifest) | {
        "shape": asdict(trained.net.shape),
        "edges_h": list(EDGES_H),
        "mappings_sha256": mappings_sha256(),
        "weights_sha256": sha256_of(out / "weights.safetensors"),
        "design": design_as_json(trained.design),
    }
