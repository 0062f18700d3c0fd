"""NIHSS examinations from Observations: totals, panels with components, single items."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fhir_mappings.codes import LOINC, NihssItem, nihss_table
from fhir_mappings.observations import USED, codings_of, reservations, source_of
from fhir_mappings.snapshot import Issue, NihssScore
from fhir_mappings.windows import available_at, effective_of, instant

_WHOLE = re.compile(r"^\s*(\d{1,2})\s*$")
_NEGATED = re.compile(
    r"\b(?:no|not|non|without|before|prior to|off)[\s-]+(?:(?:any|being|currently|longer|on|under|yet)\s+){0,2}"
    r"(?:sedat|intubat|ana?esthe|ventilat)\w*"
)
"""A negation right before the word; "not possible while sedated" still says sedated."""


class NotAScore(ValueError):
    """The value cannot be read as points; says why."""


@dataclass
class _Examination:
    """What was charted for one moment, while it is gathered."""

    effective: datetime
    available: datetime
    sources: list[str]
    totals: set[int]
    charted: dict[str, set[int | None]]
    not_a_baseline: str | None = None


def scores_from(observations: Sequence[Any], *, live: bool) -> tuple[tuple[NihssScore, ...], tuple[Issue, ...]]:
    """Every examination, oldest first; what was charted for one moment is one examination.

    A total that contradicts the sum of all its items is unknown (None) and said.
    """
    gathered: dict[datetime, _Examination] = {}
    issues: list[Issue] = []
    for observation in observations:
        if not _concerns_us(observation):
            continue
        effective = effective_of(observation)
        if observation.status not in USED or effective is None:
            issues.append(_left_out(observation, effective))
            continue
        available = available_at("nihss", effective, instant(observation.issued), live=live)
        examination = gathered.setdefault(effective, _Examination(effective, available, [], set(), {}))
        issues += (*reservations(observation, "nihss"), *_add(examination, observation, available))
    finished = [_finish(one) for _, one in sorted(gathered.items()) if one.totals or one.charted]
    return tuple(score for score, _ in finished), (
        *issues,
        *(issue for _, said in finished for issue in said),
    )


def _left_out(observation: Any, effective: datetime | None) -> Issue:
    source = source_of(observation)
    if effective is None:
        return Issue("malformed", f"NIHSS {source} left out: no time", source, "nihss")
    return Issue("not-final", f"NIHSS {source} left out: {observation.status}", source, "nihss")


def _names(part: Any) -> tuple[str, NihssItem | None] | None:
    """("total", None) or ("item", the item) for a part of the scale; None where it is none."""
    scale = nihss_table()
    codes = {code for system, code in codings_of(part.code) if system == LOINC}
    if scale.total in codes:
        return "total", None
    item = next((item for item in scale.items.values() if item.loinc in codes), None)
    return ("item", item) if item else None


def _concerns_us(observation: Any) -> bool:
    panel = (LOINC, nihss_table().panel)
    return panel in codings_of(observation.code) or any(_names(part) for part in _all_parts(observation))


def _all_parts(observation: Any) -> Iterable[Any]:
    return (observation, *(observation.component or ()))


def _add(examination: _Examination, observation: Any, available: datetime) -> list[Issue]:
    """Put one Observation's points into the examination of its moment."""
    source, issues = source_of(observation), []
    examination.sources.append(source)
    examination.available = max(examination.available, available)
    examination.not_a_baseline = examination.not_a_baseline or _why_no_baseline(observation)
    for part in _all_parts(observation):
        named = _names(part)
        if named is None or (part is observation and part.component and not _has_value(part)):
            continue
        item = named[1]
        try:
            points = _points(part, item.most if item else nihss_table().most)
        except NotAScore as error:
            label = f"NIHSS item {item.name}" if item else "NIHSS total"
            issues.append(Issue("malformed", f"{label} left out ({source}): {error}", source, "nihss"))
            continue
        if item is not None:
            examination.charted.setdefault(item.name, set()).add(points)
        elif points is not None:
            examination.totals.add(points)
    return issues


def _has_value(part: Any) -> bool:
    return any(value is not None for value in (part.valueInteger, part.valueQuantity, part.valueString)) or bool(
        part.valueCodeableConcept
    )


def _points(part: Any, most: int) -> int | None:
    """Points of a total or an item; None where it could not be tested. Raises `NotAScore`."""
    number = _number(part)
    if number is None:
        return None
    if number != int(number) or not 0 <= number <= most:
        raise NotAScore(f"not a whole number from 0 to {most}")
    return int(number)


def _number(part: Any) -> float | None:
    if part.valueInteger is not None:
        return float(part.valueInteger)
    if part.valueQuantity is not None and part.valueQuantity.value is not None and not part.valueQuantity.comparator:
        return float(part.valueQuantity.value)
    if part.valueCodeableConcept is not None:
        return _answer(part.valueCodeableConcept)
    if part.valueString is not None and (whole := _WHOLE.match(part.valueString)):
        return float(whole[1])
    raise NotAScore("no number")


def _answer(concept: Any) -> float | None:
    """Points of a coded answer, by LOINC answer code or by an ordinal extension."""
    scale = nihss_table()
    if any(coding.code in scale.untestable for coding in concept.coding or ()):
        return None
    for coding in concept.coding or ():
        if coding.code in scale.answers:
            return float(scale.answers[coding.code])
        for extension in coding.extension or ():
            if extension.url in scale.ordinal_extensions and extension.valueDecimal is not None:
                return float(extension.valueDecimal)
    raise NotAScore("answer code not known")


def _why_no_baseline(observation: Any) -> str | None:
    """Why a score cannot be a baseline, as its note, method or interpretation says."""
    said = " ".join(text.lower() for text in _remarks(observation) if text)
    for phrase in nihss_table().says_nothing:
        said = said.replace(phrase, " ")
    said = _NEGATED.sub(" ", said)
    words = nihss_table().not_a_baseline
    return next((why for why, some in words.items() if any(re.search(rf"\b{word}\b", said) for word in some)), None)


def _remarks(observation: Any) -> Iterable[str | None]:
    yield from (note.text for note in observation.note or ())
    for concept in (observation.method, *(observation.interpretation or ())):
        if concept is not None:
            yield concept.text
            yield from (coding.display for coding in concept.coding or ())


def _sums(items: Mapping[str, int | None]) -> range:
    """The totals that these items allow: one where all fifteen have points.

    An untestable item counts as missing, since some add nothing for it and some the most.
    """
    points = sum(value for value in items.values() if value is not None)
    open_ = [item.most for name, item in nihss_table().items.items() if items.get(name) is None]
    return range(points, points + sum(open_) + 1)


def _finish(one: _Examination) -> tuple[NihssScore, list[Issue]]:
    """The score of one moment; contradictions make its total unknown, and an item charted twice absent."""
    source = min(one.sources)
    items = {name: next(iter(points)) for name, points in sorted(one.charted.items()) if len(points) == 1}
    twice = sorted(name for name, points in one.charted.items() if len(points) > 1)
    sums = _sums(items)
    totals = one.totals or ({sums.start} if len(sums) == 1 and not twice else set())
    agree = not twice and len(totals) <= 1 and all(total in sums for total in totals)
    issues = [] if agree else [Issue("contradictory", _contradiction(source, totals, twice, sums), source, "nihss")]
    if untestable := sorted(name for name, points in items.items() if points is None):
        text = f"NIHSS items untestable ({source}): {', '.join(untestable)}"
        issues.append(Issue("untestable", text, source, "nihss"))
    total = next(iter(totals), None) if agree else None
    return NihssScore(one.effective, one.available, total, items, source, one.not_a_baseline), issues


def _contradiction(source: str, totals: set[int], twice: Sequence[str], sums: range) -> str:
    if twice:
        return f"NIHSS items charted twice for one moment ({source}): {', '.join(twice)}"
    if len(totals) > 1:
        return f"NIHSS totals contradict ({source}): {' and '.join(map(str, sorted(totals)))}"
    allowed = str(sums.start) if len(sums) == 1 else f"{sums.start} to {sums.stop - 1}"
    return f"NIHSS total contradicts its items ({source}): {min(totals)}, items allow {allowed}"
