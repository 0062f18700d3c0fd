"""Points of the NIH Stroke Scale, from every form in which a chart gives them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from fhir_mappings.codes import NihssItem, nihss_table

_WHOLE = re.compile(r"([0-9]{1,3})(?:[.,]0+)?(?: ?(?:points?|pts))?")
_OF_MOST = re.compile(r"([0-9]{1,3}) ?/ ?([0-9]{1,3})")
_PLUS = re.compile(r"([0-9]{1,2}) ?\+ ?(?:x|un)")
_LABELED = re.compile(r"([0-9]) ?[-–—:=.)] ?[^\W\d_]{2}.*")
"""``2 - Some effort against gravity``: a range (2-3) and a decimal (2.5) have no letters after the mark."""

_ABSENT_REASONS = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_VALUES = ("valueInteger", "valueDecimal", "valueQuantity", "valueString", "valueCodeableConcept", "valueCoding")


class NotAScore(ValueError):
    """The value cannot be read as points; says why."""


@dataclass(frozen=True)
class Points:
    """Points of an item or a total; ``number`` is None where it could not be tested.

    ``plus_untestable``: a total of the testable items alone ("7+X").
    """

    number: int | None
    plus_untestable: bool = False


def has_value(part: Any) -> bool:
    """True where an Observation, a component or an answer holds a value in a form that is read."""
    return any(getattr(part, name, None) is not None for name in _VALUES)


def points_of(part: Any, item: NihssItem) -> Points:
    """The points that an Observation, a component or a form's answer gives. Raises `NotAScore`."""
    absent = getattr(part, "dataAbsentReason", None)
    if absent is not None and has_value(part):
        raise NotAScore("a value beside a reason for its absence")
    points = _read(part, item) if absent is None else _absent(absent)
    if points.number is None and not item.can_be_untestable:
        raise NotAScore("charted as untestable, which it cannot be")
    return points


def _read(part: Any, item: NihssItem) -> Points:
    numbers = (getattr(part, "valueInteger", None), getattr(part, "valueDecimal", None))
    plain = next((number for number in numbers if number is not None), None)
    if plain is not None:
        return _whole(plain, item)
    if (quantity := getattr(part, "valueQuantity", None)) is not None:
        if quantity.value is None or quantity.comparator:
            raise NotAScore("no exact number")
        return _whole(quantity.value, item)
    if (text := getattr(part, "valueString", None)) is not None:
        return _said(text, item)
    return _answered(part, item)


def _whole(value: float | Decimal, item: NihssItem) -> Points:
    try:
        number = float(value)
    except (OverflowError, ValueError) as error:  # beyond a float; a signaling NaN
        raise NotAScore("no number") from error
    if not 0 <= number <= item.most or number != int(number):
        raise NotAScore(f"not a whole number from 0 to {item.most}")
    return Points(int(number))


def _said(text: str, item: NihssItem) -> Points:
    points = text_points(text, item)
    if points is None:
        raise NotAScore("its text is not read as points")
    return points


def text_points(text: str, item: NihssItem) -> Points | None:
    """What a text says: a number, "12/42", "7+X", an item's "2 - Some effort", "UN"; None where nothing of these."""
    said = " ".join(text.split()).lower()
    if _untestable().fullmatch(said):
        return Points(None)
    if found := _WHOLE.fullmatch(said):
        return _whole(int(found[1]), item)
    if (found := _OF_MOST.fullmatch(said)) and int(found[2]) == item.most:
        return _whole(int(found[1]), item)
    return _total_only(said, item) if _is_whole_scale(item) else _item_only(said, item)


def _total_only(said: str, item: NihssItem) -> Points | None:
    found = _PLUS.fullmatch(said)
    return Points(_whole(int(found[1]), item).number, plus_untestable=True) if found else None


def _item_only(said: str, item: NihssItem) -> Points | None:
    found = _LABELED.fullmatch(said)
    return _whole(int(found[1]), item) if found else None


def _is_whole_scale(item: NihssItem) -> bool:
    return item.name in nihss_table().wholes


@cache
def _untestable() -> re.Pattern[str]:
    words = "|".join(map(re.escape, nihss_table().untestable_words))
    return re.compile(rf"(?:{words})(?: ?[-–—:,;] .*| ?\(.*)?")


def _answered(part: Any, item: NihssItem) -> Points:
    """Points of a coded answer: its LOINC answer code, ordinal value and wording, which have to agree."""
    coding, concept = getattr(part, "valueCoding", None), getattr(part, "valueCodeableConcept", None)
    codings = (coding,) if coding is not None else tuple(getattr(concept, "coding", None) or ())
    texts = (getattr(concept, "text", None), *(one.display for one in codings))
    said = {*_by_code(codings, item), *(points for text in texts if text and (points := text_points(text, item)))}
    ordinals = {points for one in (concept, *codings) for points in _ordinals(one, item)}
    if said == {Points(None)}:
        return Points(None)  # an ordinal value beside it is a placeholder
    if len(said | ordinals) > 1:
        raise NotAScore("answer code, ordinal value and wording differ")
    if not said | ordinals:
        raise NotAScore("no value that is read")
    return next(iter(said | ordinals))


def _by_code(codings: Iterable[Any], item: NihssItem) -> Iterable[Points]:
    for one in codings:
        if one.code in nihss_table().untestable:
            yield Points(None)
        elif one.code in item.answers:
            yield Points(item.answers[one.code])
        elif one.code in nihss_table().answers:
            raise NotAScore("the answer of another item")


def _ordinals(holder: Any, item: NihssItem) -> Iterable[Points]:
    for extension in getattr(holder, "extension", None) or ():
        if extension.url in nihss_table().ordinal_extensions:
            values = (extension.valueDecimal, extension.valueInteger)
            yield from (_whole(value, item) for value in values if value is not None)


def _absent(reason: Any) -> Points:
    """Untestable where the reason says just that; any other reason leaves the points unknown."""
    codings = reason.coding or ()
    texts = (reason.text, *(one.display for one in codings))
    if any(one.code in nihss_table().untestable for one in codings):
        return Points(None)
    if any(_untestable().fullmatch(" ".join(text.split()).lower()) for text in texts if text):
        return Points(None)
    code = next((one.code for one in codings if one.system == _ABSENT_REASONS), None)
    raise NotAScore(f"marked absent ({code})" if code else "marked absent")
