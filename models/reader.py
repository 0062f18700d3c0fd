"""Sentences read into findings: one pass of the adapted transformer, then small heads over its token states.

Each finding looks at the tokens with queries of its own. Whether it is mentioned is asked finding by
finding; how it is asserted, where mentioned, by one head that all findings share, so that what was
learned about "no evidence of" with one finding holds for the others.

A reader is a folder: ``reader.json`` (what it reads, how it was trained), ``encoder.json`` (which
transformer, by SHA-256) and ``reader.safetensors`` (low-rank adapters and heads).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import softmax

from models.encode import (
    EncoderIdentity,
    TextEncoder,
    load_transformer,
    mean_of,
    mean_pooled,
    read_identity,
    sha256_of,
)
from models.errors import ArtifactError

DEFAULT_READER = Path(__file__).parent / "readers" / "end-reader-1"
MANIFEST, IDENTITY, WEIGHTS = "reader.json", "encoder.json", "reader.safetensors"

NOT_MENTIONED = "none"
ASSERTIONS = (NOT_MENTIONED, "present", "uncertain", "absent", "historical", "asked")
SIDES = ("none", "left", "right", "both")
HIDDEN = 64  # of the assertion head

DetailKind = Literal["site", "grade", "at_least", "at_most"]


@dataclass(frozen=True)
class Detail:
    """Something a sentence may say of a finding: its site or grade, or that its number is within a bound."""

    finding: str
    kind: DetailKind
    value: str | float


@dataclass(frozen=True)
class ReaderSpec:
    """What a reader reads: N findings and D details of them."""

    names: tuple[str, ...]
    details: tuple[Detail, ...]


@dataclass(frozen=True)
class Reading:
    """What was read in n sentences, as probabilities; a sentence that was not read has zeros throughout."""

    vectors: Tensor  # [n, 384] unit mean-pooled sentence vectors of the adapted encoder
    assertions: Tensor  # [n, N, 6] over ASSERTIONS
    details: Tensor  # [n, D] that the detail is said, given that its finding is mentioned
    sides: Tensor  # [n, 4] over SIDES


@dataclass(frozen=True)
class Scores:
    """Logits of B sentences, before any temperature."""

    mention: Tensor  # [B, N]
    assertion: Tensor  # [B, N, 5] over ASSERTIONS without "none"
    detail: Tensor  # [B, D]
    side: Tensor  # [B, 4]


class Heads(nn.Module):
    """The heads over token states: two queries a finding (is it named, how is it asserted), one for the side."""

    def __init__(self, spec: ReaderSpec, width: int) -> None:
        super().__init__()
        names, details = len(spec.names), len(spec.details)
        self.query = nn.Parameter(torch.randn(2 * names + 1, width) * width**-0.5)
        self.mention = nn.Parameter(torch.zeros(names, width))
        self.mention_bias = nn.Parameter(torch.full((names,), -3.0))
        self.shared = nn.Sequential(nn.Linear(3 * width, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, len(ASSERTIONS) - 1))
        self.assertion_bias = nn.Parameter(torch.zeros(names, len(ASSERTIONS) - 1))
        self.detail = nn.Parameter(torch.zeros(details, width))
        self.detail_bias = nn.Parameter(torch.zeros(details))
        self.side = nn.Linear(width, len(SIDES))
        self.register_buffer("temperature", torch.ones(4))  # mention, assertion, detail, side
        self.temperature: Tensor
        self._owner = [spec.names.index(one.finding) for one in spec.details]

    def forward(self, states: Tensor, mask: Tensor) -> Scores:
        """Logits from token states [B, T, W] and their mask [B, T]."""
        looks = torch.einsum("btw,qw->bqt", states, self.query).masked_fill(mask[:, None, :] == 0, -torch.inf)
        seen = softmax(looks, dim=2) @ states  # [B, 2N + 1, W]
        named, asserted = seen[:, 0:-1:2], seen[:, 1:-1:2]  # [B, N, W] each
        whole = mean_of(states, mask)[:, None].expand_as(named)  # where a finding's words are new to its queries
        return Scores(
            (named * self.mention).sum(2) + self.mention_bias,
            self.shared(torch.cat([named, asserted, whole], dim=2)) + self.assertion_bias,
            (named[:, self._owner] * self.detail).sum(2) + self.detail_bias,
            self.side(seen[:, -1]),
        )

    def probabilities(self, scores: Scores) -> tuple[Tensor, Tensor, Tensor]:
        """Assertions [B, N, 6], details [B, D] and sides [B, 4], calibrated by the heads' temperatures."""
        mention, assertion, detail, side = self.temperature
        named = torch.sigmoid(scores.mention / mention)[:, :, None]
        assertions = torch.cat([1 - named, named * softmax(scores.assertion / assertion, dim=2)], dim=2)
        return assertions, torch.sigmoid(scores.detail / detail), softmax(scores.side / side, dim=1)


class _Rows(TextEncoder):
    """The cached row of everything that is read in a sentence: vector, assertions, details, side."""

    def __init__(self, tokenizer: Any, model: Any, heads: Heads) -> None:
        super().__init__(tokenizer, model)
        self._heads = heads
        names, details = len(heads.mention_bias), len(heads.detail_bias)
        self.parts = (super().dimensions, names * len(ASSERTIONS), details, len(SIDES))

    @property
    def dimensions(self) -> int:
        return sum(self.parts)

    def _answer(self, states: Tensor, mask: Tensor) -> Tensor:
        with torch.inference_mode():
            assertions, details, sides = self._heads.probabilities(self._heads(states, mask))
            return torch.cat([mean_pooled(states, mask), assertions.flatten(1), details, sides], dim=1)


class Reader:
    """A transformer that reads findings; each sentence once, cached, safe to share between threads."""

    def __init__(self, spec: ReaderSpec, tokenizer: Any, model: Any, heads: Heads) -> None:
        self.spec = spec
        self._rows = _Rows(tokenizer, model, heads.eval().requires_grad_(False))
        self.readable = self._rows.readable

    def read(self, texts: Sequence[str]) -> Reading:
        """What the sentences say."""
        return self._reading(self._rows.encode(texts))

    def read_until(self, texts: Sequence[str], until: float) -> int:
        """How many of the texts, from the first on, could be read by then (`TextEncoder.encode_until`)."""
        return self._rows.encode_until(texts, until)

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Unit vectors [n, 384] of the adapted encoder, as `models.encode.Encodes` wants them."""
        return self.read(texts).vectors

    def _reading(self, rows: Tensor) -> Reading:
        vectors, assertions, details, sides = torch.split(rows, list(self._rows.parts), dim=1)
        return Reading(vectors, assertions.reshape(len(rows), len(self.spec.names), len(ASSERTIONS)), details, sides)


def load_reader(folder: Path | None = None, encoder_folder: Path | None = None, device: str = "cpu") -> Reader:
    """The reader of a folder, merged into its verified encoder; `ArtifactError` names the file that does not fit.

    ``folder`` defaults to the reader of this package, ``encoder_folder`` to the installed package's.
    """
    where = folder or DEFAULT_READER
    if missing := [name for name in (MANIFEST, IDENTITY, WEIGHTS) if not (where / name).is_file()]:
        raise ArtifactError(f"the reader {where} holds no {missing[0]}")
    manifest = _manifest(where / MANIFEST)
    if manifest["weights_sha256"] != sha256_of(where / WEIGHTS):
        raise ArtifactError(f"{WEIGHTS} in {where} is not the file that {MANIFEST} names")
    tokenizer, model = load_transformer(_identity(where / IDENTITY), encoder_folder)
    spec = spec_from(manifest)
    heads = Heads(spec, model.config.hidden_size)
    try:
        weights = load_file(where / WEIGHTS)
        merge(model, weights, manifest["adapter"]["alpha"] / manifest["adapter"]["rank"])
        heads.load_state_dict({name.removeprefix("heads."): w for name, w in weights.items() if name[:6] == "heads."})
    except (AttributeError, KeyError, RuntimeError, SafetensorError) as error:
        raise ArtifactError(f"{WEIGHTS} in {where} does not fit {MANIFEST}: {str(error).splitlines()[-1]}") from error
    return Reader(spec, tokenizer, model.to(device), heads.to(device))


def merge(model: nn.Module, weights: Mapping[str, Tensor], scale: float) -> None:
    """Low-rank adapters added to the model's own matrices, in place: W += scale * B @ A.

    ``weights`` holds ``adapters.<module>.A`` [rank, in] and ``adapters.<module>.B`` [out, rank].
    """
    for name in weights:
        if name.startswith("adapters.") and name.endswith(".A"):
            module = model.get_submodule(name.removeprefix("adapters.").removesuffix(".A"))
            with torch.no_grad():
                module.get_parameter("weight").add_(scale * weights[f"{name[:-1]}B"] @ weights[name])


def spec_from(manifest: Mapping[str, Any]) -> ReaderSpec:
    """What ``reader.json`` says that the reader reads."""
    return ReaderSpec(tuple(manifest["names"]), tuple(Detail(**one) for one in manifest["details"]))


def _manifest(path: Path) -> dict[str, Any]:
    """``reader.json``, with all that loading needs."""
    try:
        manifest: dict[str, Any] = json.loads(path.read_text("utf-8"))
        spec = spec_from(manifest)
        foreign = [one.finding for one in spec.details if one.finding not in spec.names]
        if foreign or not manifest["weights_sha256"] or manifest["adapter"]["alpha"] / manifest["adapter"]["rank"] <= 0:
            raise ValueError("its parts do not fit each other")
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise ArtifactError(f"{path} cannot be read: {type(error).__name__}: {error}") from error
    return manifest


def _identity(path: Path) -> EncoderIdentity:
    try:
        return read_identity(path)
    except (TypeError, ValueError) as error:
        raise ArtifactError(f"{path} cannot be read: {type(error).__name__}: {error}") from error
