"""Published scores beside the model: points as printed, or "not computable" with what is missing."""

from fhir_mappings.inputs import ModelInputs
from fhir_mappings.snapshot import ClinicalSnapshot
from models.scores import dash, sedan, thrive
from models.scores.result import ScoreResult

__all__ = ["ScoreResult", "published_scores"]


def published_scores(snapshot: ClinicalSnapshot, inputs: ModelInputs) -> tuple[ScoreResult, ...]:
    """Every score we know, in a fixed order; none of them predicts END."""
    return thrive.score(snapshot, inputs), sedan.score(snapshot, inputs), dash.score(snapshot, inputs)
