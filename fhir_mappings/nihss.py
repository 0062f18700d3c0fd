"""NIHSS examinations from Observations: totals, panels with components, single items."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fhir_mappings.codes import LOINC, NihssItem, nihss_table
from fhir_mappings.observations import USED, codings_of, source_of
from fhir_mappings.snapshot import Issue, NihssScore
from fhir_mappings.windows import available_at, effective_of, instant

_WHOLE = re.compile(r"^\s*(\d{1,2})\s*$")


class NotAScore(ValueError):
    """The value cannot be read as points; says why."""


@dataclass
class _Examination:
    """What was charted for one moment, while it is gathered."""

    effective: datetime
    available: datetime
    sources: list[str]
    totals: list[int]
    items: dict[str, int | None]
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
        source, effective = source_of(observation), effective_of(observation)
        if observation.status not in USED or effective is None:
            why = "no time" if effective is None else observation.status
            issues.append(Issue("not-final", f"NIHSS {source} left out: {why}", source, "nihss"))
            continue
        available = available_at("nihss", effective, instant(observation.issued), live=live)
        examination = gathered.setdefault(effective, _Examination(effective, available, [], [], {}))
        issues += _add(examination, observation, available)
    finished = [_finish(one) for _, one in sorted(gathered.items()) if one.totals or one.items]
    return tuple(score for score, _ in finished), (
        *issues,
        *(issue for _, said in finished for issue in said),
    )


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
        if item is None:
            examination.totals += [] if points is None else [points]
        else:
            examination.items[item.name] = points
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
    if part.valueQuantity is not None and part.valueQuantity.value is not None:
        return float(part.valueQuantity.value)
    if part.valueCodeableConcept is not None:
        return _answer(part.valueCodeableConcept)
    if part.valueString is not None and (whole := _WHOLE.match(part.valueString)):
        return float(whole[1])
    raise NotAScore("no number")


def _answer(concept: Any) -> float | None:
    """Points of a coded answer, by LOINC answer code or by an ordinal extension."""
    scale = nihss_table()
    for coding in concept.coding or ():
        if coding.code in scale.untestable:
            return None
        if coding.code in scale.answers:
            return float(scale.answers[coding.code])
        for extension in coding.extension or ():
            if extension.url in scale.ordinal_extensions and extension.valueDecimal is not None:
                return float(extension.valueDecimal)
    raise NotAScore("answer code not known")


def _why_no_baseline(observation: Any) -> str | None:
    """Why a score cannot be a baseline, as its note, method or performer says."""
    notes = [note.text for note in (observation.note or ())]
    concepts = [concept.text for concept in (observation.method, observation.bodySite) if concept]
    said = " ".join(text.lower() for text in (*notes, *concepts) if text)
    words = nihss_table().not_a_baseline
    return next((why for why, list_ in words.items() if any(word in said for word in list_)), None)


def _sum(items: Mapping[str, int | None]) -> int | None:
    """The sum of all fifteen items; None where one is missing or untestable."""
    if set(items) != set(nihss_table().items):
        return None
    points = [value for value in items.values() if value is not None]
    return sum(points) if len(points) == len(items) else None


def _finish(one: _Examination) -> tuple[NihssScore, list[Issue]]:
    """The score of one moment; contradictions make its total unknown."""
    source, summed = one.sources[0], _sum(one.items)
    said = set(one.totals) | ({summed} if summed is not None else set())
    total = next(iter(said)) if len(said) == 1 else None
    issues = []
    if len(said) > 1:
        text = f"NIHSS totals contradict ({source}): {' and '.join(str(each) for each in sorted(said))}"
        issues.append(Issue("contradictory", text, source, "nihss"))
    if untestable := sorted(name for name, points in one.items.items() if points is None):
        text = f"NIHSS items untestable ({source}): {', '.join(untestable)}"
        issues.append(Issue("untestable", text, source, "nihss"))
    score = NihssScore(one.effective, one.available, total, dict(one.items), source, one.not_a_baseline)
    return score, issues
