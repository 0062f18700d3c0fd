"""The reader: probabilities from one pass a sentence, its folder verified, its adapters merged as peft merges them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model

from models.encode import sha256_of
from models.errors import ArtifactError
from models.reader import ASSERTIONS, DEFAULT_READER, Detail, Reader, ReaderSpec, load_reader, merge
from models.training.train_reader import write_reader
from tests.models.small_reader import SPEC, WIDTH, encoder_folder, small_model, small_reader, tokenizer
from tests.models.taught import learner_of

pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")  # in peft

TEXTS = ["No hemorrhage.", "Occlusion of the left M1 segment, with good collaterals.", "ASPECTS 6."]


@pytest.fixture(scope="module")
def reader() -> Reader:
    """A small reader with random weights."""
    return small_reader()


@pytest.fixture(scope="module")
def shipped() -> Reader:
    """The reader of the package."""
    return load_reader()


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A written reader of the small transformer, and that transformer's folder."""
    encoder, out = tmp_path / "encoder", tmp_path / "reader"
    encoder.mkdir()
    identity = encoder_folder(encoder)
    write_reader(out, learner_of(small_model()), SPEC, identity, {"adapter": {"rank": 2, "alpha": 4}})
    return out, encoder


def test_every_answer_is_a_probability(reader: Reader):
    """Assertions and sides sum to one; vectors are of unit length."""
    reading = reader.read(TEXTS)
    assert (3, 3, len(ASSERTIONS)) == tuple(reading.assertions.shape)
    assert torch.allclose(torch.ones(3, 3), reading.assertions.sum(2), atol=1e-5)
    assert torch.allclose(torch.ones(3), reading.sides.sum(1), atol=1e-5)
    assert torch.allclose(torch.ones(3), reading.vectors.norm(dim=1), atol=1e-5)
    assert bool(((reading.details >= 0) & (reading.details <= 1)).all())


def test_neighbors_in_a_batch_change_no_reading(reader: Reader):
    """Padding is masked in pooling and in every query: alone or together, a sentence reads the same."""
    together, alone = small_reader().read(TEXTS), small_reader().read(TEXTS[:1])
    assert torch.allclose(alone.assertions[0], together.assertions[0], atol=1e-5)
    assert torch.allclose(alone.sides[0], together.sides[0], atol=1e-5)


def test_a_repeated_sentence_is_read_once(reader: Reader):
    """The cached answer is the same, bit for bit."""
    reading = reader.read([TEXTS[0], TEXTS[1], TEXTS[0]])
    assert torch.equal(reading.assertions[0], reading.assertions[2])
    assert torch.equal(reading.assertions, reader.read([TEXTS[0], TEXTS[1], TEXTS[0]]).assertions)


def test_no_sentence_gives_no_row(reader: Reader):
    """An empty report is answered with empty tensors of the right shape."""
    reading = reader.read([])
    assert (0, 3, len(ASSERTIONS)) == tuple(reading.assertions.shape)
    assert (0, WIDTH) == tuple(reader.encode([]).shape)


def test_merging_equals_peft():
    """Our merge of the saved adapters gives the matrices that peft's own merge gives."""
    inside = r"encoder\.layer\.\d+\..*(query|key|value|dense)"
    torch.manual_seed(3)
    adapted = get_peft_model(small_model(), LoraConfig(r=2, lora_alpha=6, target_modules=inside))
    weights = {}
    for name, weight in adapted.named_parameters():
        module, _, which = name.removeprefix("base_model.model.").partition(".lora_")
        if which:
            torch.nn.init.normal_(weight)
            weights[f"adapters.{module}.{which[0]}"] = weight.detach().clone()
    ours = small_model()
    merge(ours, weights, 6 / 2)
    theirs = adapted.merge_and_unload().state_dict()
    assert 2 * 2 * 6 == len(weights)
    for name, weight in ours.state_dict().items():
        assert torch.allclose(theirs[name], weight, atol=1e-6), name
    assert not torch.allclose(small_model().state_dict()[(n := "encoder.layer.0.output.dense.weight")], theirs[n])


def test_a_written_reader_answers_as_its_learner(folders: tuple[Path, Path]):
    """Adapters merged at loading change no answer: written, loaded and read, it says what it said in training."""
    learner = learner_of(small_model()).eval()
    tokens = tokenizer()([TEXTS[1]], return_tensors="pt")
    with torch.no_grad():
        assertions, details, sides = learner.heads.probabilities(learner(tokens))
    reading = load_reader(*folders).read([TEXTS[1]])
    assert torch.allclose(assertions, reading.assertions, atol=1e-5)
    assert torch.allclose(details, reading.details, atol=1e-5)
    assert torch.allclose(sides, reading.sides, atol=1e-5)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _cut_and_named(path: Path) -> None:
    """A truncated weights file whose hash the manifest names all the same."""
    _cut(path)
    manifest = json.loads((path.parent / "reader.json").read_text())
    (path.parent / "reader.json").write_text(json.dumps(manifest | {"weights_sha256": sha256_of(path)}))


def _of_others(path: Path) -> None:
    """A manifest of another reader's findings."""
    path.write_text(json.dumps(json.loads(path.read_text()) | {"names": ["hemorrhage"], "details": []}))


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("reader.json", Path.unlink, r"holds no reader\.json"),
        ("reader.safetensors", Path.unlink, r"holds no reader\.safetensors"),
        ("encoder.json", Path.unlink, r"holds no encoder\.json"),
        ("reader.json", _cut, r"reader\.json cannot be read"),
        ("encoder.json", _cut, r"encoder\.json cannot be read"),
        ("reader.safetensors", _cut, r"reader\.safetensors in .* is not the file that reader\.json names"),
        ("reader.safetensors", _cut_and_named, r"reader\.safetensors in .* does not fit reader\.json"),
        ("reader.json", _of_others, r"reader\.safetensors in .* does not fit reader\.json"),
    ],
)
def test_a_damaged_folder_names_its_file(folders: tuple[Path, Path], name: str, change: Callable, said: str):
    """Missing, truncated, corrupt or foreign: one sentence with the file's name."""
    change(folders[0] / name)
    with pytest.raises(ArtifactError, match=said):
        load_reader(*folders)


def test_another_encoder_is_refused(folders: tuple[Path, Path]):
    """The adapters fit one transformer only, named by its hash."""
    (folders[1] / "model.safetensors").write_bytes(b"other")
    with pytest.raises(ArtifactError, match=r"model\.safetensors .* is not the one"):
        load_reader(*folders)


def test_a_detail_of_no_finding_is_refused(folders: tuple[Path, Path]):
    """A manifest must fit itself."""
    path = folders[0] / "reader.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"names": ["hemorrhage"]}))
    with pytest.raises(ArtifactError, match=r"reader\.json cannot be read"):
        load_reader(*folders)


def test_the_shipped_reader_is_small(shipped: Reader):
    """All of its files together stay under two megabytes."""
    assert sum(path.stat().st_size for path in DEFAULT_READER.iterdir()) < 2e6


@pytest.mark.parametrize(
    ("text", "finding", "assertion"),
    [
        ("No evidence of intracranial hemorrhage.", "hemorrhage", "absent"),
        ("There is an acute hematoma in the right thalamus.", "hemorrhage", "present"),
        ("Occlusion of the left M1 segment.", "occlusion", "present"),
        ("Possible occlusion of the left M1 segment.", "occlusion", "uncertain"),
        ("? occlusion", "occlusion", "asked"),
        ("The paranasal sinuses are clear.", "hemorrhage", "none"),
    ],
)
def test_the_shipped_reader_reads_plain_sentences(shipped: Reader, text: str, finding: str, assertion: str):
    """The likeliest assertion of textbook sentences is the one they make."""
    likely = shipped.read([text]).assertions[0, shipped.spec.names.index(finding)].argmax()
    assert assertion == ASSERTIONS[int(likely)]


def test_the_shipped_reader_tells_side_and_site(shipped: Reader):
    """Left and M1 are the likeliest of their kind."""
    reading = shipped.read(["Occlusion of the left M1 segment."])
    sites = [at for at, one in enumerate(shipped.spec.details) if (one.finding, one.kind) == ("occlusion", "site")]
    assert "m1" == shipped.spec.details[max(sites, key=lambda at: float(reading.details[0, at]))].value
    assert 1 == int(reading.sides[0].argmax())


def test_specifications_are_values():
    """Two readers that read the same are equal."""
    assert ReaderSpec(("a",), (Detail("a", "grade", "large"),)) == ReaderSpec(("a",), (Detail("a", "grade", "large"),))
