"""The loaded model: one row of data in, the remaining risk with its reasons out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fhir_mappings.inputs import Finding, ModelInputs, Sentence
from fhir_mappings.snapshot import Issue
from models.artifact import DEFAULT_ARTIFACT, Artifact, read_artifact
from models.design import Numbers, join_findings, numbers_of
from models.encode import is_read, unread_reports
from models.errors import ArtifactError
from models.explain import contributions, risk_points
from models.golden import differences, golden_inputs
from models.net import EDGES_H, Batch
from models.notes import Note, Reads, chances, joined_note, rules_columns, spread
from models.prediction import NotComputed, Prediction
from models.provenance import mappings_sha256
from models.reach import too_far
from models.reader import load_reader

HORIZON_H = EDGES_H[-1]
LATEST_H = 120.0  # no number is shown after this hour (assumption)
REQUIRED = {"nihss_baseline": "no baseline NIHSS", "age": "age unknown"}
"""Kinds of features without which nothing is computed."""

DISPUTED = 0.5
"""Rules and reader differ where a term's chance is this far from what the rules say (assumption)."""


@dataclass(frozen=True)
class ReadNote:
    """A note after reading: its findings joined, its columns, and what could not be read or was read differently."""

    findings: tuple[Finding, ...]
    columns: Tensor  # [1, T] joined
    rules: Tensor  # [1, T] the rules alone
    vector: Tensor  # [1, 384]
    has_note: Tensor  # [1]
    issues: tuple[Issue, ...]

    @property
    def disputed(self) -> bool:
        """True where rules and reader differ about something that the network weighs."""
        return bool(((self.columns - self.rules).abs() > DISPUTED).any())


class Predictor:
    """An artifact and its reader, ready to answer; safe to share between threads."""

    def __init__(self, artifact: Artifact, reader: Reads, warnings: tuple[str, ...] = ()) -> None:
        self.identity, self.features = artifact.identity, artifact.features
        self.evaluation: Mapping[str, Any] = artifact.evaluation
        self.warnings = warnings
        self._artifact, self._reader = artifact, reader

    def predict(self, inputs: ModelInputs, until: float = math.inf) -> Prediction | NotComputed:
        """The remaining risk of END up to 168 h after arrival, or why there is none.

        From ``until`` on (`time.monotonic`) no more sentences are read: of those left the rules' findings count.
        """
        if reason := self._refusal(inputs):
            return NotComputed(reason)
        numbers = numbers_of(inputs, self._artifact.design)
        with torch.inference_mode():
            note = self.read(inputs.sentences, inputs.findings, until)
            batch = self.batch(numbers, note, inputs.hours)
            if reason := too_far(self._artifact.net, self._artifact.design, batch, self._artifact.reach):
                return NotComputed(reason)
            return self._answer(inputs, numbers, note)

    def read(self, sentences: Sequence[Sentence], findings: Sequence[Finding], until: float = math.inf) -> ReadNote:
        """The note, each sentence encoded once, rules and reader joined; those of other parts of the body last."""
        note, design = Note(tuple(sentences), tuple(findings)), self._artifact.design
        there = [place for place, one in enumerate(sentences) if is_read(one, self._reader)]
        legible = self._in_time(sentences, there, until)
        with torch.inference_mode():
            reading = self._reader.read([sentences[place].text for place in legible])
            vector = reading.vectors.mean(0) if legible else torch.zeros(self._artifact.net.shape.embedding)
            placed = spread(reading, legible, range(len(legible)), len(sentences))
        joined = joined_note(note, placed, self._reader.spec)
        return ReadNote(
            joined.findings, torch.from_numpy(chances(joined, note, design))[None],
            torch.from_numpy(rules_columns(note, design))[None], vector[None], torch.tensor([float(bool(legible))]),
            (*unread_reports(sentences, self._reader), *_late(sentences, there, legible), *joined.issues),
        )  # fmt: skip

    def _in_time(self, sentences: Sequence[Sentence], there: Sequence[int], until: float) -> list[int]:
        """The places of those sentences that could be read by ``until``, all of them where it is infinite."""
        if until == math.inf:
            return list(there)
        first = sorted(there, key=lambda place: sentences[place].elsewhere)
        return sorted(first[: self._reader.read_until([sentences[place].text for place in first], until)])

    def combine(self, numbers: Numbers, note: ReadNote, start_h: float, stop_h: Sequence[float]) -> Tensor:
        """Remaining risk from ``start_h`` to each of ``stop_h``, by head: [heads, stops]; cheap to repeat."""
        logits = self._artifact.net(self.batch(numbers, note, start_h))  # [H, 1, 5]
        stops = torch.tensor(list(stop_h))
        return self._artifact.calibration.risk(logits, torch.full_like(stops, start_h), stops)

    def batch(self, numbers: Numbers, note: ReadNote, hours: float) -> Batch:
        """One row as the network reads it."""
        values, observed = torch.from_numpy(numbers.values)[None], torch.from_numpy(numbers.observed)[None]
        return Batch(values, observed, note.columns, note.vector, note.has_note, torch.tensor([float(hours)]))

    def _refusal(self, inputs: ModelInputs) -> str | None:
        observed = {feature.name for feature in inputs.features if feature.observed}
        for spec in self.features.specs:
            if spec.kind in REQUIRED and spec.name not in observed:
                return REQUIRED[spec.kind]
        if inputs.hours > LATEST_H:
            return f"more than {LATEST_H:.0f} h after arrival"
        return "as_of is before arrival" if inputs.hours < 0 else None

    def _answer(self, inputs: ModelInputs, numbers: Numbers, note: ReadNote) -> Prediction:
        net, calibration, hours = self._artifact.net, self._artifact.calibration, inputs.hours
        stops = [edge for edge in EDGES_H if edge > hours]
        batch = self.batch(numbers, note, hours)
        logits, reference = net(batch)[:, 0].mean(0), net.reference(batch.hours)[0]  # [5]

        def risk_of(logits: Tensor) -> float:
            return float(calibration.risk(logits, batch.hours[0], torch.tensor(HORIZON_H)))

        start = batch.hours.expand(len(stops))
        by_horizon = calibration.risk(logits.expand(len(stops), -1), start, torch.tensor(stops)).tolist()
        risk = float(by_horizon[-1])
        points = risk_points(net.terms(batch)[0], reference, risk_of)
        design, sources = self._artifact.design, self._artifact.effect_sources
        return Prediction(
            as_of=inputs.as_of,
            until=inputs.t0 + timedelta(hours=HORIZON_H),
            risk=risk,
            interval=self._spread(numbers, note, hours, risk),
            comparator=calibration.comparator_at(hours),
            reference=risk_of(reference),
            threshold=calibration.threshold_at(hours),
            flagged=risk >= calibration.threshold_at(hours),
            by_horizon=tuple(zip(stops, by_horizon, strict=True)),
            contributions=contributions(points, inputs, note.findings, design, sources),
            findings=join_findings(note.findings),
            issues=note.issues,
            model=self.identity,
        )

    def _spread(self, numbers: Numbers, note: ReadNote, hours: float, risk: float) -> tuple[float, float]:
        """Lowest and highest risk of the heads; where rules and reader differ, also as the rules alone read it."""
        answers = self.combine(numbers, note, hours, [HORIZON_H]).flatten().tolist()
        if note.disputed:
            answers += self.combine(numbers, replace(note, columns=note.rules), hours, [HORIZON_H]).flatten().tolist()
        return min(risk, *answers), max(risk, *answers)


def _late(sentences: Sequence[Sentence], there: Sequence[int], legible: Sequence[int]) -> tuple[Issue, ...]:
    """An issue that says of how many reports sentences were not read in time."""
    late = dict.fromkeys(sentences[place].report for place in sorted(set(there) - set(legible)))
    if not late:
        return ()
    text = f"{len(there) - len(legible)} of {len(there)} report sentences not read by the text model in time"
    return (Issue("unread", text, next(iter(late)), "reports"),)


def golden_risks(predictor: Predictor, artifact: Artifact) -> dict[str, float]:
    """The risk of each golden row, now."""
    answers = {
        name: predictor.predict(inputs) for name, inputs in golden_inputs(artifact.design, center_of(artifact)).items()
    }
    return {name: answer.risk for name, answer in answers.items() if isinstance(answer, Prediction)}


def center_of(artifact: Artifact) -> dict[str, tuple[float, float]]:
    """Mean and SD of each feature in its own unit, from the network's standardization."""
    found = {}
    pairs = zip(artifact.design.features, artifact.net.center.tolist(), artifact.net.scale.tolist(), strict=True)
    for name, center, scale in pairs:
        back = math.expm1 if name in artifact.design.log else float
        found[name] = (back(center), back(center + scale) - back(center))
    return found


def load_predictor(artifact: Path | None = None, encoder: Path | None = None) -> Predictor:
    """The predictor of an artifact's folder, checked against its golden predictions.

    ``artifact`` defaults to the one in this package, ``encoder`` to the installed package's
    folder. Raises `ArtifactError` with one sentence.
    """
    torch.set_num_threads(1)  # calls are answered side by side; more threads each only wait for one another
    held = read_artifact(artifact or DEFAULT_ARTIFACT)
    predictor = Predictor(held, load_reader(held.folder, encoder), _warnings(held))
    if names := differences(held.golden, golden_risks(predictor, held)):
        raise ArtifactError(f"golden.json: the prediction {names[0]!r} of {held.identity.name} is not reproduced here")
    return predictor


def _warnings(artifact: Artifact) -> tuple[str, ...]:
    if artifact.manifest["mappings_sha256"] == mappings_sha256():
        return ()
    return ("The mappings' tables or lexicons differ from those the model was trained with.",)
