"""The detail of a card: what, why, what was missing, monitoring, in this order."""

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from cds_service.cards.escaping import plain, quoted
from cds_service.cards.monitoring import Suggestion, guideline
from cds_service.cards.notes import notes_on_data
from cds_service.cards.reasons import reasons
from cds_service.cards.sentences import not_computed, reason_of
from cds_service.cards.style import CardStyle
from cds_service.cards.wording import LONGEST_DETAIL, Wording, percent
from cds_service.conclude import Conclusion, present
from fhir_mappings.end_rule import EndState, total_rise
from fhir_mappings.inputs import ModelInputs, Sentence
from fhir_mappings.snapshot import ClinicalSnapshot, NihssScore, Treatment
from fhir_mappings.text.findings import label_of
from models.prediction import Prediction
from models.scores import ScoreResult

_MOST_REASONS = 5
_MOST_SCORES = 3
_LATEST_SCORES = 4
_LONGEST_REASON = 250
_LONGEST_SUGGESTION = 300

_SHOWN_FINDINGS = (
    "hemorrhage",
    "occlusion",
    "hyperdense_artery",
    "early_ischemic_change",
    "mca_infarct",
    "mass_effect",
    "midline_shift",
)


def detail(
    snapshot: ClinicalSnapshot, conclusion: Conclusion, suggestions: Sequence[Suggestion], wording: Wording
) -> str:
    """The whole detail in GitHub Flavored Markdown, under `LONGEST_DETAIL` characters.

    Where it would be longer, fewer reasons and notes are shown; how many notes were left out is said.
    """
    blocks: list[str] = []
    for most in range(_MOST_REASONS, -3, -1):  # below 0 still fewer facts and notes
        blocks = _blocks(snapshot, conclusion, suggestions, wording, most)
        if len(text := "\n\n".join(blocks)) < LONGEST_DETAIL:
            return text
    room = LONGEST_DETAIL - len(blocks[-1]) - len("…\n\n") - 1
    kept = "\n\n".join(blocks[:-1])[: room + 1].rpartition("\n")[0].rstrip()
    return f"{kept}…\n\n{blocks[-1]}"


def _blocks(
    snapshot: ClinicalSnapshot,
    conclusion: Conclusion,
    suggestions: Sequence[Suggestion],
    wording: Wording,
    most: int,
) -> list[str]:
    """The paragraphs; the last says of when the data are, and of which model."""
    zone = snapshot.stay.t0.tzinfo if snapshot.stay else snapshot.as_of.tzinfo
    style, model = wording.style, wording.model
    as_of = style.clock(snapshot.as_of, zone)
    blocks = [
        wording.banner,
        wording.caution if conclusion.kind in ("risk", "withheld") else None,
        *(_escaped(row, reason_of(row, style)) for row in conclusion.also),
        _what(conclusion, style, zone),
        _decision(conclusion.declined, style, zone) if conclusion.declined else None,
        reasons(conclusion, style, zone, most),
        _facts(snapshot, conclusion, style, zone, most),
        notes_on_data(snapshot, conclusion, style.language, most),
        _monitoring(suggestions, style),
        style.language.say("as_of", as_of=as_of, model=plain(model.name, 60), version=plain(model.version, 20)),
    ]
    return [block for block in blocks if block]


def _escaped(row: Conclusion, said: str) -> str:
    """The END sentence is our own and holds arrows; what came from elsewhere is escaped."""
    return said if row.kind == "end-charted" else plain(said, _LONGEST_REASON)


def _what(conclusion: Conclusion, style: CardStyle, zone: tzinfo | None) -> str:
    if conclusion.prediction:
        return _risk(conclusion.prediction, style, zone)
    said = (not_computed if conclusion.kind == "not-computed" else reason_of)(conclusion, style)
    whole = f"{said[:1].upper()}{said[1:]}{'' if said.endswith('.') else '.'}"
    sentence = conclusion.sentence
    quote = f"\n\n> {quoted(sentence.text)} ({_where(sentence, style, zone)})" if sentence else ""
    return f"{_escaped(conclusion, whole)}{quote}"


def _decision(declined: Sentence | Treatment, style: CardStyle, zone: tzinfo | None) -> str:
    """What was found to decide against thrombectomy, so that a misread one is seen."""
    if isinstance(declined, Sentence):
        quote = f"{quoted(declined.text, 100)} ({_where(declined, style, zone)})"
        return style.language.say("decision_read", quote=quote)
    where = [plain(declined.source, 90), *([style.clock(declined.effective, zone)] if declined.effective else [])]
    return style.language.say("decision_charted", where=", ".join(where))


def _risk(prediction: Prediction, style: CardStyle, zone: tzinfo | None) -> str:
    low, high = (percent(bound) for bound in prediction.interval)
    return style.language.say(
        f"risk_{prediction.model.training_population}",
        risk=percent(prediction.risk),
        until=style.clock(prediction.until, zone),
        low=low,
        high=high,
        comparator=percent(prediction.comparator),
        state=style.language.say(
            "flagged" if prediction.flagged else "not_flagged", threshold=percent(prediction.threshold)
        ),
    )


def _facts(
    snapshot: ClinicalSnapshot, conclusion: Conclusion, style: CardStyle, zone: tzinfo | None, most: int
) -> str | None:
    """NIHSS series, findings with their sentences, and published scores, on cards without a number."""
    if conclusion.prediction is not None:
        return None
    lines = [_series(snapshot, conclusion.end, style, zone)]
    if conclusion.inputs:
        lines += _findings(conclusion.inputs, conclusion.sentence, style, zone)
    lines += [style.language.say("score", score=plain(score.text, 160)) for score in _leading(conclusion.scores)]
    shown = [f"- {line}" for line in lines if line][: max(0, most + 2)]
    return "\n".join(shown) or None


def _findings(inputs: ModelInputs, above: Sentence | None, style: CardStyle, zone: tzinfo | None) -> Iterator[str]:
    """The first sentence of each finding that a card shows, unless it is quoted ``above``."""
    for name in _SHOWN_FINDINGS:
        for found in present(inputs, name)[:1]:
            sentence = inputs.sentences[found.sentence]
            if sentence != above:
                label = plain(style.language.label(label_of(name)), 60)
                yield f"{label}: {quoted(sentence.text, 100)} ({_where(sentence, style, zone)})"


def _leading(scores: Sequence[ScoreResult]) -> Sequence[ScoreResult]:
    """As many published scores as a card has room for: those that could be computed first, in their order."""
    return sorted(scores, key=lambda score: score.points is None)[:_MOST_SCORES]


def _series(snapshot: ClinicalSnapshot, end: EndState | None, style: CardStyle, zone: tzinfo | None) -> str | None:
    """The baseline and the latest scores, with the change from the one to the last."""
    known = sorted((one for one in snapshot.nihss if one.total is not None), key=lambda one: one.effective)
    if not known:
        return None
    baseline = end.baseline if end and end.baseline in known else None
    latest = [one for one in known if one is not baseline][-_LATEST_SCORES:]
    shown = sorted([*([baseline] if baseline else []), *latest], key=lambda one: one.effective)
    scores = ", ".join(f"{one.total} ({_noted(one, style, zone)})" for one in shown)
    rise = total_rise(baseline, known[-1]) if baseline and known[-1] is not baseline else None
    if rise is None:
        return style.language.say("nihss_series", scores=scores)
    if rise == 0:
        return style.language.say("nihss_unchanged", scores=scores)
    return style.language.say("nihss_change", scores=scores, change=f"{rise:+d}")


def _noted(score: NihssScore, style: CardStyle, zone: tzinfo | None) -> str:
    """When it was charted, and why it is no baseline."""
    why = [plain(style.language.label(score.not_a_baseline), 40)] if score.not_a_baseline else []
    return ", ".join([style.clock(score.effective, zone), *why])


def _where(sentence: Sentence, style: CardStyle, zone: tzinfo | None) -> str:
    return f"{plain(sentence.report, 90)}, {style.clock(sentence.effective, zone)}"


def _monitoring(suggestions: Sequence[Suggestion], style: CardStyle) -> str | None:
    if not suggestions:
        return None
    lines = [f"- {_suggestion(one)}" for one in suggestions]
    title = f"**{style.language.say('monitoring')}**"
    if any(one.basis for one in suggestions):
        title = f"{title} ({style.language.say('erratum', guideline=guideline())})"
    return "\n".join([title, *lines])


def _suggestion(one: Suggestion) -> str:
    basis = f" ({one.basis})" if one.basis else ""
    return f"{plain(one.text, _LONGEST_SUGGESTION)}{basis}"
