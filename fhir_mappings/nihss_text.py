"""NIHSS totals written in the text of reports and notes; used only where a site asks for it, and said."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from fhir_mappings.codes import nihss_table, table
from fhir_mappings.nihss_charted import why_no_baseline
from fhir_mappings.snapshot import Issue, NihssScore, Report
from fhir_mappings.text.sections import sentences_of

_SAME_EXAMINATION = timedelta(hours=1)
"""A charted score this near to a text is the examination that the text tells of (assumption)."""

_AMBIGUOUS = "which number it gives is not clear"
_ELSEWHEN = "it is of another moment than the text"
_HYPOTHETICAL = "it is named as a condition"

_DIGIT_NEAR = re.compile(r"[^0-9]{0,20}[0-9]")
_NO_MORE = (
    r"(?![0-9A-Za-z])"  # 5a, 24h, 12th
    r"(?! ?(?:=>|[→<>/%+≥≤]))"  # 5 -> 7, 12/3
    r"(?! ?[-–—]+ ?[0-9>])"  # 0-1
    r"(?![.:,][0-9])"  # 7.5, 12:30
    r"(?!,? ?(?:and |or |& ?)?[0-9])"  # 7, 9 and 11
)
"""What may not follow a score: with it the number is a range, a change, a date, an item or one of several."""


@dataclass(frozen=True)
class _Mention:
    """One NIHSS in a sentence: its total, or why it is not used."""

    total: int | None
    plus_untestable: bool = False
    not_a_baseline: str | None = None
    why_not: str | None = None


def scores_in_text(reports: Sequence[Report]) -> tuple[tuple[NihssScore, ...], tuple[Issue, ...]]:
    """At most one score a report, at the report's time, each said as read from its text; oldest first.

    Nothing is read from a report whose mentions differ or are ambiguous. Of reports within an hour
    the first counts where they agree, none where they do not.
    """
    scores: list[NihssScore] = []
    issues: list[Issue] = []
    for report in sorted(reports, key=lambda one: (one.effective, one.source)):
        mentions = [one for sentence in sentences_of([report]) for one in _mentions(sentence.text)]
        score, why_not = _score(report, mentions)
        if score is not None:
            scores.append(score)
        elif why_not:
            text = f"NIHSS in the text of {report.source} not read: {why_not}"
            issues.append(Issue("unread", text, report.source, "nihss"))
    kept, contradictions = _once(scores)
    said = (Issue("assumed", f"{_shown(one)} read from the text of {one.source}", one.source, "nihss") for one in kept)
    return kept, (*issues, *contradictions, *said)


def with_text_scores(
    scores: Sequence[NihssScore], text_scores: Sequence[NihssScore]
) -> tuple[tuple[NihssScore, ...], tuple[Issue, ...]]:
    """Charted scores with those texts that stand more than an hour from all of them; and what is said of the others."""
    used, issues = [], []
    for one in text_scores:
        near = [score for score in scores if abs(score.effective - one.effective) <= _SAME_EXAMINATION]
        if not near:
            used.append(one)
        elif all(score.total in (None, one.total) for score in near):
            text = f"{_shown(one)} in the text of {one.source} not used: an NIHSS is charted within 1 h"
            issues.append(Issue("assumed", text, one.source, "nihss"))
        else:
            charted = ", ".join(str(score.total) for score in near if score.total is not None)
            text = f"{_shown(one)} in the text of {one.source}, {charted} charted within 1 h: the charted one is used"
            issues.append(Issue("contradictory", text, one.source, "nihss"))
    return tuple(sorted((*scores, *used), key=lambda one: one.effective)), tuple(issues)


def _shown(score: NihssScore) -> str:
    return f"NIHSS {score.total}{'+X' if score.untestable_unnamed else ''}"


def _score(report: Report, mentions: Iterable[_Mention]) -> tuple[NihssScore | None, str | None]:
    """The one score of a report, or why it gives none; (None, None) where it names no score."""
    mentions = list(mentions)
    read = {one for one in mentions if one.why_not is None}
    refused = {one.why_not for one in mentions if one.why_not}
    if len(read) != 1 or _AMBIGUOUS in refused:
        return None, "it gives several" if len(read) > 1 else next(iter(sorted(filter(None, refused))), None)
    (one,) = read
    score = NihssScore(
        report.effective, report.available, one.total, {}, report.source, one.not_a_baseline, one.plus_untestable
    )
    return score, None


def _once(scores: Sequence[NihssScore]) -> tuple[tuple[NihssScore, ...], list[Issue]]:
    """Scores of texts within an hour taken together: the first where all agree, else none."""
    groups: list[list[NihssScore]] = []
    for score in scores:
        if groups and score.effective - groups[-1][0].effective <= _SAME_EXAMINATION:
            groups[-1].append(score)
        else:
            groups.append([score])
    agreeing = [group for group in groups if len(set(map(_shown, group))) == 1]
    return tuple(group[0] for group in agreeing), [_differing(group) for group in groups if group not in agreeing]


def _differing(group: Sequence[NihssScore]) -> Issue:
    told = ", ".join(f"{_shown(one)} ({one.source})" for one in group)
    return Issue("contradictory", f"Texts within 1 h differ, none is used: {told}", group[0].source, "nihss")


def _mentions(sentence: str) -> Iterator[_Mention]:
    """Every NIHSS of a sentence that stands with a number."""
    text = " ".join(sentence.split())
    patterns, why = _patterns(), why_no_baseline([text])
    for name in patterns.name.finditer(text):
        number = patterns.number.match(text, name.end())
        if number is None or int(number[1]) > nihss_table().most:
            if _DIGIT_NEAR.match(text, name.end()):
                yield _Mention(None, why_not=_AMBIGUOUS)
            continue
        why_not = _why_not(text[: name.start()], text[number.end() :])
        if why_not == _ELSEWHEN and why == "prehospital":
            why_not = None  # said to be from elsewhere: kept, and no baseline
        yield _Mention(int(number[1]), bool(number[2]), why, why_not)


def _why_not(before: str, after: str) -> str | None:
    """Why a score is not used, by the words around it."""
    patterns = _patterns()
    if patterns.hypothetical.search(before):
        return _HYPOTHETICAL
    if patterns.change.search(after):
        return _AMBIGUOUS
    return _ELSEWHEN if patterns.elsewhen_before.search(before) or patterns.elsewhen_after.search(after) else None


@dataclass(frozen=True)
class _Patterns:
    """The words of ``data/nihss_text.toml`` as they are searched."""

    name: re.Pattern[str]
    number: re.Pattern[str]
    hypothetical: re.Pattern[str]
    change: re.Pattern[str]
    elsewhen_before: re.Pattern[str]
    elsewhen_after: re.Pattern[str]


@cache
def _patterns() -> _Patterns:
    word = {what: "|".join(map(re.escape, words)) for what, words in table("nihss_text.toml").items()}
    between = rf" ?(?:(?:{word['between']})\b ?)*"
    number = rf"{between}(?:[:=]|[-–—] ?(?![->]))?{between}\(?([0-9]{{1,2}})( ?\+ ?(?:x|un)\b)?+(?: ?/ ?42)?+{_NO_MORE}"
    patterns = (
        rf"\b(?:{word['names']})(?![a-z])(?: ?\(nihss\))?",
        rf"{number}(?: (?:points|pts)\b)?+(?! (?:{word['not_points']})\b)",
        rf"\b(?:{word['hypothetical']})\b",
        rf"\b(?:{word['change']})\b[^0-9]{{0,30}}[0-9]",
        rf"\b(?:(?:{word['elsewhen']})\b|(?:{word['elsewhen_before']})\b-?)[ ,:]*(?:[\w-]+[ ,:]+)?$"
        r"|\b[0-9]+ ?-?(?:h|hrs?|hours?|days?)\b[ ,:]*$",
        rf"^[^,;]{{0,40}}\b(?:{word['elsewhen']}|{word['elsewhen_after']})\b",
    )
    return _Patterns(*(re.compile(pattern, re.IGNORECASE) for pattern in patterns))
