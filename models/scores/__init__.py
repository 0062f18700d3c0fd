"""Published scores beside the model: points as printed, or "not computable" with what is missing."""

from fhir_mappings.inputs import ModelInputs
from fhir_mappings.snapshot import ClinicalSnapshot
from models.scores import astral, dash, dragon, edema, gong, hat, sedan, thrive
from models.scores.result import ScoreResult

__all__ = ["ScoreResult", "published_scores"]

_SCORES = (dash, edema, sedan, hat, thrive, astral, dragon, gong)


def published_scores(snapshot: ClinicalSnapshot, inputs: ModelInputs) -> tuple[ScoreResult, ...]:
    """Every score we know, in a fixed order; none but Gong's ranking is about END."""
    return tuple(one.score(snapshot, inputs) for one in _SCORES)
