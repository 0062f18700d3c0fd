"""Is a mention present, uncertain, absent, historical or asked: rules over trigger phrases.

Triggers act within a clause, before or behind the mention, as in ConText (Harkema 2009); phrases are
in ``lexicon/assertion.toml``. The longest phrase at a place wins.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import cast

from fhir_mappings.inputs import Assertion, Section

LEXICON = files("fhir_mappings") / "text" / "lexicon" / "en"
_REACH_BEFORE = 120
_REACH_AFTER = 60
_LIST_END = re.compile(r"\b(?:or|nor)\b")
_NEW_STATEMENT = re.compile(r", (?:acute )?(?:left|right) ")
_ORDER: tuple[Assertion, ...] = ("historical", "asked", "absent", "uncertain")


@dataclass(frozen=True)
class _Trigger:
    """One phrase found in a clause: what it means, whether it looks ahead, and where it stands."""

    meaning: str
    ahead: bool
    start: int
    end: int


@cache
def _rules() -> tuple[re.Pattern[str], tuple[tuple[str, bool, re.Pattern[str]], ...]]:
    data = tomllib.loads((LEXICON / "assertion.toml").read_text("utf-8"))
    ends = re.compile(rf"\b(?:{'|'.join(data['ends'])})\b|;")
    rules = [("neutral", True, _any(data["neutral"])), ("residual", True, _any(data["residual"]["before"]))]
    for meaning in _ORDER:
        rules += [(meaning, True, _any(data[meaning]["before"])), (meaning, False, _any(data[meaning]["after"]))]
    return ends, tuple(rules)


def _any(phrases: list[str]) -> re.Pattern[str]:
    words = "|".join(sorted((phrase.strip() for phrase in phrases), key=len, reverse=True))
    # A phrase that begins with punctuation may follow a word at once: "hemorrhage: none", "bleed?".
    return re.compile(rf"(?:(?<![\w/])|(?=[:?]))(?:{words})(?:(?<=\W)|(?!\w))")


def clauses(text: str) -> tuple[tuple[int, int], ...]:
    """Spans of a lower-case sentence that a trigger does not reach beyond."""
    bounds = [match.span() for match in _rules()[0].finditer(text)]
    starts, ends = [0, *(end for _, end in bounds)], [*(start for start, _ in bounds), len(text)]
    return tuple((start, end) for start, end in zip(starts, ends, strict=True) if start < end)


def assertion_of(clause: str, start: int, end: int, *, section: Section, symptom: bool = False) -> Assertion:
    """How a clause (lower case) asserts what it mentions at ``start:end``.

    "?" asks in the history line, is uncertain before a symptom, and hedges elsewhere.
    """
    reaching = [
        trigger
        for trigger in _triggers(clause)
        if _reaches(trigger, start, end) and not _is_over(trigger, clause, start)
    ]
    found = {trigger.meaning for trigger in reaching}
    if symptom and "residual" in found:
        found.add("historical")
    if _outweighs_the_past(reaching):
        found.discard("historical")
    if "asked" in found:
        found.discard("asked")
        found.add("asked" if section == "history" and not symptom else "uncertain")
    return cast(Assertion, next((meaning for meaning in _ORDER if meaning in found), "present"))


def _is_over(trigger: _Trigger, clause: str, start: int) -> bool:
    """True where a negation ended before the mention: "no bleed, left M1 occlusion" is no list, for want of an "or"."""
    if trigger.meaning != "absent" or not trigger.ahead or _LIST_END.search(clause, trigger.end):
        return False
    return _NEW_STATEMENT.search(clause[trigger.end : start]) is not None


def _outweighs_the_past(reaching: Sequence[_Trigger]) -> bool:
    """True for a negative of the past: "no bleed on the prior CT", "prior CT: no bleed", "no previous bleed".

    Not where a past thing stands later in a list: "no diabetes, previous stroke".
    """
    past = [one for one in reaching if one.meaning == "historical" and one.ahead]
    return any(one.meaning == "absent" and all(one.end + 1 >= other.start for other in past) for one in reaching)


def _triggers(clause: str) -> tuple[_Trigger, ...]:
    """The triggers of a clause; where two overlap, the longer one."""
    found = [
        _Trigger(meaning, ahead, *match.span())
        for meaning, ahead, pattern in _rules()[1]
        for match in pattern.finditer(clause)
    ]
    kept: list[_Trigger] = []
    for one in sorted(found, key=lambda trigger: trigger.start - trigger.end):
        if all(one.end <= other.start or one.start >= other.end or one.ahead != other.ahead for other in kept):
            kept.append(one)
    return tuple(one for one in kept if one.meaning != "neutral")


def _reaches(trigger: _Trigger, start: int, end: int) -> bool:
    if trigger.ahead:
        # "no acute" may overlap the mention that it negates: "no acute infarct".
        # "absent opacification" is itself what is found, while "previous stroke" is past.
        first = start if trigger.meaning == "historical" else start - 1
        return trigger.start <= first and trigger.end < end and start <= trigger.end + _REACH_BEFORE
    return end <= trigger.start <= end + _REACH_AFTER
