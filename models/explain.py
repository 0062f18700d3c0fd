"""Why the risk is what it is: contributions that add up to the difference from the reference risk."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from fhir_mappings.inputs import Finding, ModelInputs
from fhir_mappings.text.findings import label_of
from models.design import NO_REPORT, Design, FindingTerm, join_findings
from models.prediction import Contribution

TEXT_FEATURE, TEXT_LABEL = "report_text", "report text (embedding)"
FLAT = 1e-6  # a sum of log-odds this small says nothing of its direction
NUDGE = 1e-3  # of log-odds: the slope of the risk at the reference

Risk = Callable[[Tensor], float]
"""The shown risk for hazard logits [5]."""


@dataclass(frozen=True)
class EffectSources:
    """Where effects come from, by feature, finding term or modality; ``otherwise`` for one that is not named."""

    otherwise: str
    by_name: Mapping[str, str]

    def of(self, name: str) -> str:
        """The source of an effect."""
        return self.by_name.get(name, self.otherwise)


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
    sources: EffectSources,
) -> tuple[Contribution, ...]:
    """One `Contribution` a feature, finding and modality, and one for the text, largest first.

    ``findings`` are those of rules and reader joined.
    """
    cut = len(design.features), len(design.features) + design.term_count
    named = [
        *_of_features(points[: cut[0]], inputs, design, sources),
        *_of_findings(points[cut[0] : cut[1]], inputs, findings, design, sources),
        *_of_modalities(points[cut[1] : -1], inputs, design, sources),
        Contribution(TEXT_FEATURE, TEXT_LABEL, float(points[-1]), sources.of(TEXT_FEATURE)),
    ]
    return tuple(sorted(named, key=lambda c: -abs(c.risk_points)))


def _of_features(
    points: Sequence[float], inputs: ModelInputs, design: Design, sources: EffectSources
) -> list[Contribution]:
    seen = {feature.name for feature in inputs.features if feature.observed}
    rows = zip(design.features, design.labels, points, strict=True)
    return [
        Contribution(name, label, float(value), sources.of(name))
        if name in seen
        else Contribution(name, f"{label}: not charted", float(value), sources.otherwise, missing=True)
        for name, label, value in rows
    ]


def _of_findings(
    points: Sequence[float],
    inputs: ModelInputs,
    findings: Sequence[Finding],
    design: Design,
    sources: EffectSources,
) -> list[Contribution]:
    """One a finding, all its terms together, in the words of what was read; then whether there was a report."""
    joined = join_findings(findings)
    named = []
    for name in dict.fromkeys(term.name for term in design.terms):
        terms = [term for term in design.terms if term.name == name]
        value = sum(points[design.terms.index(term)] for term in terms)
        named.append(_of_finding(name, terms, float(value), [one for one in joined if one.name == name], sources))
    report = "no report" if not inputs.sentences else "a report was read"
    return [*named, Contribution(NO_REPORT, report, float(points[-1]), sources.of(NO_REPORT))]


def _of_finding(
    name: str, terms: Sequence[FindingTerm], value: float, said: Sequence[Finding], sources: EffectSources
) -> Contribution:
    """The finding as it was read: by its narrowest term, else by name and assertion, else as not mentioned."""
    if not said:
        return Contribution(name, f"{label_of(name)}: not mentioned", value, sources.otherwise)
    fired = [(term, one) for term in terms for one in said if term.matches(one)]
    if not fired:
        return Contribution(name, f"{label_of(name)}, {said[0].assertion}", value, sources.otherwise, said[0].sentence)
    term, one = fired[-1]
    return Contribution(name, term.label, value, sources.of(term.id), one.sentence)


def _of_modalities(
    points: Sequence[float], inputs: ModelInputs, design: Design, sources: EffectSources
) -> list[Contribution]:
    seen = {feature.name for feature in inputs.features if feature.observed}
    named = []
    for modality, value in zip(design.modalities, points, strict=True):
        missing = not seen & set(modality.features)
        label = f"{modality.label}: none charted" if missing else modality.label
        named.append(Contribution(modality.id, label, float(value), sources.of(modality.id), missing=missing))
    return named
