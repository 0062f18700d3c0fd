"""The text encoder: verified, offline, by sentence, masked mean pooling, bounded cache."""

import time
from pathlib import Path

import pytest
import torch

from models.encode import (
    BATCH,
    EncoderIdentity,
    TextEncoder,
    by_length,
    identity_of,
    installed_folder,
    is_read,
    load_encoder,
    sha256_of,
    unread_reports,
    verify,
)
from models.errors import ArtifactError
from tests.models.inputs_builder import LetterEncoder, sentence

MINILM = EncoderIdentity(
    "all-MiniLM-L6-v2", 384,
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)  # fmt: skip


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    """The real encoder of the installed package."""
    torch.set_num_threads(1)
    return load_encoder(MINILM)


def test_the_installed_package_holds_the_named_encoder():
    """The hashes are those measured before the start."""
    assert MINILM == identity_of(installed_folder(), "all-MiniLM-L6-v2", 384)


def test_another_file_is_refused(tmp_path: Path):
    """A changed weights file stops the start, in one sentence that names it."""
    (tmp_path / "model.safetensors").write_bytes(b"other")
    (tmp_path / "tokenizer.json").write_bytes(b"other")
    with pytest.raises(ArtifactError, match=r"model\.safetensors .* is not the one"):
        load_encoder(MINILM, tmp_path)


def test_the_tokenizer_is_verified_too(tmp_path: Path):
    """Right weights with another tokenizer are another encoder."""
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "tokenizer.json").write_bytes(b"other")
    identity = EncoderIdentity("x", 384, sha256_of(tmp_path / "model.safetensors"), "0" * 64)
    with pytest.raises(ArtifactError, match=r"tokenizer\.json .* is not the one"):
        verify(tmp_path, identity)


def test_an_empty_folder_is_named(tmp_path: Path):
    """The missing file stands in the message."""
    with pytest.raises(ArtifactError, match=r"holds no model\.safetensors"):
        verify(tmp_path, MINILM)


def test_vectors_are_of_unit_length(encoder: TextEncoder):
    """Each sentence gives one normalized vector of 384."""
    vectors = encoder.encode(["Hyperdense left MCA sign.", "No hemorrhage."])
    assert (2, 384) == tuple(vectors.shape)
    assert torch.allclose(torch.ones(2), vectors.norm(dim=1), atol=1e-5)


def test_neighbors_in_a_batch_change_nothing(encoder: TextEncoder):
    """Padding is masked: alone or beside a long sentence, the vector is the same."""
    long = "There is loss of gray-white differentiation in the left insula and lentiform nucleus."
    fresh = TextEncoder(encoder._tokenizer, encoder._model)
    together = fresh.encode(["No hemorrhage.", long])[0]
    alone = TextEncoder(encoder._tokenizer, encoder._model).encode(["No hemorrhage."])[0]
    assert torch.allclose(alone, together, atol=1e-5)


def test_a_sentence_is_read_beyond_128_tokens(encoder: TextEncoder):
    """The tokenizer file's own truncation at 128 is switched off: the tail counts."""
    stem = "the head was examined " * 40
    one, two = encoder.encode([stem + "with hemorrhage", stem + "without occlusion"])
    assert not torch.allclose(one, two, atol=1e-4)


def test_equal_sentences_are_computed_once(encoder: TextEncoder):
    """A repeated sentence is taken from the cache, bit for bit, and the cache stays bounded."""
    small = TextEncoder(encoder._tokenizer, encoder._model, cached=2)
    first = small.encode(["One.", "Two.", "One."])
    assert torch.equal(first[0], first[2])
    small.encode(["Three.", "Four."])
    assert ["Three.", "Four."] == sorted(small._cache, key=["Three.", "Four."].index)


def test_no_text_is_encoded_once_the_time_is_over(encoder: TextEncoder):
    """What was encoded before stays."""
    texts = [f"Small lesion number {number}." for number in range(BATCH + 1)]
    assert 0 == encoder.encode_until(texts, time.monotonic())
    assert len(texts) == encoder.encode_until(texts, time.monotonic() + 60)


def test_no_sentence_gives_no_vector(encoder: TextEncoder):
    """An empty list is answered with an empty matrix."""
    assert (0, 384) == tuple(encoder.encode([]).shape)


@pytest.mark.parametrize(
    ("text", "readable"), [("No acute infarct.", True), ("左侧大脑中动脉闭塞", False), ("", False)]
)
def test_only_known_words_are_readable(encoder: TextEncoder, text: str, readable: bool):
    """Text of mostly unknown tokens is refused rather than embedded as nonsense."""
    assert readable is encoder.readable(text)


def test_a_report_in_another_script_is_said():
    """A report of which nothing is read becomes an issue that names it; technique is not read at all."""
    sentences = [
        sentence("No hemorrhage.", report="DiagnosticReport/a"),
        sentence("Axial images.", "technique", report="DiagnosticReport/a"),
        sentence("左侧大脑中动脉闭塞", report="DiagnosticReport/b"),
    ]
    assert [True, False, False] == [is_read(one, LetterEncoder()) for one in sentences]
    issues = unread_reports(sentences, LetterEncoder())
    assert [("unread", "DiagnosticReport/b")] == [(issue.code, issue.source) for issue in issues]


def test_batches_are_the_same_in_every_process():
    """Sentences of one length stand in the order of their letters, not in that of a set."""
    assert ["c", "aa", "ab", "bb"] == sorted({"bb", "ab", "c", "aa"}, key=by_length)
