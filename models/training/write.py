"""Writing an artifact: the folder that `models.artifact` reads."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from fhir_mappings.codes import DATA
from models.artifact import Artifact, read_artifact, write_json
from models.calibrate import Calibration, calibration_as_json
from models.design import Design, design_as_json
from models.encode import EncoderIdentity, Encodes, sha256_of
from models.net import EDGES_H, FusionNet, Shape
from models.predictor import Predictor, golden_risks
from models.provenance import mappings_sha256
from models.training.report import model_card, source_attributes

CONFIGS = Path(__file__).parent / "configs"


@dataclass(frozen=True)
class Trained:
    """What training found, before it is written; ``manifest`` is the part of ``net.json`` that it knows."""

    net: FusionNet
    design: Design
    encoder: EncoderIdentity
    calibration: Calibration
    evaluation: Mapping[str, Any]
    manifest: Mapping[str, Any]


def write_artifact(out: Path, trained: Trained, encoder: Encodes) -> Artifact:
    """The artifact's folder, written whole and read back; its golden predictions come from what was read."""
    out.mkdir(parents=True, exist_ok=True)
    save_file(trained.net.state_dict(), out / "weights.safetensors")
    (out / "weights.safetensors").chmod(0o644)  # safetensors writes for the owner alone; a service is another user
    write_json(out / "net.json", _manifest(trained, out))
    write_json(out / "encoder.json", asdict(trained.encoder))
    write_json(out / "calibration.json", calibration_as_json(trained.calibration))
    write_json(out / "evaluation.json", trained.evaluation)
    write_json(out / "golden.json", {})
    (out / "features.toml").write_text((DATA / "features.toml").read_text("utf-8"), "utf-8")
    shutil.copyfile(CONFIGS / "effect_sources.toml", out / "effect_sources.toml")
    authored = (CONFIGS / "source_attributes.toml").read_text("utf-8")
    (out / "source_attributes.toml").write_text(source_attributes(authored, trained.evaluation), "utf-8")
    (out / "MODEL_CARD.md").write_text(model_card(trained.manifest, trained.evaluation, trained.calibration), "utf-8")
    held = read_artifact(out)
    golden = golden_risks(Predictor(held, encoder), held)
    write_json(out / "golden.json", golden)
    return replace(held, golden=golden)


def _manifest(trained: Trained, out: Path) -> dict[str, Any]:
    net = trained.net
    heads, features = net.value.shape
    shape = Shape(
        features, net.finding.shape[1], net.text_axes.shape[0], net.text_axes.shape[1], net.deep_out.shape[1], heads
    )
    return dict(trained.manifest) | {
        "shape": asdict(shape),
        "edges_h": list(EDGES_H),
        "mappings_sha256": mappings_sha256(),
        "weights_sha256": sha256_of(out / "weights.safetensors"),
        "design": design_as_json(trained.design),
    }
