"""Is a mention present, uncertain, absent, historical or asked: the reach of triggers within a clause.

Triggers act before or behind the mention, as in ConText (Harkema 2009, J Biomed Inform 42:839). A negation goes
through a list ("no bleed, shift or herniation") and ends where something is affirmed: behind a colon or "with", at
a verb, or at an item of a list that names a side, an artery or a number and is not joined by "or" ("no bleed, left
M1 occlusion"). Conventions, our own: likely, known, unchanged and resolving are present; a prior study's findings and
what has resolved are historical, a prior study's negative is absent; questions are asked in the history line and
uncertain elsewhere.
"""

import re
from functools import cache
from typing import cast

from fhir_mappings.inputs import Assertion, Section
from fhir_mappings.text.clauses import Clause
from fhir_mappings.text.triggers import Trigger, assertion_data, whole_words

_ORDER: tuple[Assertion, ...] = ("asked", "historical", "absent", "uncertain")
_FARTHEST = 160
_JOINT = re.compile(r",? ?\b(?:and|or|nor)\b|[,/()&+]")
_OR = re.compile(r"\b(?:or|nor)\b")
_ITEM_END = re.compile(r"[,;)]")
_RECOMMENDS = re.compile(r"\b(?:recommend|advis|suggest|consider|propose)")
_VERB_BEFORE = re.compile(
    r"\b(?:is|are|was|were|be|been|has|have|had|remains?|appears?|now|fully|completely|largely)\s*$"
)
_NOTHING_BEHIND = re.compile(
    r" *(?:$|[,;.)]|\b(?:in|on|at|given|due|but|rather|and|because|with|by|from|since|as|after|though|at|to be"
    r"|clinically|here|currently)\b)"
)
_ASIDE = re.compile(r"\([^)]*\)")
_FILLER = re.compile(
    r"(?:\W|\b(?:which|that|now|since|then|has|have|is|are|was|were|still|currently|yet|though|it)\b)*"
)
_PLURAL = re.compile(r"(?:are|were|have|do|can|could)\b| ?[:=-]")
_MORE = r"(?: (?!of\b|for\b|to\b|or\b|and\b|suggest|suspicious|concerning|compatible|consistent)[\w'-]+){0,5} ?$"


@cache
def _bounds(name: str) -> re.Pattern[str]:
    """Stops, specific words, or comparisons."""
    if name == "within":
        return re.compile(rf"\b(?:{'|'.join(assertion_data()['bounds'][name])})\b{_MORE}")
    return whole_words(tuple(assertion_data()["bounds"][name]))


def assertion_of(clause: Clause, start: int, end: int, *, section: Section) -> Assertion:
    """How a clause asserts what it mentions at ``start:end``; "?" asks in the history line and hedges elsewhere."""
    triggers = (one for one in clause.triggers if one.meaning not in ("neutral", "study"))
    found = {one.meaning for one in triggers if _acts(one, clause, start, end)}
    if section == "history" and any(_acts(one, clause, start, end) for one in clause.requests):
        found.add("asked")
    if "asked" in found and section != "history":
        found = (found - {"asked"}) | {"uncertain"}
    if "absent" in found:
        found.discard("historical")  # a negative of the past is a negative: "no bleed on the prior CT"
    elif "asked" not in found and _of_another_study(clause, section):
        found.add("historical")
    return cast(Assertion, next((meaning for meaning in _ORDER if meaning in found), "present"))


def _of_another_study(clause: Clause, section: Section) -> bool:
    """True in the comparison section and where another study is named, unless something is compared."""
    named = section == "comparison" or any(one.meaning == "study" for one in clause.triggers)
    return named and (section == "history" or not _bounds("compares").search(clause.text))


def _acts(trigger: Trigger, clause: Clause, start: int, end: int) -> bool:
    """True where a trigger reaches the mention; of those within it, only a hedge: "ASPECTS possibly 9"."""
    if trigger.start >= start and trigger.end <= end:
        return trigger.meaning == "uncertain"
    if trigger.reach == "around":
        return True
    if trigger.start < start and trigger.end < end and trigger.reach != "after":
        return _acts_ahead(trigger, clause.text, start)
    behind = trigger.reach == "after" or (trigger.reach == "beside" and _looks_behind(trigger, clause.text))
    return behind and trigger.start >= end and _acts_behind(trigger, clause.text, start, end)


def _acts_ahead(trigger: Trigger, text: str, start: int) -> bool:
    gap = text[trigger.end : start]
    if start - trigger.end > _FARTHEST or (trigger.reach == "beside" and _looks_behind(trigger, text)):
        return False
    if trigger.reach == "clause":
        return True
    if _bounds("stops").search(gap) or _bounds("within").search(gap):
        return False
    return _goes_on(trigger, text, start)


def _goes_on(trigger: Trigger, text: str, start: int) -> bool:
    """True where nothing in the list between trigger and mention begins a new statement."""
    for joint in _JOINT.finditer(text, trigger.end, start):
        if joint[0].strip(" ,") in ("or", "nor", "/"):
            continue
        rest = text[joint.end() :]
        if trigger.reach in ("phrase", "beside") and joint[0] in (",", "(", ")"):
            return False
        if not _leads_to_or(rest) and _is_specific(rest):
            return False
    return True


def _leads_to_or(rest: str) -> bool:
    """True where the list goes on to an "or": all that stands before it is part of it."""
    match = _OR.search(rest)
    if match is None or _RECOMMENDS.search(rest):
        return False
    return _bounds("stops").search(rest[: match.start()]) is None


def _is_specific(rest: str) -> bool:
    end = _ITEM_END.search(rest, 1)
    item = rest[: end.start()] if end else rest
    return _bounds("specific").search(item) is not None


def _looks_behind(trigger: Trigger, text: str) -> bool:
    """True for "X is possible" and "X possible.", not for "possible X"."""
    return bool(_VERB_BEFORE.search(text, 0, trigger.start)) or bool(_NOTHING_BEHIND.match(text, trigger.end))


def _acts_behind(trigger: Trigger, text: str, start: int, end: int) -> bool:
    """True where what stands before the trigger is said of the mention."""
    gap = _VERB_BEFORE.sub("", _ASIDE.sub("", text[end : trigger.start]))
    if len(gap) > _FARTHEST or _bounds("within").search(text[:start].rpartition(",")[2]):
        return False
    if _FILLER.fullmatch(gap):
        return True
    if _bounds("stops").search(gap):
        return False
    joints = list(_JOINT.finditer(gap))
    if not joints:
        return True
    last = joints[-1]
    if _FILLER.fullmatch(gap[last.end() :]):  # "left ICA stenosis, now resolved"
        joints.pop()
    plural = _PLURAL.match(text, trigger.start) or _PLURAL.match(text, end + len(gap) + 1)
    together = "or" in last[0] or "/" in last[0] or ("and" in last[0] and plural is not None)
    return not joints or (together and not any(_is_specific(gap[joint.end() :]) for joint in joints))
