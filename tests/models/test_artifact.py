"""The artifact's folder: complete, consistent, verified, small; and the one that the package ships."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from models.artifact import DEFAULT_ARTIFACT, FILES, read_artifact
from models.encode import sha256_of
from models.errors import ArtifactError
from models.provenance import mappings_sha256
from tests.models.trained import artifact

Change = Callable[[Path], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small artifact on disk."""
    artifact(tmp_path)
    return tmp_path


def edit(name: str, **fields: object) -> Change:
    """A change of top-level fields of a JSON file."""

    def change(folder: Path) -> None:
        path = folder / name
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | fields), "utf-8")

    return change


def swap(name: str, old: str, new: str) -> Change:
    """A change of one piece of a text file."""

    def change(folder: Path) -> None:
        text = (folder / name).read_text("utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), "utf-8")

    return change


def test_an_artifact_survives_its_folder(folder: Path):
    """What is read back is what was written, and the weights' hash is the identity."""
    held = read_artifact(folder)
    assert sha256_of(folder / "weights.safetensors") == held.identity.sha256
    assert "simulated" == held.identity.training_population
    assert held.calibration.intercept == pytest.approx(float(held.net.recalibration[0]))
    assert mappings_sha256() == held.manifest["mappings_sha256"]


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder: Path, name: str):
    """Each file of the layout is needed."""
    (folder / name).unlink()
    with pytest.raises(ArtifactError, match=name.replace(".", r"\.")):
        read_artifact(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (edit("net.json", weights_sha256="0" * 64), "is not the file that net.json names"),
        (edit("net.json", edges_h=[0, 168]), "other hazard intervals"),
        (edit("net.json", training_population="guessed"), "unknown training population"),
        (edit("net.json", shape={"features": 1, "findings": 1}), "shape does not fit"),
        (swap("features.toml", 'name = "spo2_latest"', 'name = "spo3_latest"'), "does not know: spo3_latest"),
        (swap("features.toml", 'pick = "first"', 'pick = "latest"'), "differently"),
        (swap("net.json", '"spo2_latest"', '"spo2"'), "different features"),
        (swap("calibration.json", '"slope"', '"slop"'), "cannot be read"),
        (swap("net.json", "{", "["), "cannot be read"),
    ],
)
def test_files_that_do_not_fit_stop_the_start(folder: Path, change: Change, said: str):
    """One sentence says which file is wrong and how."""
    change(folder)
    with pytest.raises(ArtifactError, match=said):
        read_artifact(folder)


def test_the_words_of_a_feature_may_change(folder: Path):
    """A label or source that only people read does not make another model."""
    swap("features.toml", 'label = "Age"', 'label = "Age at arrival"')(folder)
    assert "Age at arrival" == read_artifact(folder).features.specs[0].label


def test_the_model_card_says_first_what_matters(folder: Path):
    """Simulated patients and the unread erratum stand before anything else."""
    card = (folder / "MODEL_CARD.md").read_text("utf-8")
    assert "simulated patients" in card.split("## What it is")[0]
    assert "10.1161/STR.0000000000000530) was not read" in card.split("## What it is")[0]


def test_the_source_attributes_are_31_and_authored(folder: Path):
    """All 31 in order; only the deployment's own may be empty, and no field is left unfilled."""
    read = tomllib.loads((folder / "source_attributes.toml").read_text("utf-8"))
    rows = read["attribute"]
    assert list(range(1, 32)) == [row["number"] for row in rows]
    assert [] == [row["number"] for row in rows if row["from"] != "D" and not row["text"].strip()]
    assert [] == [row["number"] for row in rows if "{" in row["text"]]
    assert "simulated patients" in rows[20]["text"]
    assert "simulated patients" in read["first"]


def test_the_shipped_artifact_is_complete_and_small():
    """The package's own artifact can be read and stays far under its limit of 10 MB."""
    held = read_artifact(DEFAULT_ARTIFACT)
    assert "end-simulated-1" == held.identity.name
    assert sum(path.stat().st_size for path in DEFAULT_ARTIFACT.iterdir()) < 2_000_000
    assert sorted(FILES) == sorted(path.name for path in DEFAULT_ARTIFACT.iterdir())
