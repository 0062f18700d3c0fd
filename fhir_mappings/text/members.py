"""What a mention says beyond its name: side, site, grade and number, each from its own phrase first."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache

from fhir_mappings.text import numbers
from fhir_mappings.text.clauses import Clause
from fhir_mappings.text.finding_rules import FindingRule, whole
from fhir_mappings.text.sides import Side, side_near
from fhir_mappings.text.spelling import LEXICON

_NUMBERS = {"aspects": numbers.aspects, "millimeters": numbers.millimeters, "percent": numbers.percent}
_TO = re.compile(
    r"(?:\bto(?:wards?)?(?: the)? |[ -](?:to|->)[ -])(left|right)\b|\b(left|right)ward|\bshifted (left|right)\b"
)
_SIDED_PERCENT = re.compile(r"[<>]? ?(\d{1,3}) ?%(?: stenosis)?(?: (?:on|in|of))?(?: the)? (left|right)\b")


def side_of(rule: FindingRule, clause: Clause, start: int, end: int) -> Side | None:
    """The side of a mention; of a shift, the side it goes to."""
    before, after = clause.phrase(start, end)
    if rule.number == "millimeters":
        return _direction(clause.text[before:after])
    return side_near(clause.text[before:after], start - before, end - before) or side_near(clause.text, start, end)


def _direction(phrase: str) -> Side | None:
    match = _TO.search(phrase)
    word = next((one for one in match.groups() if one), None) if match else None
    return "left" if word == "left" else "right" if word == "right" else None


def site_of(clause: Clause, start: int, end: int) -> str | None:
    """Where an occlusion sits: said in its own phrase, else the nearest in its clause."""
    before, after = clause.phrase(start, end)
    own = _sites(clause.text[before:after])
    if own:
        return own[0][0]
    return min(_sites(clause.text), key=lambda one: min(abs(one[1] - start), abs(one[1] - end)), default=(None, 0))[0]


@cache
def _site_table() -> tuple[tuple[str, re.Pattern[str]], ...]:
    rows: dict[str, list[str]] = tomllib.loads((LEXICON / "sites.toml").read_text("utf-8"))
    return tuple((site, whole(phrases, {})) for site, phrases in rows.items())


def _sites(text: str) -> list[tuple[str, int]]:
    """The sites a text names with where each stands, in the order of the table."""
    found = ((site, pattern.search(text)) for site, pattern in _site_table())
    return [(site, match.start()) for site, match in found if match]


def grade_of(rule: FindingRule, clause: Clause, start: int, end: int) -> str | None:
    """The grade that stands in the mention, else in its phrase."""
    spans = (clause.text[start:end], clause.phrase_text(start, end)) if rule.grades else ()
    return next((grade for text in spans for grade, words in rule.grades.items() if words.search(text)), None)


def value_of(rule: FindingRule, clause: Clause, start: int, end: int) -> float | None:
    """The number of a mention: points, mm or percent."""
    if rule.number is None:
        return None
    read = _NUMBERS[rule.number]
    before, after = clause.phrase(start, end)
    places = [clause.text[start:end]]
    if rule.number != "aspects":
        places += [clause.text[end:after], clause.text[before:after], clause.text]
    return next((number for text in places if (number := read(text)) is not None), None)


def sided_percents(clause: Clause) -> Iterator[tuple[float, Side]]:
    """Two stenoses told in one clause: "30% on the right and 65% on the left"; nothing where it is one."""
    found = [(float(match[1]), match[2]) for match in _SIDED_PERCENT.finditer(clause.text) if float(match[1]) <= 100]
    if len({side for _, side in found}) == 2:
        yield from ((value, "left" if side == "left" else "right") for value, side in found)
