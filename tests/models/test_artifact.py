"""The artifact's folder: complete, consistent, verified, small; and the one that the package ships."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from models.artifact import DEFAULT_ARTIFACT, FILES, read_artifact
from models.encode import sha256_of
from models.errors import ArtifactError
from models.predictor import load_predictor
from models.provenance import mappings_sha256
from models.source_attributes import read_source_attributes
from models.training.train import trained_on
from models.training.write import READER_FILES, write_artifact
from tests.models.trained import SMALL, artifact, config, reader, reader_folder, spec, table, trained

Change = Callable[[Path], None]
Tensors = dict[str, torch.Tensor]
SUMS = "SHA256SUMS"
WEIGHTS = "weights.safetensors"
JSON = [name for name in FILES if name.endswith(".json")]
TOML = [name for name in FILES if name.endswith(".toml")]
STAGE = {"hours": [1.0], "intercepts": [0.0], "slopes": [1.0], "on": "made-up rows", "rows": 1, "events": 1}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small artifact that no test changes."""
    folder = tmp_path_factory.mktemp("sound")
    artifact(folder)
    return folder


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another artifact, sound in itself, none of whose files is the first one's."""
    folder, fit = tmp_path_factory.mktemp("foreign"), replace(SMALL, heads=2, ridges=(100.0,))
    files = reader_folder(tmp_path_factory.mktemp("reader"), "other letters")
    write_artifact(folder, trained_on(table(seed=1), config(fit), {"world": "other"}), reader(), files)
    for name in ("features.toml", "effect_sources.toml"):  # these are the package's own in both
        (folder / name).write_text((folder / name).read_text("utf-8") + "\n# another\n", "utf-8")
    return sealed(folder)


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    """A small artifact on disk."""
    return Path(shutil.copytree(sound, tmp_path / "artifact"))


def sealed(folder: Path) -> Path:
    """The folder with its sums taken anew, as ``sha256sum`` would: what is wrong in it was meant so."""
    names = sorted(path.name for path in folder.iterdir() if path.name != SUMS)
    (folder / SUMS).write_text("".join(f"{sha256_of(folder / name)}  {name}\n" for name in names), "utf-8")
    return folder


def named(folder: Path) -> Path:
    """The folder, sealed, with the weights that lie there named in net.json."""
    edit("net.json", weights_sha256=sha256_of(folder / WEIGHTS))(folder)
    return sealed(folder)


def refused(folder: Path, *said: str) -> None:
    """The start stops with one sentence that says all this."""
    with pytest.raises(ArtifactError) as caught:
        read_artifact(folder)
    assert [] == [one for one in said if one not in str(caught.value)], str(caught.value)


def edit(name: str, /, **fields: object) -> Change:
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
    assert trained().calibration == held.calibration
    assert mappings_sha256() == held.manifest["mappings_sha256"]


def _truncated(path: Path, _: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _noise(path: Path, _: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(path.stat().st_size))


def _taken(path: Path, foreign: Path) -> None:
    assert path.read_bytes() != (foreign / path.name).read_bytes()
    shutil.copyfile(foreign / path.name, path)


def _folder(path: Path, _: Path) -> None:
    path.unlink()
    path.mkdir()


def _elsewhere(path: Path, foreign: Path) -> None:
    there = path.parent.parent / path.name
    path.rename(there)
    path.symlink_to(there)


DAMAGES: dict[str, Callable[[Path, Path], object]] = {
    "missing": lambda path, _: path.unlink(),
    "empty": lambda path, _: path.write_bytes(b""),
    "truncated": _truncated,
    "random bytes": _noise,
    "of another artifact": _taken,
    "a folder": _folder,
    "a link to elsewhere": _elsewhere,
    "one byte more": lambda path, _: path.write_bytes(path.read_bytes() + b"\n"),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", [*FILES, SUMS])
def test_a_damaged_file_stops_the_start_and_is_named(folder: Path, foreign: Path, name: str, damage: str):
    """Whatever happened to whichever file: the sentence has its name."""
    DAMAGES[damage](folder / name, foreign)
    refused(folder, name)


def test_a_link_inside_the_folder_is_the_file(folder: Path):
    """Mounted volumes show their files as links to a folder beside them."""
    held = sorted(folder.iterdir())
    (folder / "..data").mkdir()
    for path in held:
        path.rename(folder / "..data" / path.name)
        path.symlink_to(Path("..data") / path.name)
    assert "simulated" == read_artifact(folder).identity.training_population


def test_a_folder_that_is_none_is_named(tmp_path: Path):
    """A wrong path in the setting is told, not a missing file of it."""
    refused(tmp_path / "nowhere", "nowhere")


OTHER_JSON = ["[]", "null", "7", '"net"', "{}", '{"a": NaN}', '{"a": 1e999}', "[" * 100_000]


@pytest.mark.parametrize(
    ("name", "content"), [pair for pair in product(JSON, OTHER_JSON) if pair != ("golden.json", "{}")]
)
def test_json_of_another_kind_is_named(folder: Path, name: str, content: str):
    """A sealed JSON file that is no object, lacks its fields or holds what is no number stops the start."""
    (folder / name).write_text(content, "utf-8")
    refused(sealed(folder), name)


def test_an_artifact_without_golden_predictions_is_named(tmp_path: Path):
    """Nothing to check against is no check: `load_predictor` stops."""
    folder = Path(shutil.copytree(DEFAULT_ARTIFACT, tmp_path / "artifact"))
    (folder / "golden.json").write_text("{}", "utf-8")
    with pytest.raises(ArtifactError, match=r"golden\.json"):
        load_predictor(sealed(folder))


@pytest.mark.parametrize("content", ["", "a = 1", "a = [", "sources = 1", "feature = 1", "attribute = 1", "\ufeff"])
@pytest.mark.parametrize("name", TOML)
def test_toml_of_another_kind_is_named(folder: Path, name: str, content: str):
    """The same for TOML."""
    (folder / name).write_text(content, "utf-8")
    refused(sealed(folder), name)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("calibration.json", {"thresholds": []}),
        ("calibration.json", {"thresholds": [[1, "0.4"]]}),
        ("calibration.json", {"thresholds": [[1, True]]}),
        ("calibration.json", {"thresholds": [[1, 1.4]]}),
        ("calibration.json", {"thresholds": [[6, 0.3], [1, 0.4]]}),
        ("calibration.json", {"comparator": []}),
        ("calibration.json", {"comparator": [[0, "high"]]}),
        ("calibration.json", {"stages": []}),
        ("calibration.json", {"stages": [STAGE | {"slopes": [1.0, 1.0]}]}),
        ("calibration.json", {"stages": [STAGE | {"hours": []}]}),
        ("calibration.json", {"stages": [STAGE | {"intercepts": ["0"]}]}),
        ("calibration.json", {"alert_budget": "25"}),
        ("calibration.json", {"figures": []}),
        ("net.json", {"shape": []}),
        ("net.json", {"reach": {"sd": "6", "spread": 9.0}}),
        ("net.json", {"reach": {"sd": 6.0}}),
        ("net.json", {"reach": {"sd": 6.0, "spread": 1.0, "distance": 9.0}}),
        ("net.json", {"weights_sha256": None}),
        ("reader.json", {"names": 7}),
        ("reader.json", {"details": [{"finding": "occlusion"}]}),
        ("net.json", {"name": 1}),
        ("net.json", {"design": {"features": [], "labels": [], "log": [], "flags": [], "terms": []}}),
        ("net.json", {"mappings_sha256": None}),
        ("encoder.json", {"dimensions": 384}),
        ("encoder.json", {"name": None}),
        ("encoder.json", {"more": 1}),
        ("golden.json", {"average, no report": "0.4"}),
        ("golden.json", {"average, no report": 1.4}),
        ("evaluation.json", {"statement": 7}),
    ],
)
def test_a_field_of_another_kind_is_named(folder: Path, name: str, fields: dict[str, object]):
    """A field that would fail, or mislead, only in a call fails at the start."""
    edit(name, **fields)(folder)
    refused(sealed(folder), name)


def test_labels_that_do_not_fit_the_features_are_named(folder: Path):
    """Reasons would stand under other names."""
    design = json.loads((folder / "net.json").read_text("utf-8"))["design"]
    edit("net.json", design=design | {"labels": design["labels"][1:]})(folder)
    refused(sealed(folder), "net.json")


def test_effects_whose_source_is_no_text_are_named(folder: Path):
    """A source is words for the card."""
    (folder / "effect_sources.toml").write_text("[sources]\nage = 1\n", "utf-8")
    refused(sealed(folder), "effect_sources.toml")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_weight_that_is_no_number_is_named(folder: Path, value: float):
    """One such value in any tensor, however the folder is sealed."""
    for tensor in [name for name, held in load_file(folder / WEIGHTS).items() if held.numel()]:
        held = load_file(folder / WEIGHTS)
        held[tensor].view(-1)[-1] = value
        save_file(held, folder / "broken.safetensors")
        shutil.copytree(folder, folder.parent / tensor)
        (folder.parent / tensor / "broken.safetensors").rename(folder.parent / tensor / WEIGHTS)
        refused(named(folder.parent / tensor), WEIGHTS, tensor)


def _widest(held: Tensors) -> str:
    return max((name for name, tensor in held.items() if tensor.dim() == 2), key=lambda name: held[name].numel())


CHANGES: dict[str, Callable[[Tensors, str], Tensors]] = {
    "one more": lambda held, _: held | {"more": torch.zeros(1)},
    "one less": lambda held, widest: {name: tensor for name, tensor in held.items() if name != widest},
    "none": lambda _, __: {},
    "narrower": lambda held, widest: held | {widest: held[widest][:, :-1].contiguous()},
    "turned": lambda held, widest: held | {widest: held[widest].T.contiguous()},
    "double": lambda held, widest: held | {widest: held[widest].double()},
    "whole numbers": lambda held, widest: held | {widest: held[widest].to(torch.int32)},
    "a scale of 0": lambda held, _: held | {"scale": torch.zeros_like(held["scale"])},
}


@pytest.mark.parametrize("change", CHANGES)
def test_weights_of_another_network_are_named(folder: Path, change: str):
    """A tensor too many, too few, of another shape or kind, or one that divides by zero."""
    held = load_file(folder / WEIGHTS)
    save_file(CHANGES[change](held, _widest(held)), folder / WEIGHTS)
    refused(named(folder), WEIGHTS)


def test_a_whole_artifact_of_others_is_sound(foreign: Path):
    """What the tests above call foreign is refused only where it is mixed."""
    assert "other letters" == read_artifact(foreign).encoder.name


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (edit("net.json", weights_sha256="0" * 64), "is not the file that net.json names"),
        (edit("net.json", edges_h=[0, 168]), "other hazard intervals"),
        (edit("net.json", training_population="guessed"), "unknown training population"),
        (swap("net.json", '"features": ', '"features": 1'), "shape does not fit"),
        (swap("features.toml", 'name = "spo2_latest"', 'name = "spo3_latest"'), "does not know: spo3_latest"),
        (swap("features.toml", 'pick = "first"', 'pick = "latest"'), "differently"),
        (swap("net.json", '"nihss_baseline"', '"nihss_base"'), "different features"),
        (swap("net.json", '"spo2_latest"', '"spo2"'), "a modality names no feature: spo2_latest"),
        (edit("encoder.json", dimensions=384), "encoder of other dimensions"),
        (edit("reader.json", names=["occlusion"], details=[]), "reader.json reads no aspects, which net.json asks for"),
        (swap("calibration.json", '"slopes"', '"slop"'), "cannot be read"),
        (swap("net.json", "{", "["), "cannot be read"),
    ],
)
def test_files_that_do_not_fit_stop_the_start(folder: Path, change: Change, said: str):
    """One sentence says which file is wrong and how."""
    change(folder)
    refused(sealed(folder), said)


def test_an_artifact_carries_its_reader(folder: Path, tmp_path: Path):
    """The three files of the reader lie in it byte by byte, and its answers are those of the network in memory."""
    files = reader_folder(tmp_path / "reader")
    for name in READER_FILES:
        assert (files / name).read_bytes() == (folder / name).read_bytes()
    held = read_artifact(folder)
    assert spec() == held.reader
    for name, tensor in trained().net.state_dict().items():
        assert torch.equal(tensor, held.net.state_dict()[name]), name
    rows = table(20, seed=3).batch()
    assert torch.equal(trained().net(rows), held.net(rows))
    assert not any(weight.requires_grad for weight in held.net.parameters())


def test_the_words_of_a_feature_may_change(folder: Path):
    """A label or source that only people read does not make another model."""
    swap("features.toml", 'label = "Age"', 'label = "Age at arrival"')(folder)
    assert "Age at arrival" == read_artifact(sealed(folder)).features.specs[0].label


def test_the_model_card_says_first_what_matters(folder: Path):
    """Simulated patients and the unread erratum stand before anything else."""
    card = (folder / "MODEL_CARD.md").read_text("utf-8")
    assert "simulated patients" in card.split("## What it is")[0]
    assert "10.1161/STR.0000000000000530) was not read" in card.split("## What it is")[0]


def test_the_source_attributes_are_written_and_can_be_read(folder: Path):
    """All 31, filled; the folder's own head says simulated first."""
    held = read_source_attributes(folder / "source_attributes.toml")
    assert 31 == len(held.attributes)
    assert "simulated patients" in held.first


def test_the_shipped_artifact_is_complete_and_small():
    """The package's own artifact can be read and stays far under its limit of 10 MB."""
    held = read_artifact(DEFAULT_ARTIFACT)
    assert "end-simulated-1" == held.identity.name
    assert sum(path.stat().st_size for path in DEFAULT_ARTIFACT.iterdir()) < 2_000_000
    assert sorted([*FILES, SUMS]) == sorted(path.name for path in DEFAULT_ARTIFACT.iterdir())
