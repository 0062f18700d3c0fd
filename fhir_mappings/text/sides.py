"""The side that a text names: left, right or both, in words or as written on request forms (L, Rt, LUE)."""

import re
from typing import Literal

Side = Literal["left", "right", "both"]

_LIMBS = r"(?:ue|le|ul|ll|u/l|l/l)s?"
_WORDS = re.compile(
    r"(?<![\w/])(?:"
    rf"(?P<both>both|bilateral(?:ly)?|bilat|either|quadri\w+|tetra\w+|b{_LIMBS})"
    rf"|(?P<left>left(?:ward)?|lt|l|l{_LIMBS})"
    rf"|(?P<right>right(?:ward)?|rt|r|r{_LIMBS})"
    r")(?![\w/'])"
)


def side_near(text: str, start: int, end: int) -> Side | None:
    """The side named nearest to ``text[start:end]`` of a lower-case text, one within it before all others."""
    near = min(_WORDS.finditer(text), key=lambda match: _distance(match.span(), start, end), default=None)
    if near is None:
        return None
    return "both" if near["both"] else "left" if near["left"] else "right"


def _distance(span: tuple[int, int], start: int, end: int) -> tuple[int, int]:
    """Characters between, and of two that are as far the earlier one."""
    return max(0, span[0] - end, start - span[1]), span[0]
