"""The numbers that reports give: ASPECTS points, millimeters of shift, percent of stenosis."""

import re

_ASPECTS = re.compile(r"(?<![\d.])(10|\d)(?: ?/ ?10)?(?![\d%]|\.\d)")
_LENGTH = re.compile(r"(\d{1,3}(?:\.\d+)?) ?(mm|cm|millimet(?:er|re)s?|centimet(?:er|re)s?)")
_PERCENT = re.compile(r"(?<![\d-])([<>]?) ?(\d{1,3}) ?(?:%|percent)")
_RANGE = re.compile(r"\d{1,3} ?%? ?(?:-|–|to) ?\d{1,3} ?(?:%|percent)")


def aspects(text: str) -> float | None:
    """Points of an ASPECTS mention, 0 to 10."""
    match = _ASPECTS.search(text)
    return float(match[1]) if match else None


def millimeters(text: str) -> float | None:
    """The first length in mm; centimeters are converted."""
    match = _LENGTH.search(text)
    if match is None:
        return None
    return float(match[1]) * (10.0 if match[2].startswith("c") else 1.0)


def percent(text: str) -> float | None:
    """The first percentage; "<50 %" and ">70 %" give their number, a range gives none."""
    if _RANGE.search(text):
        return None
    match = _PERCENT.search(text)
    return float(match[2]) if match and float(match[2]) <= 100 else None
