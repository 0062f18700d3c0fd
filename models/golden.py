"""Golden predictions: made-up rows whose risks are stored in the artifact and checked at start-up.

The rows are made from the design, not from patients, so that an artifact trained on a hospital's
own data carries none of it.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from fhir_mappings.inputs import Feature, Finding, ModelInputs, Sentence
from models.design import Design

T0 = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
TOLERANCE = 1e-3  # fp32 sums differ between processors by far less

Center = Mapping[str, tuple[float, float]]
"""Mean and SD of each feature in its own unit."""

TEXT = (
    ("Left arm weakness and difficulty walking since this morning.", "history", "limb_weakness"),
    ("Hyperdense left MCA sign.", "findings", "hyperdense_artery"),
    ("Loss of gray-white differentiation in the left insula.", "findings", "early_ischemic_change"),
    ("Acute left MCA infarct without hemorrhage.", "impression", "mca_infarct"),
)


def golden_inputs(design: Design, center: Center) -> dict[str, ModelInputs]:
    """Named rows: average without report, half of it missing, above average with a report, late."""
    return {
        "average, no report": _row(design, center, hours=6, shift=0, report=False),
        "half missing": _row(design, center, hours=12, shift=0.5, report=True, every=2),
        "above average, report": _row(design, center, hours=3, shift=1, report=True),
        "late, below average": _row(design, center, hours=96, shift=-0.5, report=True),
    }


def _row(design: Design, center: Center, *, hours: float, shift: float, report: bool, every: int = 0) -> ModelInputs:
    kept = ("nihss_baseline", "age")  # without these nothing is computed
    features = []
    for place, (name, label) in enumerate(zip(design.features, design.labels, strict=True)):
        mean, sd = center[name]
        hidden = every and place % every == 0 and name not in kept
        value = float(shift > 0) if name in design.flags else max(mean + shift * sd, 0.0)
        features.append(Feature(name, label, "", None if hidden else value))
    sentences = tuple(Sentence(text, section, "DiagnosticReport/golden", T0) for text, section, _ in TEXT)  # type: ignore[arg-type]
    findings = tuple(Finding(name, "present", place) for place, (_, _, name) in enumerate(TEXT))
    as_of = T0 + timedelta(hours=hours)
    return ModelInputs(as_of, T0, tuple(features), sentences if report else (), findings if report else ())


def differences(stored: Mapping[str, float], computed: Mapping[str, Any]) -> Sequence[str]:
    """The names of golden rows whose risk is not the stored one, or that are missing on either side."""
    names = sorted({*stored, *computed})
    return [
        name for name in names
        if name not in stored or name not in computed or not abs(stored[name] - computed[name]) <= TOLERANCE
    ]  # fmt: skip
