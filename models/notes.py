"""Notes as numbers: what rules and reader find in each, and its mean sentence vector; each sentence is read once."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from fhir_mappings.inputs import Finding, Sentence
from models.design import Design, Vector, finding_columns
from models.encode import Encodes, is_read
from models.joining import Joined, join, term_probabilities
from models.reader import ReaderSpec, Reading

Progress = Callable[[int, int], None]
"""Called with (done, total) as the work goes on."""

TOGETHER = 2048  # sentences between two reports of progress; an encoder takes fewer at a time


class Note(NamedTuple):
    """The sentences of some reports, and the findings of the rules in them."""

    sentences: tuple[Sentence, ...]
    findings: tuple[Finding, ...]


class Reads(Encodes, Protocol):
    """Anything that reads findings in sentences: the reader, or a small stand-in for it."""

    spec: ReaderSpec

    def read(self, texts: Sequence[str]) -> Reading:
        """What the sentences say."""

    def read_until(self, texts: Sequence[str], until: float) -> int:
        """How many of the texts, from the first on, could be read by a `time.monotonic` moment; `read` holds them."""


@dataclass(frozen=True)
class Readers:
    """Who reads the notes: the network's reader, and the plain encoder of opponents that embed whole notes.

    Without a reader the network sees the rules' findings alone, 0 or 1.
    """

    reader: Reads | None = None
    encoder: Encodes | None = None


NOBODY = Readers()
"""The network sees the rules' findings alone, and no opponent embeds notes."""


@dataclass(frozen=True)
class NoteColumns:
    """K notes: findings as probabilities, mean vectors of reader and encoder (zeros where nothing was legible)."""

    joined: Tensor  # [K, T]
    note: Tensor  # [K, W]; [K, 0] without a reader
    pooled: Tensor  # [K, 384]; [K, 0] without an encoder
    has_note: Tensor  # [K]

    def at(self, rows: Tensor) -> "NoteColumns":
        """The notes at these places."""
        return NoteColumns(*(getattr(self, one.name)[rows] for one in fields(self)))


def unread(findings: Tensor) -> NoteColumns:
    """The columns of rows [B, T] whose findings are known and whose notes nobody reads."""
    nothing = torch.zeros(len(findings), 0)
    return NoteColumns(findings, nothing, nothing, torch.zeros(len(findings)))


def read_notes(
    notes: Sequence[Note], design: Design, readers: Readers, progress: Progress | None = None
) -> NoteColumns:
    """The columns of each note; a sentence that many notes share is read once."""
    judge = readers.reader or readers.encoder
    legible = [[place for place, one in enumerate(note.sentences) if judge and is_read(one, judge)] for note in notes]
    texts = sorted({note.sentences[place].text for note, there in zip(notes, legible, strict=True) for place in there})
    index = {text: row for row, text in enumerate(texts)}
    rows = [[index[note.sentences[place].text] for place in there] for note, there in zip(notes, legible, strict=True)]
    reading, encoded = _both(texts, readers, progress)

    def found(note: Note, there: Sequence[int], at: Sequence[int]) -> Vector:
        if reading is None or readers.reader is None:
            return rules_columns(note, design)
        answers = spread(reading, there, at, len(note.sentences))
        return chances(joined_note(note, answers, readers.reader.spec), note, design)

    joined = [found(*one) for one in zip(notes, legible, rows, strict=True)]
    return NoteColumns(
        torch.from_numpy(np.stack(joined)), _means(rows, torch.zeros(0, 0) if reading is None else reading.vectors),
        _means(rows, encoded), torch.tensor([float(bool(there)) for there in legible]),
    )  # fmt: skip


def _both(texts: Sequence[str], readers: Readers, progress: Progress | None) -> tuple[Reading | None, Tensor]:
    """What the reader finds in each text, and the encoder's vectors [n, W]; two transformers work side by side."""
    reader, encoder = readers.reader if texts else None, readers.encoder
    if encoder is None:
        return _read(texts, reader, progress) if reader else None, torch.zeros(0, 0)
    if reader is None:
        return None, _in_parts(texts, encoder.encode, progress)
    with ThreadPoolExecutor(1) as beside:
        encoded = beside.submit(_in_parts, texts, encoder.encode, None)
        return _read(texts, reader, progress), encoded.result()


def joined_note(note: Note, reading: Reading | None, spec: ReaderSpec) -> Joined:
    """The findings of a note with the reader's answers to each of its sentences."""
    return join(note.sentences, note.findings, reading, spec)


def chances(joined: Joined, note: Note, design: Design) -> Vector:
    """The finding columns [T] of a joined note: the chance of each term, then "no report"."""
    terms = term_probabilities(joined, design.terms)
    return np.append(terms, np.float32(not note.sentences)).astype(np.float32)


def rules_columns(note: Note, design: Design) -> Vector:
    """The finding columns [T] of a note as the rules alone read it: 0 or 1."""
    return finding_columns(note.findings, design, has_report=bool(note.sentences))


def spread(reading: Reading, there: Sequence[int], rows: Sequence[int], sentences: int) -> Reading:
    """The answers to a note's sentences [n]: those read at ``there`` from the rows, zeros for the others."""

    def placed(answers: Tensor) -> Tensor:
        whole = torch.zeros(sentences, *answers.shape[1:])
        whole[list(there)] = answers[list(rows)]
        return whole

    return Reading(*(placed(getattr(reading, one.name)) for one in fields(reading)))


def _read(texts: Sequence[str], reader: Reads, progress: Progress | None) -> Reading:
    parts: Mapping[str, list[Tensor]] = {one.name: [] for one in fields(Reading)}
    for start in range(0, len(texts), TOGETHER):
        reading = reader.read(texts[start : start + TOGETHER])
        for name, kept in parts.items():
            kept.append(getattr(reading, name))
        if progress:
            progress(min(start + TOGETHER, len(texts)), len(texts))
    return Reading(**{name: torch.cat(kept) for name, kept in parts.items()})


def _in_parts(texts: Sequence[str], encode: Callable[[Sequence[str]], Tensor], progress: Progress | None) -> Tensor:
    found = []
    for start in range(0, len(texts), TOGETHER):
        found.append(encode(texts[start : start + TOGETHER]))
        if progress:
            progress(min(start + TOGETHER, len(texts)), len(texts))
    return torch.cat(found) if found else torch.zeros(0, 0)


def _means(rows: Sequence[Sequence[int]], vectors: Tensor) -> Tensor:
    """The mean vector of each note [K, W]; zeros where it has none."""
    empty = torch.zeros(vectors.shape[1])
    return torch.stack([vectors[list(at)].mean(0) if at and len(vectors) else empty for at in rows])
