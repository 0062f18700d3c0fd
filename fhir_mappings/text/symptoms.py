"""What the sentences of requests and notes say of the patient's symptoms."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from fhir_mappings.inputs import Assertion, Finding
from fhir_mappings.text.sides import side_near
from fhir_mappings.text.symptom_assertion import (
    Statement,
    assertion_of_symptom,
    is_over,
    statements_of,
    symptom_lexicon,
)

_STRENGTH: tuple[Assertion, ...] = ("present", "uncertain", "absent", "historical")
_NOW = re.compile(r"\b(?:now|currently|again)\b")


@dataclass(frozen=True)
class _Symptom:
    """One symptom of the lexicon, compiled. Nothing is searched where none of its ``stems`` stands."""

    name: str
    label: str
    sided: bool
    stems: tuple[str, ...]
    says: re.Pattern[str]
    normal: re.Pattern[str]
    absent_only: re.Pattern[str]
    not_with: re.Pattern[str]


@dataclass(frozen=True)
class _Mention:
    """One mention: how it is said, where the side is looked for, and whether it ends what was said before it."""

    start: int
    said: Assertion
    side_of: tuple[str, int, int] | None = None
    ends: bool = False


@cache
def symptoms() -> Mapping[str, str]:
    """What a card calls each symptom, by its name."""
    return {one.name: one.label for one in _symptoms()}


def read_symptoms(text: str, place: int) -> tuple[Finding, ...]:
    """The symptoms of the sentence number ``place``, each at most once: its strongest mention."""
    statements = statements_of(text)
    plain = " ".join(one.text for one in statements)
    found = ((one, _mentions(one, statements)) for one in _symptoms() if any(stem in plain for stem in one.stems))
    return tuple(_strongest(symptom, mentions, place) for symptom, mentions in found if mentions)


@cache
def _symptoms() -> tuple[_Symptom, ...]:
    return tuple(_compiled(row) for row in symptom_lexicon()["finding"])


def _compiled(row: Mapping[str, Any]) -> _Symptom:
    def pattern(key: str) -> re.Pattern[str]:
        phrases = "|".join(row.get(key, ())) or "(?!)"
        return re.compile(rf"(?<![\w])(?:{_spelled_out(phrases)})(?!\w)")

    return _Symptom(
        row["name"],
        row["label"],
        row.get("sided", False),
        tuple(row["stems"]),
        *map(pattern, ("says", "normal", "absent_only", "not_with")),
    )


def _spelled_out(pattern: str) -> str:
    """A pattern with the lexicon's ``<word>`` in place."""
    words: Mapping[str, str] = symptom_lexicon()["words"]
    while re.search(r"<[a-z]+>", pattern):
        pattern = re.sub(r"<([a-z]+)>", lambda match: words[match[1]], pattern)
    return pattern


def _mentions(symptom: _Symptom, statements: Sequence[Statement]) -> list[_Mention]:
    return [
        mention
        for statement in statements
        if not symptom.not_with.search(statement.text)
        for mention in _in_statement(symptom, statement)
    ]


def _in_statement(symptom: _Symptom, statement: Statement) -> Iterator[_Mention]:
    """The mentions of a symptom in their order; where it is said to be there within what is normal, it is normal."""
    text = statement.text
    normal, says = ([match.span() for match in one.finditer(text)] for one in (symptom.normal, symptom.says))
    kept = [one for one in says if not any(other[0] <= one[0] and one[1] <= other[1] for other in normal)]
    found = [_mention(statement, start, end) for start, end in kept]
    for start, end in normal:
        if not any(_meet((start, end), other) for other in kept):
            found.append(_Mention(start, "absent", ends=_NOW.search(text, max(0, start - 12), end) is not None))
    if not kept:
        bare = (match.span() for match in symptom.absent_only.finditer(text))
        found += [one for one in (_mention(statement, *span) for span in bare) if one and one.said == "absent"]
    yield from sorted(filter(None, found), key=lambda one: one.start)


def _mention(statement: Statement, start: int, end: int) -> _Mention | None:
    said = assertion_of_symptom(statement, start, end)
    ends = said == "historical" and is_over(statement, start, end)
    return _Mention(start, said, (statement.text, start, end), ends) if said else None


def _meet(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _strongest(symptom: _Symptom, mentions: Sequence[_Mention], place: int) -> Finding:
    """One finding: present before uncertain, absent and historical, once what is over by the end is historical."""
    said = _by_the_end(mentions)
    number = min(range(len(said)), key=lambda number: _STRENGTH.index(said[number]))
    side_of = mentions[number].side_of
    return Finding(symptom.name, said[number], place, side=side_near(*side_of) if symptom.sided and side_of else None)


def _by_the_end(mentions: Sequence[_Mention]) -> list[Assertion]:
    """How each mention is said, those historical that a later one ends: "dysphasic on arrival, speech now normal"."""
    ended = max((number for number, one in enumerate(mentions) if one.ends), default=-1)
    if not any(one.said == "present" for one in mentions[: max(0, ended)]):
        return [one.said for one in mentions]
    return [
        "historical" if number == ended or (number < ended and one.said == "present") else one.said
        for number, one in enumerate(mentions)
    ]
