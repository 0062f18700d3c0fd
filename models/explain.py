"""Why the risk is what it is: contributions that add up to the difference from the reference risk."""

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

from fhir_mappings.inputs import Finding, ModelInputs
from fhir_mappings.text.findings import label_of
from models.design import NO_REPORT, Design, FindingTerm, join_findings
from models.prediction import Contribution

ASSUMED = "assumed in the simulation"
TEXT_FEATURE, TEXT_LABEL = "report_text", "report text (embedding)"
FLAT = 1e-6  # a sum of log-odds this small says nothing of its direction
NUDGE = 1e-3  # of log-odds: the slope of the risk at the reference

Risk = Callable[[Tensor], float]
"""The shown risk for hazard logits [5]."""


def risk_points(terms: Tensor, reference_logits: Tensor, risk: Risk) -> list[float]:
    """Log-odds terms [n] scaled in proportion so that they sum to the risk less the reference risk.

    The row's logits are the reference's plus the terms' sum. Where terms cancel to nothing, the
    slope of the risk at the reference scales them.
    """
    total = float(terms.sum())
    step = total if abs(total) > FLAT else NUDGE
    scale = (risk(reference_logits + step) - risk(reference_logits)) / step
    return [float(term) for term in terms * scale]


def contributions(
    points: Sequence[float],
    inputs: ModelInputs,
    findings: Sequence[Finding],
    design: Design,
    sources: Mapping[str, str],
) -> tuple[Contribution, ...]:
    """One `Contribution` a feature, finding and modality, and one for the text, largest first.

    ``findings`` are those of rules and reader joined.
    """
    cut = len(design.features), len(design.features) + design.term_count
    named = [
        *_of_features(points[: cut[0]], inputs, design, sources),
        *_of_findings(points[cut[0] : cut[1]], inputs, findings, design, sources),
        *_of_modalities(points[cut[1] : -1], inputs, design, sources),
        Contribution(TEXT_FEATURE, TEXT_LABEL, float(points[-1]), sources.get(TEXT_FEATURE, ASSUMED)),
    ]
    return tuple(sorted(named, key=lambda c: -abs(c.risk_points)))


def _of_features(
    points: Sequence[float], inputs: ModelInputs, design: Design, sources: Mapping[str, str]
) -> list[Contribution]:
    held = {feature.name: feature for feature in inputs.features}
    rows = zip(design.features, design.labels, points, strict=True)
    return [
        Contribution(
            name, label if held[name].observed else f"{label}: not observed", float(value), sources.get(name, ASSUMED)
        )
        for name, label, value in rows
    ]


def _of_findings(
    points: Sequence[float],
    inputs: ModelInputs,
    findings: Sequence[Finding],
    design: Design,
    sources: Mapping[str, str],
) -> list[Contribution]:
    """One a finding, all its terms together, in the words of what was read; then whether there was a report."""
    joined = join_findings(findings)
    named = []
    for name in dict.fromkeys(term.name for term in design.terms):
        terms = [term for term in design.terms if term.name == name]
        value = sum(points[design.terms.index(term)] for term in terms)
        named.append(_of_finding(name, terms, float(value), [one for one in joined if one.name == name], sources))
    report = "no report" if not inputs.sentences else "a report was read"
    return [*named, Contribution(NO_REPORT, report, float(points[-1]), sources.get(NO_REPORT, ASSUMED))]


def _of_finding(
    name: str, terms: Sequence[FindingTerm], value: float, said: Sequence[Finding], sources: Mapping[str, str]
) -> Contribution:
    """The finding as it was read: by its narrowest term, else by name and assertion, else as not mentioned."""
    if not said:
        return Contribution(name, f"{label_of(name)}: not mentioned", value, ASSUMED)
    fired = [(term, one) for term in terms for one in said if term.matches(one)]
    if not fired:
        return Contribution(name, f"{label_of(name)}, {said[0].assertion}", value, ASSUMED, said[0].sentence)
    term, one = fired[-1]
    return Contribution(name, term.label, value, sources.get(term.id, ASSUMED), one.sentence)


def _of_modalities(
    points: Sequence[float], inputs: ModelInputs, design: Design, sources: Mapping[str, str]
) -> list[Contribution]:
    seen = {feature.name for feature in inputs.features if feature.observed}
    named = []
    for modality, value in zip(design.modalities, points, strict=True):
        label = modality.label if seen & set(modality.features) else f"{modality.label}: none observed"
        named.append(Contribution(modality.id, label, float(value), sources.get(modality.id, ASSUMED)))
    return named
