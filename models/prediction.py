"""What the model answers, free of torch."""

from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Literal, Protocol

from fhir_mappings.features import FeatureTable
from fhir_mappings.inputs import Finding, ModelInputs
from fhir_mappings.snapshot import Issue


@dataclass(frozen=True)
class ModelIdentity:
    """Which artifact answered, and what it was trained on."""

    name: str
    version: str
    training_population: Literal["simulated", "local"]
    sha256: str


@dataclass(frozen=True)
class Contribution:
    """How far one input moves the risk away from the reference patient's.

    ``risk_points`` are on the probability scale and add up over all contributions to ``risk -
    reference``. ``source`` is the source of the effect, or says that it was assumed or correlated in the
    simulation. ``sentence`` indexes ``ModelInputs.sentences`` where the input was read from text. ``missing``:
    it tells of what was not charted.
    """

    feature: str
    label: str
    risk_points: float
    source: str
    sentence: int | None = None
    missing: bool = False


@dataclass(frozen=True)
class Prediction:
    """The remaining risk of END from ``as_of`` to ``until`` (168 h after arrival).

    ``by_horizon`` pairs hours after arrival with the cumulative remaining risk up to there.
    ``comparator`` is the mean risk of training patients END-free at that hour. ``interval`` is the
    spread of the ensemble, not a confidence interval of calibration.
    """

    as_of: datetime
    until: datetime
    risk: float
    interval: tuple[float, float]
    comparator: float
    reference: float
    threshold: float
    flagged: bool
    by_horizon: tuple[tuple[float, float], ...]
    contributions: tuple[Contribution, ...]
    findings: tuple[Finding, ...]
    issues: tuple[Issue, ...]
    model: ModelIdentity


@dataclass(frozen=True)
class NotComputed:
    """Why the model gives no number for these inputs, in words for the card."""

    reason: str


class Predicts(Protocol):
    """Anything that turns one row of data into a prediction: the loaded model, or a fake of it."""

    identity: ModelIdentity
    features: FeatureTable

    def predict(self, inputs: ModelInputs, until: float = inf) -> Prediction | NotComputed:
        """The remaining risk, or why there is none; sentences not read by a `time.monotonic` moment are an issue."""
