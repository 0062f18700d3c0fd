"""A model is a folder: what must lie in it, read and checked, or one sentence why not.

======================  ==========================================================
net.json                name, version, training population, design, shape, reach, provenance
weights.safetensors     the network; its SHA-256 is the artifact's identity
encoder.json            which text encoder, by name and SHA-256
features.toml           the structured features as they were defined in training
calibration.json        recalibration, threshold and its figures, comparator by hour
effect_sources.toml     where each effect comes from; absent: assumed in the simulation
evaluation.json         figures on the test split
source_attributes.toml  the 31 source attributes
golden.json             risks of made-up rows, checked at start-up
MODEL_CARD.md           for people
======================  ==========================================================
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from fhir_mappings.features import FeatureSpec, FeatureTable, load_features
from models.calibrate import Calibration, calibration_from
from models.design import Design, design_from
from models.encode import EncoderIdentity, read_identity, sha256_of
from models.errors import ArtifactError
from models.net import EDGES_H, FusionNet, Shape
from models.prediction import ModelIdentity
from models.reach import Reach

DEFAULT_ARTIFACT = Path(__file__).parent / "artifacts" / "end-simulated-1"

FILES = (
    "net.json", "weights.safetensors", "encoder.json", "features.toml", "calibration.json",
    "effect_sources.toml", "evaluation.json", "source_attributes.toml", "golden.json", "MODEL_CARD.md",
)  # fmt: skip


@dataclass(frozen=True)
class Artifact:
    """Everything of the folder that serving needs."""

    folder: Path
    identity: ModelIdentity
    manifest: Mapping[str, Any]
    design: Design
    reach: Reach
    net: FusionNet
    features: FeatureTable
    encoder: EncoderIdentity
    calibration: Calibration
    effect_sources: Mapping[str, str]
    evaluation: Mapping[str, Any]
    golden: Mapping[str, float]


def read_artifact(folder: Path) -> Artifact:
    """The artifact of a folder; `ArtifactError` where a file is missing or does not fit the others."""
    if missing := [name for name in FILES if not (folder / name).is_file()]:
        raise ArtifactError(f"the artifact {folder} holds no {missing[0]}")
    try:
        return _read(folder)
    except (KeyError, TypeError, ValueError, SafetensorError) as error:
        raise ArtifactError(f"the artifact {folder} cannot be read: {type(error).__name__}: {error}") from error


def _read(folder: Path) -> Artifact:
    manifest = read_json(folder / "net.json")
    design, shape = design_from(manifest["design"]), Shape(**manifest["shape"])
    features = load_features(folder / "features.toml")
    _check(manifest, design, shape, features)
    calibration = calibration_from(read_json(folder / "calibration.json"))
    return Artifact(
        folder=folder,
        identity=_identity(manifest, sha256_of(folder / "weights.safetensors")),
        manifest=manifest,
        design=design,
        reach=Reach(**manifest["reach"]),
        net=_net(shape, load_file(folder / "weights.safetensors"), calibration),
        features=features,
        encoder=read_identity(folder / "encoder.json"),
        calibration=calibration,
        effect_sources=tomllib.loads((folder / "effect_sources.toml").read_text("utf-8"))["sources"],
        evaluation=read_json(folder / "evaluation.json"),
        golden=read_json(folder / "golden.json"),
    )


def _identity(manifest: Mapping[str, Any], sha256: str) -> ModelIdentity:
    if manifest["weights_sha256"] != sha256:
        raise ArtifactError("weights.safetensors is not the file that net.json names")
    population = manifest["training_population"]
    if population not in ("simulated", "local"):
        raise ArtifactError(f"net.json names an unknown training population {population!r}")
    return ModelIdentity(manifest["name"], manifest["version"], population, sha256)


def _check(manifest: Mapping[str, Any], design: Design, shape: Shape, features: FeatureTable) -> None:
    if tuple(manifest["edges_h"]) != EDGES_H:
        raise ArtifactError("net.json was trained on other hazard intervals than this version's")
    if (shape.features, shape.findings) != (len(design.features), design.term_count):
        raise ArtifactError("net.json's shape does not fit its design")
    check_features(features)
    if design.features != features.names:
        raise ArtifactError("net.json and features.toml name different features")


def check_features(features: FeatureTable) -> None:
    """Nothing, where this version's mappings define every feature in the same way; else `ArtifactError`."""
    known = {spec.name: spec for spec in load_features().specs}
    for spec in features.specs:
        if spec.name not in known:
            raise ArtifactError(f"features.toml has a feature this version does not know: {spec.name}")
        if _meaning(known[spec.name]) != _meaning(spec):
            raise ArtifactError(f"features.toml defines {spec.name} differently from this version")


def _meaning(spec: FeatureSpec) -> FeatureSpec:
    """The definition without the words that only people read."""
    return replace(spec, label="", source="")


def _net(shape: Shape, weights: Mapping[str, Tensor], calibration: Calibration) -> FusionNet:
    net = FusionNet(shape)
    try:
        net.load_state_dict(dict(weights))
    except RuntimeError as error:
        raise ArtifactError(f"weights.safetensors does not fit net.json: {str(error).splitlines()[-1]}") from error
    net.recalibration[0], net.recalibration[1] = calibration.intercept, calibration.slope
    return net.eval().requires_grad_(False)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file that holds an object."""
    value = json.loads(path.read_text("utf-8"))
    if not isinstance(value, dict):
        raise ValueError(f"{path.name} holds no object")
    return value


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """A JSON file, indented and with a final newline, so that changes can be reviewed."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf-8")
