"""The loaded model: one row of data in, the remaining risk with its reasons out."""

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fhir_mappings.inputs import ModelInputs, Sentence
from fhir_mappings.snapshot import Issue
from models.artifact import DEFAULT_ARTIFACT, Artifact, read_artifact
from models.design import Numbers, join_findings, numbers_of, stacked
from models.encode import Encodes, legible, load_encoder
from models.errors import ArtifactError
from models.explain import contributions, risk_points
from models.golden import differences, golden_inputs
from models.net import EDGES_H, Batch, remaining_risk
from models.prediction import NotComputed, Prediction
from models.provenance import mappings_sha256
from models.reach import too_far

HORIZON_H = EDGES_H[-1]
LATEST_H = 120.0  # no number is shown after this hour (assumption)
REQUIRED = {"nihss_baseline": "no baseline NIHSS", "age": "age unknown"}
"""Kinds of features without which nothing is computed."""

Note = tuple[Tensor, Tensor]


class Predictor:
    """An artifact and its encoder, ready to answer; safe to share between threads."""

    def __init__(self, artifact: Artifact, encoder: Encodes, warnings: tuple[str, ...] = ()) -> None:
        self.identity, self.features = artifact.identity, artifact.features
        self.evaluation: Mapping[str, Any] = artifact.evaluation
        self.warnings = warnings
        self._artifact, self._encoder = artifact, encoder

    def predict(self, inputs: ModelInputs) -> Prediction | NotComputed:
        """The remaining risk of END up to 168 h after arrival, or why there is none."""
        if reason := self._refusal(inputs):
            return NotComputed(reason)
        numbers = numbers_of(inputs, self._artifact.design)
        if reason := too_far(numbers, self._artifact.net, self._artifact.design, self._artifact.reach):
            return NotComputed(reason)
        with torch.inference_mode():
            note, issues = self.read(inputs.sentences)
            return self._answer(inputs, numbers, note, issues)

    def read(self, sentences: Sequence[Sentence]) -> tuple[Note, tuple[Issue, ...]]:
        """The note, encoded once, and what could not be read."""
        texts, issues = legible(sentences, self._encoder)
        with torch.inference_mode():
            return self._artifact.net.read(self._encoder.encode(texts)), issues

    def combine(self, numbers: Numbers, note: Note, start_h: float, stop_h: Sequence[float]) -> Tensor:
        """Remaining risk from ``start_h`` to each of ``stop_h``, by head: [heads, stops]; cheap to repeat."""
        logits = self._artifact.net.combine(_batch(numbers, note))  # [H, 1, 5]
        return remaining_risk(logits, torch.tensor(float(start_h)), torch.tensor(list(stop_h)))

    def _refusal(self, inputs: ModelInputs) -> str | None:
        observed = {feature.name for feature in inputs.features if feature.observed}
        for spec in self.features.specs:
            if spec.kind in REQUIRED and spec.name not in observed:
                return REQUIRED[spec.kind]
        if inputs.hours > LATEST_H:
            return f"more than {LATEST_H:.0f} h after arrival"
        return "as_of is before arrival" if inputs.hours < 0 else None

    def _answer(self, inputs: ModelInputs, numbers: Numbers, note: Note, issues: tuple[Issue, ...]) -> Prediction:
        net, calibration = self._artifact.net, self._artifact.calibration
        stops = [edge for edge in EDGES_H if edge > inputs.hours]
        batch, start = _batch(numbers, note), torch.tensor(inputs.hours)
        logits = net.combine(batch)[:, 0]  # [H, 5]
        spread = remaining_risk(logits, start, torch.tensor(HORIZON_H)).tolist()
        by_horizon = remaining_risk(logits.mean(0), start, torch.tensor(stops)).tolist()
        risk, span = float(by_horizon[-1]), torch.tensor([inputs.hours, HORIZON_H])
        reference = float(remaining_risk(net.reference_logits(), span[0], span[1]))
        points = risk_points(net.terms(batch)[0], risk, reference, net.reference_logits(), span)
        return Prediction(
            as_of=inputs.as_of,
            until=inputs.t0 + timedelta(hours=HORIZON_H),
            risk=risk,
            interval=(min(risk, *spread), max(risk, *spread)),
            comparator=calibration.comparator_at(inputs.hours),
            reference=reference,
            threshold=calibration.threshold,
            flagged=calibration.flagged(risk),
            by_horizon=tuple(zip(stops, by_horizon, strict=True)),
            contributions=contributions(points, inputs, self._artifact.design, self._artifact.effect_sources),
            findings=join_findings(inputs.findings),
            issues=issues,
            model=self.identity,
        )


def _batch(numbers: Numbers, note: Note) -> Batch:
    values, observed, findings = (torch.from_numpy(matrix) for matrix in stacked([numbers]))
    return Batch(values, observed, findings, *note)


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
    predictor = Predictor(held, load_encoder(held.encoder, encoder), _warnings(held))
    if names := differences(held.golden, golden_risks(predictor, held)):
        raise ArtifactError(f"the golden prediction {names[0]!r} of {held.identity.name} is not reproduced here")
    return predictor


def _warnings(artifact: Artifact) -> tuple[str, ...]:
    if artifact.manifest["mappings_sha256"] == mappings_sha256():
        return ()
    return ("The mappings' tables or lexicons differ from those the model was trained with.",)
