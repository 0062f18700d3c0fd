"""Sentence embeddings of many stays at once: each sentence is encoded once, in large batches, after the rows."""

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from models.encode import Encodes
from models.studies.stages import Progress

_TOGETHER = 2048  # sentences between two reports of progress; the encoder takes fewer at a time


class Deferred:
    """An encoder for the making of rows: a note gets a number now and its embedding afterwards.

    `encode` returns the note's number in place of vectors, `pooled` turns numbers into mean embeddings.
    """

    def __init__(self, encoder: Encodes) -> None:
        self._encoder = encoder
        self._notes: dict[tuple[str, ...], int] = {}
        self.readable = lru_cache(1_000_000)(encoder.readable)

    def encode(self, texts: Sequence[str]) -> Tensor:
        """The note's number [1, 1]; single precision tells sixteen million of them apart."""
        number = self._notes.setdefault(tuple(texts), len(self._notes))
        return torch.tensor([[float(number)]])

    def pooled(self, numbers: Tensor, has_note: Tensor, progress: Progress | None = None) -> Tensor:
        """The mean embedding [B, dimensions] of the note behind each number [B, 1]; zeros where there was none."""
        sentences = sorted({text for note in self._notes for text in note}, key=len)
        place = {text: row for row, text in enumerate(sentences)}
        vectors = torch.cat([*self._encoded(sentences, progress)])
        means = torch.stack([vectors[[place[text] for text in note]].mean(0) for note in self._notes])
        return means[numbers[:, 0].long()] * has_note[:, None]

    def _encoded(self, sentences: Sequence[str], progress: Progress | None) -> list[Tensor]:
        found = []
        for start in range(0, len(sentences), _TOGETHER):
            found.append(self._encoder.encode(sentences[start : start + _TOGETHER]))
            if progress:
                progress(min(start + _TOGETHER, len(sentences)), len(sentences))
        return found
