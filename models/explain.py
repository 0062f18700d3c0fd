"""What moved the risk, in risk points that add up exactly to risk - reference."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from fhir_mappings.inputs import ModelInputs
from models.design import NO_REPORT, Design, join_findings
from models.net import remaining_risk
from models.prediction import Contribution

ASSUMED = "assumed in the simulation"
TEXT_FEATURE, TEXT_LABEL = "report_text", "report text (embedding)"
FLAT = 1e-6  # a sum of log-odds this small says nothing of its direction


def risk_points(terms: Tensor, risk: float, reference: float, reference_logits: Tensor, span: Tensor) -> list[float]:
    """Log-odds terms [n] scaled in proportion so that they sum to ``risk - reference``.

    Where terms cancel to nothing, the slope of the risk at the reference scales them; ``span``
    holds start and stop in hours after arrival.
    """
    total = float(terms.sum())
    if abs(total) > FLAT:
        return [float(term) for term in terms * ((risk - reference) / total)]
    nudge = 1e-3
    moved = remaining_risk(reference_logits + nudge, span[0], span[1])
    still = remaining_risk(reference_logits, span[0], span[1])
    return [float(term) for term in terms * float((moved - still) / nudge)]


def contributions(
    points: Sequence[float], inputs: ModelInputs, design: Design, sources: Mapping[str, str]
) -> tuple[Contribution, ...]:
    """One `Contribution` a column of the design and one for the text, largest first."""
    named = [
        *_of_features(points, inputs, design, sources),
        *_of_findings(points[len(design.features) :], inputs, design, sources),
        Contribution(TEXT_FEATURE, TEXT_LABEL, float(points[-1]), sources.get(TEXT_FEATURE, ASSUMED)),
    ]
    return tuple(sorted(named, key=lambda c: -abs(c.risk_points)))


def _of_features(
    points: Sequence[float], inputs: ModelInputs, design: Design, sources: Mapping[str, str]
) -> list[Contribution]:
    held = {feature.name: feature for feature in inputs.features}
    rows = zip(design.features, design.labels, points, strict=False)
    return [
        Contribution(
            name, label if held[name].observed else f"{label}: not observed", float(value), sources.get(name, ASSUMED)
        )
        for name, label, value in rows
    ]


def _of_findings(
    points: Sequence[float], inputs: ModelInputs, design: Design, sources: Mapping[str, str]
) -> list[Contribution]:
    joined = join_findings(inputs.findings)
    named = []
    for term, value in zip(design.terms, points, strict=False):
        sentence = next((finding.sentence for finding in joined if term.matches(finding)), None)
        label = term.label if sentence is not None else f"{term.label}: not read"
        named.append(Contribution(term.id, label, float(value), sources.get(term.id, ASSUMED), sentence))
    report = "no report" if not inputs.sentences else "a report was read"
    return [*named, Contribution(NO_REPORT, report, float(points[len(design.terms)]), sources.get(NO_REPORT, ASSUMED))]
