"""Rows of data, sentences and small stand-ins for tests of the model, made by hand."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import torch
from torch import Tensor

from fhir_mappings.features import load_features
from fhir_mappings.inputs import Assertion, Feature, Finding, ModelInputs, Section, Sentence
from models.reader import ASSERTIONS, NOT_MENTIONED, SIDES, ReaderSpec, Reading

torch.set_num_threads(1)  # tests share their cores

T0 = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

USUAL = {"age": 70.0, "female": 1.0, "nihss_baseline": 9.0, "nihss_latest": 9.0, "glucose": 110.0}


def sentence(text: str, section: Section = "findings", report: str = "DiagnosticReport/r1") -> Sentence:
    """One sentence of a report made an hour after arrival."""
    return Sentence(text, section, report, T0 + timedelta(hours=1))


def finding(name: str, assertion: Assertion = "present", place: int = 0, **more: object) -> Finding:
    """One finding, read in the sentence at ``place``."""
    return Finding(name, assertion, place, **more)  # type: ignore[arg-type]


def inputs(
    hours: float = 6, values: Mapping[str, float | None] | None = None,
    sentences: Sequence[Sentence] = (), findings: Sequence[Finding] = (),
) -> ModelInputs:  # fmt: skip
    """A row with the package's own features: the usual ones observed, the others not, unless told."""
    held = USUAL | dict(values or {})
    features = tuple(Feature(s.name, s.label, s.unit, held.get(s.name)) for s in load_features().specs)
    return ModelInputs(T0 + timedelta(hours=hours), T0, features, tuple(sentences), tuple(findings))


class LetterEncoder:
    """An encoder of eight numbers a sentence, made of letter counts: no transformer is loaded."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def readable(self, text: str) -> bool:
        """False where more than one in five characters is outside ASCII."""
        return sum(ord(letter) > 127 for letter in text) <= 0.2 * len(text)

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Unit vectors [n, 8]."""
        self.asked += texts
        if not texts:
            return torch.zeros(0, 8)
        counts = torch.tensor([[1.0 + text.lower().count(letter) for letter in "aeinorst"] for text in texts])
        return torch.nn.functional.normalize(counts, dim=1)


Said = Mapping[str, Mapping[str, str]]
"""What a stand-in reads: for some sentences, findings with their assertions; it finds no other there."""


class LetterReader(LetterEncoder):
    """A reader as sure as it is told to be in the sentences that it was told of; all others it leaves to the rules."""

    def __init__(self, spec: ReaderSpec, said: Said | None = None, sure: float = 0.98) -> None:
        super().__init__()
        self.spec, self.said, self.sure = spec, dict(said or {}), sure

    def read_until(self, texts: Sequence[str], until: float) -> int:
        """As many as ``until`` says: time is counted in texts here."""
        return int(min(len(texts), until))

    def read(self, texts: Sequence[str]) -> Reading:
        """Letters as vectors, zeros for what it was not told, no detail and no side."""
        vectors, count = self.encode(texts), len(texts)
        assertions = torch.zeros(count, len(self.spec.names), len(ASSERTIONS))
        for row, text in enumerate(texts):
            if text in self.said:
                assertions[row] = (1 - self.sure) / (len(ASSERTIONS) - 1)
                for column, name in enumerate(self.spec.names):
                    assertions[row, column, ASSERTIONS.index(self.said[text].get(name, NOT_MENTIONED))] = self.sure
        return Reading(vectors, assertions, torch.zeros(count, len(self.spec.details)), torch.zeros(count, len(SIDES)))
