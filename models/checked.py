"""Single values of an artifact's files, checked: ``ValueError`` names the field."""

import math
from typing import Any


def number(value: Any, field: str) -> float:
    """A finite number."""
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError(f"{field} is no finite number: {value!r}")
    return float(value)


def chance(value: Any, field: str) -> float:
    """A number from 0 to 1."""
    if not 0 <= number(value, field) <= 1:
        raise ValueError(f"{field} lies outside 0 to 1: {value!r}")
    return float(value)


def words(value: Any, field: str) -> str:
    """A text that says something."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{field} is no text: {value!r}")
    return value
