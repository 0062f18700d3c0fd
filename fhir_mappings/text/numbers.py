"""The numbers that reports give: ASPECTS points, millimeters of shift, percent of stenosis."""

import re

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_ASPECTS = re.compile(
    rf"(?<![\d.\w])(10|\d|{'|'.join(_DIGITS)})(?: ?/ ?10| (?:out )?of (?:10|ten))?(?![\d%\w]|\.\d)",
)
_LENGTH = re.compile(
    r"(?<![\d.,])(\d{1,3}(?:[.,]\d+)?)[ -]?(mm|cm|millimet(?:er|re)s?|centimet(?:er|re)s?)(?!\w)",
)
_LENGTH_AFTER = re.compile(r"\b(?:now|to|currently|today)(?: about| approximately| around| measures| measuring)?:? $")
_LENGTH_BEFORE = re.compile(r"(?:\b(?:from|previously|formerly|before|was|than|versus|vs\.?)|<|>)(?: about)? ?\(?$")
_PERCENT = re.compile(r"(?<![\d.-])([<>]?) ?(\d{1,3}) ?(?:%|percent|per cent)")
_RANGE = re.compile(r"\d{1,3} ?%? ?(?:-|–|to|and) ?\d{1,3} ?(?:%|percent)")


def aspects(text: str) -> float | None:
    """Points of an ASPECTS mention, 0 to 10, in digits or words."""
    match = _ASPECTS.search(text)
    if match is None:
        return None
    return float(_DIGITS.index(match[1]) if match[1] in _DIGITS else match[1])


def millimeters(text: str) -> float | None:
    """A length in mm: the one said of now ("from 5 mm to 13 mm"), else the first; centimeters are converted."""
    found = list(_LENGTH.finditer(text))
    current = [one for one in found if _LENGTH_AFTER.search(text, 0, one.start())]
    plain = [one for one in found if not _LENGTH_BEFORE.search(text, 0, one.start())]
    match = next(iter(current or plain or found), None)
    if match is None:
        return None
    return round(float(match[1].replace(",", ".")) * (10.0 if match[2].startswith("c") else 1.0), 2)


def percent(text: str) -> float | None:
    """The first percentage; "<50 %" and ">70 %" give their number, a range gives none."""
    if _RANGE.search(text):
        return None
    match = _PERCENT.search(text)
    return float(match[2]) if match and float(match[2]) <= 100 else None
