"""The detail of a card: what, why, what was missing, monitoring, in this order."""

from collections.abc import Sequence
from datetime import tzinfo

from cds_service.cards.monitoring import Suggestion, erratum_note
from cds_service.cards.wording import LONGEST_DETAIL, NO_REASSURANCE, SIMULATED, Wording, clock, number, percent, plain
from cds_service.conclude import Conclusion, present
from fhir_mappings.end_rule import total_rise
from fhir_mappings.inputs import Feature, Sentence
from fhir_mappings.snapshot import ClinicalSnapshot, Issue
from fhir_mappings.text.findings import label_of
from models.prediction import Contribution, Prediction
from models.scores import ScoreResult

_MOST_SCORES = 3

_SHOWN_FINDINGS = (
    "hemorrhage",
    "occlusion",
    "hyperdense_artery",
    "early_ischemic_change",
    "mca_infarct",
    "mass_effect",
)


def detail(
    snapshot: ClinicalSnapshot, conclusion: Conclusion, suggestions: Sequence[Suggestion], wording: Wording
) -> str:
    """The whole detail in GitHub Flavored Markdown, under `LONGEST_DETAIL` characters.

    Where it would be longer, fewer reasons and notes are shown, and how many were left out is said.
    """
    text = ""
    for most in (5, 4, 3, 2, 1, 0):
        text = _written(snapshot, conclusion, suggestions, wording, most)
        if len(text) < LONGEST_DETAIL:
            return text
    return f"{text[: LONGEST_DETAIL - 2].rsplit(chr(10), 1)[0]}…"


def _written(
    snapshot: ClinicalSnapshot,
    conclusion: Conclusion,
    suggestions: Sequence[Suggestion],
    wording: Wording,
    most: int,
) -> str:
    zone = snapshot.stay.t0.tzinfo if snapshot.stay else snapshot.as_of.tzinfo
    blocks = [
        wording.banner,
        SIMULATED if wording.simulated and conclusion.kind in ("risk", "withheld") else None,
        *conclusion.also,
        _what(conclusion, zone),
        _reasons(conclusion, zone, most),
        _facts(snapshot, conclusion, zone, most),
        _data(snapshot, conclusion, most),
        _monitoring(suggestions),
        f"Data as of {clock(snapshot.as_of, zone)}. Model {wording.model.name} {wording.model.version}.",
    ]
    return "\n\n".join(block for block in blocks if block)


def _what(conclusion: Conclusion, zone: tzinfo | None) -> str:
    if conclusion.prediction:
        return _risk(conclusion.prediction, zone)
    said = conclusion.reason if conclusion.kind != "not-computed" else f"END risk not computed: {conclusion.reason}"
    quoted = (
        f'\n\n> "{plain(conclusion.sentence.text)}" ({_where(conclusion.sentence, zone)})'
        if conclusion.sentence
        else ""
    )
    stop = "" if said.endswith(".") else "."
    return f"{said[:1].upper()}{said[1:]}{stop}{quoted}"


def _risk(prediction: Prediction, zone: tzinfo | None) -> str:
    population = prediction.model.training_population
    low, high = (percent(bound) for bound in prediction.interval)
    state = "Flagged." if prediction.flagged else NO_REASSURANCE
    return (
        f"END risk {percent(prediction.risk)} by {clock(prediction.until, zone)} (day 7 after arrival; models of the "
        f"ensemble: {low} to {high}). {population.capitalize()} patients free of END at this hour: "
        f"{percent(prediction.comparator)}. {state}"
    )


def _reasons(conclusion: Conclusion, zone: tzinfo | None, most: int) -> str | None:
    """The strongest contributions, as associations with the model's figure."""
    if conclusion.prediction is None or conclusion.inputs is None or most == 0:
        return None
    ranked = sorted(conclusion.prediction.contributions, key=lambda one: -abs(one.risk_points))
    features = {feature.name: feature for feature in conclusion.inputs.features}
    lines = [_reason(one, features.get(one.feature), conclusion, zone) for one in ranked[:most]]
    return "**Associated with the figure**\n" + "\n".join(lines)


def _reason(one: Contribution, feature: Feature | None, conclusion: Conclusion, zone: tzinfo | None) -> str:
    direction = "higher" if one.risk_points > 0 else "lower"
    value = _shown(feature) if feature else ""
    at = (
        f" ({clock(feature.effective, zone)})"
        if feature and feature.effective and value and not feature.is_flag
        else ""
    )
    quote = ""
    if one.sentence is not None and conclusion.inputs:
        quote = f': "{plain(conclusion.inputs.sentences[one.sentence].text, 80)}"'
    return f"- {direction}: {plain(one.label, 60)}{value}{at}{quote} [{plain(one.source, 40)}]".replace(
        "[", "("
    ).replace("]", ")")


def _shown(feature: Feature) -> str:
    """A value with its unit, yes or no for a flag; nothing where it was not charted, which the label says."""
    if feature.value is None:
        return ""
    if feature.is_flag:
        return ": yes" if feature.value else ": no"
    return f" {number(feature.value)} {feature.unit}".rstrip()


def _facts(snapshot: ClinicalSnapshot, conclusion: Conclusion, zone: tzinfo | None, most: int) -> str | None:
    """NIHSS series, findings with their sentences, and published scores, on cards without a number."""
    if conclusion.prediction is not None:
        return None
    lines = [_series(snapshot, zone)]
    if conclusion.inputs:
        for name in _SHOWN_FINDINGS:
            found = present(conclusion.inputs, name)[:1]
            sentences = [conclusion.inputs.sentences[one.sentence] for one in found]
            sentences = [one for one in sentences if one != conclusion.sentence]  # quoted above
            lines += [f'- {label_of(name)}: "{plain(one.text, 100)}" ({_where(one, zone)})' for one in sentences]
    lines += [f"- {plain(score.text, 160)}" for score in _leading(conclusion.scores)]
    shown = [line for line in lines if line][: most + 2]
    return "\n".join(shown) or None


def _leading(scores: Sequence[ScoreResult]) -> Sequence[ScoreResult]:
    """As many published scores as a card has room for: those that could be computed first, in their order."""
    return sorted(scores, key=lambda score: score.points is None)[:_MOST_SCORES]


def _series(snapshot: ClinicalSnapshot, zone: tzinfo | None) -> str | None:
    known = sorted((one for one in snapshot.nihss if one.total is not None), key=lambda one: one.effective)[-5:]
    if not known:
        return None
    series = ", ".join(f"{one.total} ({clock(one.effective, zone)})" for one in known)
    rise = total_rise(known[0], known[-1]) if len(known) > 1 else None
    change = f"; change {rise:+d}" if rise is not None else ""
    return f"- NIHSS {series}{change}"


def _where(sentence: Sentence, zone: tzinfo | None) -> str:
    return f"{sentence.report}, {clock(sentence.effective, zone)}"


def _data(snapshot: ClinicalSnapshot, conclusion: Conclusion, most: int) -> str:
    """What was used, missing, unknown, old or left out."""
    notes = []
    if conclusion.inputs:
        features = conclusion.inputs.features
        missing = [feature.label for feature in features if not feature.observed]
        notes.append(f"Used {len(features) - len(missing)} of {len(features)} inputs.")
        if missing:
            notes.append(f"Not charted: {_listed(missing, most + 4)}.")
        if old := [f"{feature.label} {age:.0f} h" for feature, age in conclusion.inputs.stale]:
            notes.append(f"Old: {_listed(old, most + 2)}.")
        if not conclusion.inputs.sentences:
            notes.append("No report text.")
    if "procedures" in snapshot.unanswered:
        notes.append("Thrombectomy: unknown.")
    said = list(dict.fromkeys(plain(issue.text, 120) for issue in (*snapshot.issues, *_model_issues(conclusion))))
    notes += [f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}" for text in said[: most + 1]]
    if len(said) > most + 1:
        notes.append(f"And {len(said) - most - 1} more notes on the data.")
    return "**Data**: " + " ".join(notes) if notes else ""


def _model_issues(conclusion: Conclusion) -> Sequence[Issue]:
    return conclusion.prediction.issues if conclusion.prediction else ()


def _listed(names: Sequence[str], most: int) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return "; ".join(names[:most]) + more


def _monitoring(suggestions: Sequence[Suggestion]) -> str | None:
    if not suggestions:
        return None
    lines = [f"- {one.text}{f' ({one.basis})' if one.basis else ''}" for one in suggestions]
    return f"**Monitoring** ({erratum_note()})\n" + "\n".join(lines)
