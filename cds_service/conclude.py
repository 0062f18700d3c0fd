"""From a snapshot to one conclusion: the rows of the clinical contract, tried from top to bottom."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from math import inf
from typing import Literal

from fhir_mappings.eligibility import judge
from fhir_mappings.end_rule import EndState, apply_end_rule
from fhir_mappings.features import build_inputs
from fhir_mappings.inputs import Finding, ModelInputs, Sentence
from fhir_mappings.snapshot import ClinicalSnapshot, Treatment
from models.prediction import NotComputed, Prediction, Predicts
from models.scores import ScoreResult, published_scores

Kind = Literal["eligibility-unknown", "contradiction", "occlusion", "end-charted", "not-computed", "withheld", "risk"]

REPERFUSION_SITES = frozenset({"ica", "tandem", "m1", "m2", "basilar"})
REPERFUSION_WINDOW = timedelta(hours=24)
"""Occlusions of these sites read this long after last known well stand before any number (clinical contract)."""

LATEST_HOUR = 120.0
"""After this hour no number is shown (assumption)."""


@dataclass(frozen=True)
class Conclusion:
    """What the card is about. ``code`` goes to the audit, ``reason`` is a sentence for the card.

    The sentence is English, and the card says it in its own language. ``also`` holds what later rows
    would have said, END charted first. ``sentence`` is the report sentence that decided, where one
    did; ``critical`` only as the contract allows. ``declined`` is what was found to decide against thrombectomy
    where an occlusion is read that would else stand before any number.
    """

    kind: Kind
    code: str
    reason: str
    also: tuple["Conclusion", ...] = ()
    sentence: Sentence | None = None
    critical: bool = False
    declined: Sentence | Treatment | None = None
    end: EndState | None = None
    inputs: ModelInputs | None = None
    prediction: Prediction | None = None
    scores: tuple[ScoreResult, ...] = ()


@dataclass(frozen=True)
class _Evidence:
    """A snapshot inside the population, with what the rules read from it."""

    snapshot: ClinicalSnapshot
    inputs: ModelInputs
    end: EndState
    critical_on_end: bool


def conclude(
    snapshot: ClinicalSnapshot,
    *,
    predictor: Predicts,
    critical_on_end: bool = False,
    withhold: bool = False,
    until: float = inf,
) -> Conclusion:
    """The first row that applies. The model is asked only where a number may be shown, and reads ``until`` then."""
    eligibility = judge(snapshot)
    if eligibility.kind != "inside" or snapshot.stay is None:
        return Conclusion("eligibility-unknown", eligibility.code, eligibility.text)
    inputs = build_inputs(snapshot, predictor.features)
    evidence = _Evidence(snapshot, inputs, apply_end_rule(snapshot.nihss, snapshot.stay.t0), critical_on_end)
    rows = [row for row in (rule(evidence) for rule in _ROWS) if row is not None]
    if not rows:
        number = _number(evidence, predictor, withhold=withhold, until=until)
        return replace(number, declined=_declined(evidence))
    first, later = rows[0], sorted(rows[1:], key=lambda row: row.kind != "end-charted")
    facts = tuple(row for row in later if row.kind != "not-computed")
    return replace(first, also=facts, end=evidence.end, inputs=inputs, declined=_declined(evidence))


def _number(evidence: _Evidence, predictor: Predicts, *, withhold: bool, until: float) -> Conclusion:
    """The risk, or why there is none; withheld, the facts with the published scores."""
    inputs, end = evidence.inputs, evidence.end
    if withhold:
        scores = published_scores(evidence.snapshot, inputs)
        reason = "risk not shown: no local validation"
        return Conclusion("withheld", "withheld", reason, end=end, inputs=inputs, scores=scores)
    answer = predictor.predict(inputs, until)
    if isinstance(answer, NotComputed):
        return Conclusion("not-computed", "model-refused", answer.reason, end=end, inputs=inputs)
    return Conclusion("risk", "risk", "", end=end, inputs=inputs, prediction=answer)


def present(inputs: ModelInputs, name: str) -> tuple[Finding, ...]:
    """The mentions of a finding that are asserted as present."""
    return tuple(one for one in inputs.findings if one.name == name and one.assertion == "present")


def _contradiction(evidence: _Evidence) -> Conclusion | None:
    found = present(evidence.inputs, "hemorrhage")
    if not found:
        return None
    reason = (
        "Ischemic stroke is coded; a report reads as intracranial hemorrhage present (primary, or into the infarct): "
        "read the report"
    )
    return Conclusion("contradiction", "hemorrhage-read", reason, sentence=evidence.inputs.sentences[found[0].sentence])


def _occlusion(evidence: _Evidence) -> Conclusion | None:
    """A large occlusion early on, without thrombectomy and without a decision against it."""
    found = _early_occlusion(evidence)
    decided = any(one.kind == "thrombectomy" for one in evidence.snapshot.treatments)
    if found is None or decided or _declined(evidence):
        return None
    reason = (
        "Occlusion read in report; no thrombectomy decision found in the chart: "
        "this card does not inform reperfusion decisions"
    )
    return Conclusion("occlusion", "occlusion-read", reason, sentence=evidence.inputs.sentences[found.sentence])


def _early_occlusion(evidence: _Evidence) -> Finding | None:
    """An occlusion of a reperfusion site, within the window."""
    since = evidence.snapshot.last_known_well or evidence.inputs.t0
    if evidence.snapshot.as_of - since > REPERFUSION_WINDOW:
        return None
    return next((one for one in present(evidence.inputs, "occlusion") if one.site in REPERFUSION_SITES), None)


def _declined(evidence: _Evidence) -> Sentence | Treatment | None:
    """The Procedure that was not done, or the sentence, that decides against thrombectomy of such an occlusion."""
    if _early_occlusion(evidence) is None:
        return None
    for one in evidence.snapshot.treatments:
        if one.kind == "thrombectomy" and one.state == "not_done":
            return one
    read = present(evidence.inputs, "thrombectomy_declined")
    return evidence.inputs.sentences[read[0].sentence] if read else None


def _end_charted(evidence: _Evidence) -> Conclusion | None:
    end = evidence.end
    if end.baseline is None or end.raised is None:
        return None
    severe = end.how == "total" and (end.rise or 0) >= 4
    critical = severe or end.variants["four_points"] or end.confirmed or evidence.critical_on_end
    return Conclusion("end-charted", "end-charted", "the NIHSS series meets the END rule", critical=critical, end=end)


def _not_computed(evidence: _Evidence) -> Conclusion | None:
    if evidence.end.no_baseline is not None:
        return Conclusion("not-computed", "no-baseline", evidence.end.no_baseline)
    if evidence.snapshot.patient.age_years is None:
        return Conclusion("not-computed", "age-unknown", "the age is unknown")
    if evidence.inputs.hours > LATEST_HOUR:
        return Conclusion("not-computed", "over-120-hours", f"more than {LATEST_HOUR:.0f} h after arrival")
    return None


_ROWS: tuple[Callable[[_Evidence], Conclusion | None], ...] = (_contradiction, _occlusion, _end_charted, _not_computed)
