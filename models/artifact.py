"""A model is a folder: what must lie in it, read and checked, or one sentence why not.

======================  ==========================================================
net.json                name, version, training population, design, shape, reach, provenance
weights.safetensors     the network; its SHA-256 is the artifact's identity
encoder.json            which text encoder, by name and SHA-256
reader.json             what the reader reads, and how it was trained
reader.safetensors      its low-rank adapters and heads
features.toml           the structured features as they were defined in training
calibration.json        recalibration, threshold and its figures, comparator by hour
effect_sources.toml     where each effect comes from, and what is said of those not named
evaluation.json         figures on the test split
source_attributes.toml  the 31 source attributes
golden.json             risks of made-up rows, checked at start-up
MODEL_CARD.md           for people
SHA256SUMS              the SHA-256 of each of these, written last
======================  ==========================================================
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, float32

from fhir_mappings.features import FeatureSpec, FeatureTable, load_features
from models.calibrate import Calibration, calibration_from
from models.checked import chance, number, words
from models.design import Design, design_from
from models.encode import EncoderIdentity, read_identity, sha256_of
from models.errors import ArtifactError
from models.explain import EffectSources
from models.net import EDGES_H, FusionNet, Shape
from models.prediction import ModelIdentity
from models.reach import Reach
from models.reader import ReaderSpec, spec_from
from models.seal import check_seal
from models.source_attributes import SourceAttributes, read_source_attributes

DEFAULT_ARTIFACT = Path(__file__).parent / "artifacts" / "end-simulated-1"

FILES = (
    "net.json", "weights.safetensors", "encoder.json", "reader.json", "reader.safetensors", "features.toml",
    "calibration.json",
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
    reader: ReaderSpec
    calibration: Calibration
    effect_sources: EffectSources
    evaluation: Mapping[str, Any]
    golden: Mapping[str, float]
    source_attributes: SourceAttributes


def read_artifact(folder: Path) -> Artifact:
    """The artifact of a folder; `ArtifactError` names the file that is missing, damaged or does not fit the others."""
    check_seal(folder, FILES)
    with _naming("net.json"):
        manifest = read_json(folder / "net.json")
        identity, design, shape, reach = _manifest(manifest, sha256_of(folder / "weights.safetensors"))
    with _naming("features.toml"):
        features = load_features(folder / "features.toml")
    _check(manifest, design, shape, features)
    with _naming("calibration.json"):
        calibration = calibration_from(read_json(folder / "calibration.json"))
    with _naming("weights.safetensors"):
        net = _net(shape, load_file(folder / "weights.safetensors"))
    with _naming("encoder.json"):
        encoder = read_identity(folder / "encoder.json")
    if encoder.dimensions != shape.embedding:
        raise ArtifactError("encoder.json names an encoder of other dimensions than net.json")
    with _naming("reader.json"):
        reader = spec_from(read_json(folder / "reader.json"))
    if unread := sorted({term.name for term in design.terms} - set(reader.names)):
        raise ArtifactError(f"reader.json reads no {unread[0]}, which net.json asks for")
    return Artifact(
        folder, identity, manifest, design, reach, net, features, encoder, reader, calibration,
        _effect_sources(folder), _evaluation(folder), _golden(folder),
        read_source_attributes(folder / "source_attributes.toml"),
    )  # fmt: skip


UNREADABLE = (LookupError, TypeError, ValueError, AttributeError, OSError, RuntimeError, SafetensorError)
"""What a file that is no such file raises while it is read (nesting too deep is a ``RuntimeError``)."""


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """An error inside is the file's: `ArtifactError` with its name."""
    try:
        yield
    except UNREADABLE as error:
        raise ArtifactError(f"{name} cannot be read: {type(error).__name__}: {str(error)[:300]}") from error


def _manifest(manifest: Mapping[str, Any], sha256: str) -> tuple[ModelIdentity, Design, Shape, Reach]:
    for field in ("name", "version", "mappings_sha256"):
        words(manifest[field], field)
    design, shape = design_from(manifest["design"]), Shape(**manifest["shape"])
    if not design.features or len(design.features) != len(design.labels):
        raise ArtifactError("net.json has no features, or not one label for each")
    reach = Reach(**{field: number(value, field) for field, value in manifest["reach"].items()})
    return _identity(manifest, sha256), design, shape, reach


def _effect_sources(folder: Path) -> EffectSources:
    with _naming("effect_sources.toml"):
        raw = tomllib.loads((folder / "effect_sources.toml").read_text("utf-8"))
        by_name = {name: words(source, name) for name, source in raw["sources"].items()}
        return EffectSources(words(raw["otherwise"], "otherwise"), by_name)


def _evaluation(folder: Path) -> Mapping[str, Any]:
    with _naming("evaluation.json"):
        evaluation = read_json(folder / "evaluation.json")
        words(evaluation["statement"], "statement")
        return evaluation


def _golden(folder: Path) -> Mapping[str, float]:
    """The golden risks; written as ``{}`` only while the artifact itself is being written."""
    with _naming("golden.json"):
        return {name: chance(value, name) for name, value in read_json(folder / "golden.json").items()}


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
    if (shape.features, shape.findings, shape.modalities) != (
        len(design.features), design.term_count, len(design.modalities),
    ):  # fmt: skip
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


def _net(shape: Shape, weights: Mapping[str, Tensor]) -> FusionNet:
    net = FusionNet(shape)
    for name, tensor in weights.items():
        if tensor.dtype != float32 or not bool(tensor.isfinite().all()):
            raise ValueError(f"{name} holds something else than finite 32-bit numbers")
    net.load_state_dict(dict(weights))
    if not bool((net.scale > 0).all()):
        raise ValueError("scale holds a number that is not above 0")
    return net.eval().requires_grad_(False)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file that holds an object, and finite numbers only."""
    value = json.loads(path.read_text("utf-8"), parse_constant=_no_number, parse_float=_finite)
    if not isinstance(value, dict):
        raise ValueError(f"{path.name} holds no object")
    return value


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    return number(float(text), text)


def write_weights(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Tensors as safetensors, which writes for the owner alone: a service is another user."""
    save_file(dict(tensors), path)
    path.chmod(0o644)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """A JSON file, indented and with a final newline, so that changes can be reviewed."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf-8")
